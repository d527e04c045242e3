-- The article's date beside each of its tags, so that an index has the bearers of a tag in the order of lists: a list of a
-- frequent tag had to sort all of them.
ALTER TABLE article_tags ADD COLUMN published_at TEXT; -- the article's

UPDATE article_tags
SET published_at = (SELECT published_at FROM articles WHERE num = article_num);

CREATE INDEX article_tags_by_date ON article_tags (tag_num, published_at);

-- Whoever tags an article gives the date; here it follows the article's.
CREATE TRIGGER article_tags_follow AFTER UPDATE OF published_at ON articles
WHEN OLD.published_at IS NOT NEW.published_at
BEGIN
    UPDATE article_tags SET published_at = NEW.published_at WHERE article_num = NEW.num;
END;
