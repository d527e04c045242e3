-- One number for what all tags look like, drawn by chance after any change of it: the same number never stands for another
-- state, also after a store was put back. So what was read of a tag need not be read again with each article that bears it.
CREATE TABLE tag_generation (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    value BIGINT NOT NULL
) WITH (fillfactor = 10); -- room for the next ones beside it, and no index has the value: each change stays on its page

INSERT INTO tag_generation (one, value) VALUES (1, hashtextextended(gen_random_uuid()::text, 0));

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
