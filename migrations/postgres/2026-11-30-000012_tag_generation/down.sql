DROP TRIGGER tag_generation_update ON tags;
DROP TRIGGER tag_generation_next ON tags;
DROP FUNCTION tag_generation_next();
DROP TABLE tag_generation;
