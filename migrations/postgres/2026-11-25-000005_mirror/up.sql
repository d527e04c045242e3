-- Following the log from elsewhere.

-- Whether the public may be led on from it: not from a slug that the article had only while it was hidden.
ALTER TABLE article_aliases ADD COLUMN public BOOLEAN NOT NULL DEFAULT TRUE;
-- Which slugs of a thing the public was told.
CREATE INDEX changes_of ON changes (num, kind);

-- Which store this one mirrors, and how far it has come. One row, or none.
CREATE TABLE mirror (
    store TEXT COLLATE "C" NOT NULL PRIMARY KEY,     -- the identity of the source's store
    source TEXT NOT NULL,                  -- its address, as it was last named
    seq BIGINT NOT NULL,                  -- everything up to this line of its log is in
    seen_seq BIGINT,                      -- the last line that it told
    seen TEXT                              -- and what that said, to know the log again
);
