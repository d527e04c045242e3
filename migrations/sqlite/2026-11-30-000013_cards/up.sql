-- What lists show of an article, ready, so that a page of a list need not be put together column by column. It is made some
-- time after the article was written, and is none once anything of that is another: then the row is read. What tags look
-- like is not in it, but which they are.
CREATE TABLE cards (
    article_num INTEGER NOT NULL PRIMARY KEY REFERENCES articles (num) ON DELETE CASCADE,
    form INTEGER NOT NULL,                 -- of which program's form: another is not read
    opens INTEGER NOT NULL,                -- microseconds: the public sees the article from then on,
    ends INTEGER,                          -- and until then
    updated_at INTEGER NOT NULL,           -- microseconds
    tags TEXT NOT NULL,                    -- numbers of its tags, in order, parted by commas
    json TEXT NOT NULL,                    -- without tags,
    tags_at INTEGER NOT NULL               -- which come behind so many bytes
) STRICT;

-- All that is shown, and all that decides whether it is.
CREATE TRIGGER cards_end AFTER UPDATE OF
    id, slug, language, headline, standfirst, trail_text, excerpt, byline, image, source_name, source_url, canonical_url,
    license, attribution, syndicatable, sponsors, status, published_at, first_published_at, updated_at, embargoed_until,
    expires_at, deleted_at, version
ON articles
BEGIN
    DELETE FROM cards WHERE article_num = NEW.num;
END;

CREATE TRIGGER cards_end_tagged AFTER INSERT ON article_tags
BEGIN
    DELETE FROM cards WHERE article_num = NEW.article_num;
END;

CREATE TRIGGER cards_end_moved AFTER UPDATE OF article_num, tag_num, position ON article_tags
BEGIN
    DELETE FROM cards WHERE article_num IN (OLD.article_num, NEW.article_num);
END;

CREATE TRIGGER cards_end_untagged AFTER DELETE ON article_tags
BEGIN
    DELETE FROM cards WHERE article_num = OLD.article_num;
END;
