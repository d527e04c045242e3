DROP TRIGGER article_tags_follow ON articles;
DROP FUNCTION article_tags_follow();
DROP TRIGGER article_tags_date ON article_tags;
DROP FUNCTION article_tags_date();
DROP INDEX article_tags_by_date;
ALTER TABLE article_tags DROP COLUMN published_at;
