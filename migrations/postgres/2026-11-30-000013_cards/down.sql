DROP TRIGGER cards_end ON articles;
DROP TRIGGER cards_end_with_tags ON article_tags;
DROP FUNCTION cards_end();
DROP FUNCTION cards_end_with_tags();
DROP TABLE cards;
