-- One number for what all tags look like: another one after any change of it, also where a store is put back. So that what
-- was read of a tag need not be read again with each article that bears it.
CREATE TABLE tag_generation (
    value BIGINT NOT NULL PRIMARY KEY      -- by chance
);

INSERT INTO tag_generation VALUES (hashtextextended(gen_random_uuid()::text, 0));

CREATE FUNCTION tag_generation_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tag_generation SET value = hashtextextended(gen_random_uuid()::text, 0);
    RETURN NULL;
END
$$;

CREATE TRIGGER tag_generation_next AFTER INSERT OR DELETE OR TRUNCATE ON tags
FOR EACH STATEMENT EXECUTE FUNCTION tag_generation_next();

CREATE TRIGGER tag_generation_update AFTER UPDATE ON tags
FOR EACH ROW WHEN ((OLD.num, OLD.id, OLD.slug, OLD.name, OLD.kind)
    IS DISTINCT FROM (NEW.num, NEW.id, NEW.slug, NEW.name, NEW.kind))
EXECUTE FUNCTION tag_generation_next();
