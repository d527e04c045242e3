DROP TRIGGER article_tags_follow;
DROP INDEX article_tags_by_date;
ALTER TABLE article_tags DROP COLUMN published_at;
