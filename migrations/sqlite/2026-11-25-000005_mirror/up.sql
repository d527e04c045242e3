-- Following the log from elsewhere.

-- Whether the public may be led on from it: not from a slug that the article had only while it was hidden.
ALTER TABLE article_aliases ADD COLUMN public INTEGER NOT NULL DEFAULT 1;
-- Which slugs of a thing the public was told.
CREATE INDEX changes_of ON changes (num, kind);

-- Which store this one mirrors, and how far it has come. One row, or none.
CREATE TABLE mirror (
    store TEXT NOT NULL PRIMARY KEY,     -- the identity of the source's store
    source TEXT NOT NULL,                  -- its address, as it was last named
    seq INTEGER NOT NULL,                  -- everything up to this line of its log is in
    seen_seq INTEGER,                      -- the last line that it told
    seen TEXT                              -- and what that said, to know the log again
) STRICT;
