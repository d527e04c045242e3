-- Webhooks: who is told of changes, what was sent to whom, and how far the hub of the feeds has been told.

CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,          -- UUIDv7
    url TEXT NOT NULL,
    description TEXT,
    filter TEXT NOT NULL,                  -- JSON: events, languages, tags
    secret TEXT NOT NULL,                  -- whsec_…; it signs, so it cannot be kept as a digest
    former_secret TEXT,                    -- signs besides until former_until
    former_until TEXT,
    position INTEGER NOT NULL,             -- each line of the log up to this one has been sent or has its delivery
    failing_since TEXT,                    -- the first failure since the last success
    disabled_at TEXT,
    disabled_reason TEXT,
    lease_owner TEXT,                      -- the server that sends, and until when it may without saying so again
    lease_until TEXT,
    created_at TEXT NOT NULL,
    created_by TEXT,
    updated_at TEXT NOT NULL,
    deleted_at TEXT,                       -- its deliveries are cleared away first, a part at a time
    version INTEGER NOT NULL
) STRICT;

-- An event for a webhook, once it has been sent or cannot be sent yet. The lines after `webhooks.position` have none.
CREATE TABLE deliveries (
    num INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,               -- what the receiver knows it by
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    seq INTEGER,                           -- the line of the log; null: a test
    thing TEXT NOT NULL,                   -- kind and id: events of one thing are sent one after the other
    event TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    created_at TEXT NOT NULL,
    begun_at TEXT,                         -- the first attempt since it was asked for
    tries INTEGER NOT NULL,                -- attempts since then
    attempts INTEGER NOT NULL,             -- attempts ever
    attempt_log TEXT NOT NULL,             -- JSON: the last of them
    next_attempt_at TEXT,                  -- null while an earlier event of the thing is pending
    settled_at TEXT
) STRICT;
CREATE INDEX deliveries_webhook ON deliveries (webhook_id, num);
CREATE INDEX deliveries_state ON deliveries (webhook_id, state, num);
CREATE INDEX deliveries_due ON deliveries (webhook_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX deliveries_thing ON deliveries (webhook_id, thing, num) WHERE settled_at IS NULL;
CREATE INDEX deliveries_age ON deliveries (settled_at) WHERE settled_at IS NOT NULL;

-- How far the hub has been told, and which server tells it.
CREATE TABLE websub (
    hub TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until TEXT
) STRICT;
