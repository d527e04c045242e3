-- Indexes for reading.

-- What the newsroom works on, newest first, without walking past all that is out.
CREATE INDEX articles_unpublished ON articles (updated_at, id) WHERE status <> 'published';
CREATE INDEX articles_unpublished_dates ON articles (published_at, id) WHERE status <> 'published';
-- As before, and by language, so that the articles of one are counted without reading their rows.
DROP INDEX articles_windows;
CREATE INDEX articles_windows
    ON articles (version, language, status, published_at, first_published_at, embargoed_until, expires_at, deleted_at);
