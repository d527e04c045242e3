-- Who is told of what it knew, and only of what every server gives.

-- What the article's language was before; null where it stays.
ALTER TABLE changes ADD COLUMN former_language TEXT;

-- The tags that a webhook's filter has meant: a name may change, and lead nowhere once the tag is gone.
CREATE TABLE webhook_tags (
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    tag_num INTEGER NOT NULL,              -- also of a tag that is gone
    PRIMARY KEY (webhook_id, tag_num)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_tags_tag ON webhook_tags (tag_num);
INSERT INTO webhook_tags (webhook_id, tag_num)
    SELECT webhooks.id, tags.num FROM webhooks, json_each(webhooks.filter, '$.tags') AS wanted
    JOIN tags ON tags.slug = wanted.value
    UNION
    SELECT webhooks.id, tag_aliases.tag_num FROM webhooks, json_each(webhooks.filter, '$.tags') AS wanted
    JOIN tag_aliases ON tag_aliases.slug = wanted.value;

-- The servers that run, and how far each has come.
CREATE TABLE servers (
    name TEXT NOT NULL PRIMARY KEY,        -- it stays the same over restarts
    readable INTEGER NOT NULL,             -- the line of the log that all its answers have seen
    alive_until TEXT NOT NULL
) STRICT;
