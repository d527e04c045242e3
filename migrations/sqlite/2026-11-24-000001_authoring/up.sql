-- Who may write, and what writing needs: users, sessions, keys, previews, repeated requests, the audit trail.

ALTER TABLE articles ADD COLUMN created_by TEXT;
-- The next moment at which the passing of time alone changes whether the public sees the article, and for which the
-- log has no line yet.
ALTER TABLE articles ADD COLUMN next_change_at TEXT;
UPDATE articles SET next_change_at = CASE
        WHEN max(published_at, coalesce(embargoed_until, published_at)) > strftime('%Y-%m-%d %H:%M:%f', 'now')
            THEN max(published_at, coalesce(embargoed_until, published_at))
        WHEN expires_at > strftime('%Y-%m-%d %H:%M:%f', 'now') THEN expires_at
    END
    WHERE status IN ('scheduled', 'published') AND published_at IS NOT NULL AND deleted_at IS NULL
        AND (expires_at IS NULL OR expires_at > max(published_at, coalesce(embargoed_until, published_at)));
CREATE INDEX articles_next_change ON articles (next_change_at) WHERE next_change_at IS NOT NULL;
CREATE INDEX articles_created_by ON articles (created_by) WHERE created_by IS NOT NULL;
-- All that decides whether the public sees an article, for counting those that it does not see. It begins with a column
-- that no query asks for: SQLite would otherwise think a status rare, and look here for the articles of every list.
CREATE INDEX articles_windows ON articles (version, status, published_at, embargoed_until, expires_at, deleted_at);
CREATE INDEX articles_embargoes ON articles (embargoed_until) WHERE embargoed_until IS NOT NULL;
CREATE INDEX articles_expiries ON articles (expires_at) WHERE expires_at IS NOT NULL;
-- For those who ask again and again what has changed in their language.
CREATE INDEX articles_language_updated ON articles (language, updated_at, id);
-- The tombstones, which are few, for leaving them out of counts.
CREATE INDEX articles_tombstones ON articles (deleted_at) WHERE deleted_at IS NOT NULL;

-- When the present version was saved, which `articles.updated_at` need not be: an import may bring that along. Null
-- for what was saved before this was kept. Here, because a row of `articles` has as many columns as the program can
-- read at once.
ALTER TABLE bodies ADD COLUMN saved_at TEXT;

-- Whether the public may be led on from it: not from the name of a tag that it never knew.
ALTER TABLE tag_aliases ADD COLUMN public INTEGER NOT NULL DEFAULT 1;

CREATE TABLE users (
    num INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,           -- lower case; never given to another person
    role TEXT NOT NULL CHECK (role IN ('reader', 'partner', 'author', 'editor', 'admin')),
    password TEXT NOT NULL,                -- argon2id, in the PHC string format
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    disabled_at TEXT,
    deleted_at TEXT,                       -- the row stays, so that the name does
    tokens_from TEXT NOT NULL,           -- access tokens issued before this do not count
    version INTEGER NOT NULL
) STRICT;

-- A login, with all the tokens that come of it.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_num INTEGER NOT NULL REFERENCES users (num) ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT
) STRICT;
CREATE INDEX sessions_user ON sessions (user_num);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Each is good once; one that comes again betrays a theft.
CREATE TABLE refresh_tokens (
    hash TEXT NOT NULL PRIMARY KEY,      -- SHA-256
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at TEXT NOT NULL,
    used_at TEXT
) STRICT;
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

-- Access tokens without a session that were given back before their time.
CREATE TABLE revoked_tokens (
    jti TEXT NOT NULL PRIMARY KEY,
    expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX revoked_tokens_expiry ON revoked_tokens (expires_at);

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('reader', 'partner', 'author', 'editor', 'admin')),
    prefix TEXT NOT NULL,                  -- the beginning of the key, by which its owner knows it
    hash TEXT NOT NULL UNIQUE,           -- SHA-256 of the key
    created_at TEXT NOT NULL,
    created_by TEXT,
    expires_at TEXT,
    last_used_at TEXT,
    revoked_at TEXT
) STRICT;

-- What this store signs with, and no one else needs to know.
CREATE TABLE secrets (
    name TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE previews (
    id TEXT NOT NULL PRIMARY KEY,
    article_num INTEGER NOT NULL REFERENCES articles (num) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT,
    expires_at TEXT NOT NULL,
    revoked_at TEXT
) STRICT;
CREATE INDEX previews_article ON previews (article_num);
CREATE INDEX previews_expiry ON previews (expires_at);

-- Requests with an Idempotency-Key, and their answers once there are such.
CREATE TABLE idempotency (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,             -- digest of method, path and body
    claim TEXT NOT NULL,                   -- which attempt is at work
    claimed_at TEXT NOT NULL,
    answer TEXT,                           -- JSON: status, headers and body
    PRIMARY KEY (caller, key)
) STRICT;
CREATE INDEX idempotency_age ON idempotency (claimed_at);

-- Who did what.
CREATE TABLE audit (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    target_name TEXT NOT NULL,
    request_id TEXT,
    detail TEXT                            -- JSON object
) STRICT;
CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_action ON audit (action, seq);
CREATE INDEX audit_target ON audit (target_id, seq);
