-- The article's date beside each of its tags, so that an index has the bearers of a tag in the order of lists: a list of a
-- frequent tag had to sort all of them.
ALTER TABLE article_tags ADD COLUMN published_at TIMESTAMP; -- the article's

UPDATE article_tags
SET published_at = articles.published_at
FROM articles
WHERE articles.num = article_tags.article_num;

CREATE INDEX article_tags_by_date ON article_tags (tag_num, published_at, article_num);

-- Whoever tags an article gives the date, but for servers of an earlier version that still run.
CREATE FUNCTION article_tags_date() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.published_at := (SELECT published_at FROM articles WHERE num = NEW.article_num);
    RETURN NEW;
END
$$;

CREATE TRIGGER article_tags_date BEFORE INSERT ON article_tags
FOR EACH ROW WHEN (NEW.published_at IS NULL)
EXECUTE FUNCTION article_tags_date();

-- Then it follows the article's.
CREATE FUNCTION article_tags_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE article_tags SET published_at = NEW.published_at WHERE article_num = NEW.num;
    RETURN NULL;
END
$$;

CREATE TRIGGER article_tags_follow AFTER UPDATE OF published_at ON articles
FOR EACH ROW WHEN (OLD.published_at IS DISTINCT FROM NEW.published_at)
EXECUTE FUNCTION article_tags_follow();
