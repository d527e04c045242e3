-- What an API key may read and how often. A key without a row reads what its role does, as often as it likes.
CREATE TABLE key_rights (
    key_id TEXT NOT NULL PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
    tags TEXT,                    -- an expression over the ids of tags
    languages TEXT,               -- a JSON array; null: all
    sources TEXT,                 -- a JSON array; null: all
    text TEXT NOT NULL CHECK (text IN ('headline', 'excerpt', 'full')),
    delay_minutes INTEGER CHECK (delay_minutes > 0),
    lead_minutes INTEGER CHECK (lead_minutes > 0),
    daily_quota INTEGER CHECK (daily_quota > 0),
    rate_per_minute INTEGER CHECK (rate_per_minute > 0),
    version INTEGER NOT NULL,
    updated_at TEXT NOT NULL,
    CHECK (delay_minutes IS NULL OR lead_minutes IS NULL)
) STRICT;

-- How often each key was used on each day (UTC). Servers add to it now and then, several requests at a time.
CREATE TABLE key_usage (
    key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    day TEXT NOT NULL,            -- 2026-11-25
    requests INTEGER NOT NULL,
    refused_by_quota INTEGER NOT NULL,
    refused_by_rate INTEGER NOT NULL,
    last_used_at TEXT,
    PRIMARY KEY (key_id, day)
) STRICT;
CREATE INDEX key_usage_day ON key_usage (day);

-- The few that partners never get.
CREATE INDEX articles_withheld ON articles (num) WHERE NOT syndicatable;
