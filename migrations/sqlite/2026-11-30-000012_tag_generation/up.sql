-- One number for what all tags look like, drawn by chance after any change of it: the same number never stands for another
-- state, also after a store was put back. So what was read of a tag need not be read again with each article that bears it.
CREATE TABLE tag_generation (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    value INTEGER NOT NULL
) STRICT;

INSERT INTO tag_generation (one, value) VALUES (1, random());

CREATE TRIGGER tag_generation_insert AFTER INSERT ON tags
BEGIN
    UPDATE tag_generation SET value = random();
END;

CREATE TRIGGER tag_generation_update AFTER UPDATE ON tags
WHEN (OLD.num, OLD.id, OLD.slug, OLD.name, OLD.kind) IS NOT (NEW.num, NEW.id, NEW.slug, NEW.name, NEW.kind)
BEGIN
    UPDATE tag_generation SET value = random();
END;

CREATE TRIGGER tag_generation_delete AFTER DELETE ON tags
BEGIN
    UPDATE tag_generation SET value = random();
END;
