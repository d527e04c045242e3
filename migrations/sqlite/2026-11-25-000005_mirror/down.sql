DROP TABLE mirror;
DROP INDEX changes_of;
ALTER TABLE article_aliases DROP COLUMN public;
