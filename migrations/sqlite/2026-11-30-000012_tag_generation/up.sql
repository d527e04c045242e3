-- One number for what all tags look like: another one after any change of it, also where a store is put back. So that what
-- was read of a tag need not be read again with each article that bears it.
CREATE TABLE tag_generation (
    value INTEGER NOT NULL PRIMARY KEY     -- by chance
) STRICT;

INSERT INTO tag_generation VALUES (random());

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
