-- Numbers of the tags that an article gained or lost with the change, parted by commas: whose counts moved cannot be
-- told from what the article is afterwards.
ALTER TABLE changes ADD COLUMN moved_tags TEXT;
