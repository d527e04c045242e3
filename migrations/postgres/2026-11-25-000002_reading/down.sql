DROP INDEX articles_windows;
CREATE INDEX articles_windows ON articles (version, status, published_at, embargoed_until, expires_at, deleted_at);
DROP INDEX articles_unpublished;
DROP INDEX articles_unpublished_dates;
