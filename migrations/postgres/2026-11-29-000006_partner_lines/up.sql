-- What each partner's scope lost or won by a line of the log: for each article the last such line.
CREATE TABLE partner_lines (
    key_id TEXT COLLATE "C" NOT NULL,    -- of all partners without rights of their own: empty
    article_num BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    lost_slug TEXT,                      -- the slug under which it was lost; null: it was won
    PRIMARY KEY (key_id, article_num)
);
