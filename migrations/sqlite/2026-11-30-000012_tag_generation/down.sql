DROP TRIGGER tag_generation_insert;
DROP TRIGGER tag_generation_update;
DROP TRIGGER tag_generation_delete;
DROP TABLE tag_generation;
