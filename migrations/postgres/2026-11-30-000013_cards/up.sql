-- What lists show of an article, ready, so that a page of a list need not be put together column by column. It is made some
-- time after the article was written, and is none once anything of that is another: then the row is read. What tags look
-- like is not in it, but which they are.
CREATE TABLE cards (
    article_num BIGINT NOT NULL PRIMARY KEY REFERENCES articles (num) ON DELETE CASCADE,
    form INTEGER NOT NULL,                 -- of which program's form: another is not read
    opens BIGINT NOT NULL,                 -- microseconds: the public sees the article from then on,
    ends BIGINT,                           -- and until then
    updated_at BIGINT NOT NULL,            -- microseconds
    tags TEXT NOT NULL,                    -- numbers of its tags, in order, parted by commas
    json TEXT NOT NULL,                    -- without tags,
    tags_at INTEGER NOT NULL               -- which come behind so many bytes
);

CREATE FUNCTION cards_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM cards WHERE article_num = NEW.num;
    RETURN NULL;
END
$$;

-- All that is shown, and all that decides whether it is.
CREATE TRIGGER cards_end AFTER UPDATE OF
    id, slug, language, headline, standfirst, trail_text, excerpt, byline, image, source_name, source_url, canonical_url,
    license, attribution, syndicatable, sponsors, status, published_at, first_published_at, updated_at, embargoed_until,
    expires_at, deleted_at, version
ON articles FOR EACH ROW EXECUTE FUNCTION cards_end();

CREATE FUNCTION cards_end_with_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM cards WHERE article_num = OLD.article_num;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        DELETE FROM cards WHERE article_num = NEW.article_num;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER cards_end_with_tags AFTER INSERT OR DELETE OR UPDATE OF article_num, tag_num, position
ON article_tags FOR EACH ROW EXECUTE FUNCTION cards_end_with_tags();
