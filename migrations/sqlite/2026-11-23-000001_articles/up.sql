-- The article model, its tags and the log that everything derived follows.
-- Times are UTC. `num` is the database's own number for a row and never leaves the process;
-- `id` is the public one.

CREATE TABLE store (
    id TEXT NOT NULL PRIMARY KEY,          -- identity of this store: derived indexes name it
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE articles (
    num INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    external_id TEXT UNIQUE,               -- the name another system gave it
    language TEXT NOT NULL,                -- BCP 47
    headline TEXT NOT NULL,
    standfirst TEXT,
    trail_text TEXT,                       -- as written; null: the excerpt stands in
    excerpt TEXT NOT NULL,
    byline TEXT,
    image TEXT,                            -- JSON object
    source_name TEXT,
    source_url TEXT,
    canonical_url TEXT,
    license TEXT,
    attribution TEXT,
    syndicatable INTEGER NOT NULL,
    sponsors TEXT NOT NULL,                -- JSON array, in order
    translation_group TEXT,                -- shared by the translations of one text
    status TEXT NOT NULL CHECK (status IN ('draft', 'scheduled', 'published', 'withdrawn')),
    published_at TEXT,
    first_published_at TEXT,
    updated_at TEXT NOT NULL,
    embargoed_until TEXT,
    expires_at TEXT,
    related TEXT NOT NULL CHECK (related IN ('auto', 'never')),
    created_at TEXT NOT NULL,
    deleted_at TEXT,                         -- a tombstone keeps its id and slug
    saved_by TEXT,
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX articles_published ON articles (published_at, id);
CREATE INDEX articles_first_published ON articles (first_published_at, id);
CREATE INDEX articles_updated ON articles (updated_at, id);
CREATE INDEX articles_language ON articles (language, published_at, id);
CREATE INDEX articles_source ON articles (source_name, published_at, id);
CREATE INDEX articles_translations ON articles (translation_group);

-- Apart from the rest, so that a list reads compact rows.
CREATE TABLE bodies (
    article_num INTEGER NOT NULL PRIMARY KEY REFERENCES articles (num) ON DELETE CASCADE,
    format TEXT NOT NULL CHECK (format IN ('html', 'markdown', 'text')),
    source TEXT NOT NULL,                  -- as written
    html TEXT NOT NULL,                    -- sanitised
    text TEXT NOT NULL,                    -- plain
    word_count INTEGER NOT NULL
) STRICT;

CREATE TABLE article_aliases (
    slug TEXT NOT NULL PRIMARY KEY,        -- a former slug
    article_num INTEGER NOT NULL REFERENCES articles (num) ON DELETE CASCADE
) STRICT;
CREATE INDEX article_aliases_article ON article_aliases (article_num);

CREATE TABLE tags (
    num INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    folded_name TEXT NOT NULL,             -- for search without accents, and order
    kind TEXT NOT NULL CHECK (kind IN
        ('keyword', 'person', 'place', 'organisation', 'series', 'section', 'contributor')),
    description TEXT,
    parent_num INTEGER REFERENCES tags (num),
    listed INTEGER NOT NULL,                  -- made by an editor: shown even while unused
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX tags_folded_name ON tags (folded_name, slug);
CREATE INDEX tags_parent ON tags (parent_num);

CREATE TABLE tag_aliases (
    slug TEXT NOT NULL PRIMARY KEY,        -- a former slug, or that of a merged tag
    tag_num INTEGER NOT NULL REFERENCES tags (num) ON DELETE CASCADE
) STRICT;
CREATE INDEX tag_aliases_tag ON tag_aliases (tag_num);

CREATE TABLE article_tags (
    article_num INTEGER NOT NULL REFERENCES articles (num) ON DELETE CASCADE,
    tag_num INTEGER NOT NULL REFERENCES tags (num),
    position INTEGER NOT NULL,                 -- editorial order, from 0
    PRIMARY KEY (article_num, tag_num)
) STRICT, WITHOUT ROWID;
CREATE INDEX article_tags_tag ON article_tags (tag_num, article_num);

-- What editors say of related articles.
CREATE TABLE curations (
    article_num INTEGER NOT NULL REFERENCES articles (num) ON DELETE CASCADE,
    target_num INTEGER NOT NULL REFERENCES articles (num) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('pin', 'ban')),
    position INTEGER NOT NULL,
    PRIMARY KEY (article_num, kind, target_num)
) STRICT, WITHOUT ROWID;
CREATE INDEX curations_target ON curations (target_num);

-- States that a later save replaced.
CREATE TABLE revisions (
    article_num INTEGER NOT NULL REFERENCES articles (num) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    saved_at TEXT NOT NULL,
    saved_by TEXT,
    state TEXT NOT NULL,                   -- JSON, in the import format
    PRIMARY KEY (article_num, version)
) STRICT;

-- One line for each write, in commit order; the derived state follows it.
CREATE TABLE changes (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('article', 'tag')),
    num INTEGER NOT NULL,
    id TEXT NOT NULL,
    slug TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN
        ('saved', 'published', 'updated', 'withdrawn', 'deleted', 'merged')),
    at TEXT NOT NULL,
    version INTEGER NOT NULL
) STRICT;
