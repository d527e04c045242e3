//! The tables as diesel sees them; `tests/schema.rs` holds them against both databases.

macro_rules! tables {
    ($($name:ident ($($key:ident),+) { $($column:ident -> $type:ty,)* })*) => {
        $(diesel::table! { $name ($($key),+) { $($column -> $type,)* } })*
        /// Every table with its columns in order.
        pub const TABLES: &[(&str, &[&str])] = &[$((stringify!($name), &[$(stringify!($column)),*])),*];
    };
}

/// The names of a table's columns in order, for statements that are written out.
pub fn columns_of(table: &str) -> String {
    let known = TABLES.iter().filter(|(name, _)| *name == table);
    let columns = known.flat_map(|(_, columns)| *columns);
    let named: Vec<String> = columns.map(|column| format!("{table}.{column}")).collect();
    named.join(", ")
}

tables! {
    store (id) {
        id -> Text,
        created_at -> Timestamp,
    }
    articles (num) {
        num -> BigInt,
        id -> Text,
        slug -> Text,
        external_id -> Nullable<Text>,
        language -> Text,
        headline -> Text,
        standfirst -> Nullable<Text>,
        trail_text -> Nullable<Text>,
        excerpt -> Text,
        byline -> Nullable<Text>,
        image -> Nullable<Text>,
        source_name -> Nullable<Text>,
        source_url -> Nullable<Text>,
        canonical_url -> Nullable<Text>,
        license -> Nullable<Text>,
        attribution -> Nullable<Text>,
        syndicatable -> Bool,
        sponsors -> Text,
        translation_group -> Nullable<Text>,
        status -> Text,
        published_at -> Nullable<Timestamp>,
        first_published_at -> Nullable<Timestamp>,
        updated_at -> Timestamp,
        embargoed_until -> Nullable<Timestamp>,
        expires_at -> Nullable<Timestamp>,
        related -> Text,
        created_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
        saved_by -> Nullable<Text>,
        version -> BigInt,
        created_by -> Nullable<Text>,
        next_change_at -> Nullable<Timestamp>,
    }
    bodies (article_num) {
        article_num -> BigInt,
        format -> Text,
        source -> Text,
        html -> Text,
        text -> Text,
        word_count -> Integer,
        saved_at -> Nullable<Timestamp>,
    }
    article_aliases (slug) {
        slug -> Text,
        article_num -> BigInt,
        public -> Bool,
    }
    tags (num) {
        num -> BigInt,
        id -> Text,
        slug -> Text,
        name -> Text,
        folded_name -> Text,
        kind -> Text,
        description -> Nullable<Text>,
        parent_num -> Nullable<BigInt>,
        listed -> Bool,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        version -> BigInt,
    }
    cards (article_num) {
        article_num -> BigInt,
        form -> Integer,
        opens -> BigInt,
        ends -> Nullable<BigInt>,
        updated_at -> BigInt,
        tags -> Text,
        json -> Text,
        tags_at -> Integer,
    }
    tag_generation (one) {
        one -> Integer,
        value -> BigInt,
    }
    tag_aliases (slug) {
        slug -> Text,
        tag_num -> BigInt,
        public -> Bool,
    }
    article_tags (article_num, tag_num) {
        article_num -> BigInt,
        tag_num -> BigInt,
        position -> Integer,
        published_at -> Nullable<Timestamp>,
    }
    curations (article_num, kind, target_num) {
        article_num -> BigInt,
        target_num -> BigInt,
        kind -> Text,
        position -> Integer,
    }
    revisions (article_num, version) {
        article_num -> BigInt,
        version -> BigInt,
        saved_at -> Timestamp,
        saved_by -> Nullable<Text>,
        state -> Text,
    }
    changes (seq) {
        seq -> BigInt,
        kind -> Text,
        num -> BigInt,
        id -> Text,
        slug -> Text,
        action -> Text,
        at -> Timestamp,
        version -> BigInt,
        moved_tags -> Nullable<Text>,
        former_language -> Nullable<Text>,
    }
    users (num) {
        num -> BigInt,
        name -> Text,
        role -> Text,
        password -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        disabled_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        tokens_from -> Timestamp,
        version -> BigInt,
    }
    sessions (id) {
        id -> Text,
        user_num -> BigInt,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
    }
    refresh_tokens (hash) {
        hash -> Text,
        session_id -> Text,
        issued_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
    revoked_tokens (jti) {
        jti -> Text,
        expires_at -> Timestamp,
    }
    api_keys (id) {
        id -> Text,
        name -> Text,
        role -> Text,
        prefix -> Text,
        hash -> Text,
        created_at -> Timestamp,
        created_by -> Nullable<Text>,
        expires_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
    }
    key_rights (key_id) {
        key_id -> Text,
        tags -> Nullable<Text>,
        languages -> Nullable<Text>,
        sources -> Nullable<Text>,
        text -> Text,
        delay_minutes -> Nullable<Integer>,
        lead_minutes -> Nullable<Integer>,
        daily_quota -> Nullable<BigInt>,
        rate_per_minute -> Nullable<Integer>,
        version -> BigInt,
        updated_at -> Timestamp,
    }
    partner_lines (key_id, article_num) {
        key_id -> Text,
        article_num -> BigInt,
        seq -> BigInt,
        lost_slug -> Nullable<Text>,
    }
    key_usage (key_id, day) {
        key_id -> Text,
        day -> Text,
        requests -> BigInt,
        refused_by_quota -> BigInt,
        refused_by_rate -> BigInt,
        last_used_at -> Nullable<Timestamp>,
    }
    secrets (name) {
        name -> Text,
        secret -> Text,
        created_at -> Timestamp,
    }
    previews (id) {
        id -> Text,
        article_num -> BigInt,
        version -> BigInt,
        created_at -> Timestamp,
        created_by -> Nullable<Text>,
        expires_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
    }
    idempotency (caller, key) {
        caller -> Text,
        key -> Text,
        fingerprint -> Text,
        claim -> Text,
        claimed_at -> Timestamp,
        answer -> Nullable<Text>,
    }
    mirror (store) {
        store -> Text,
        source -> Text,
        seq -> BigInt,
        seen_seq -> Nullable<BigInt>,
        seen -> Nullable<Text>,
    }
    audit (seq) {
        seq -> BigInt,
        at -> Timestamp,
        actor -> Text,
        action -> Text,
        target_kind -> Text,
        target_id -> Text,
        target_name -> Text,
        request_id -> Nullable<Text>,
        detail -> Nullable<Text>,
    }
    webhooks (id) {
        id -> Text,
        url -> Text,
        description -> Nullable<Text>,
        filter -> Text,
        secret -> Text,
        former_secret -> Nullable<Text>,
        former_until -> Nullable<Timestamp>,
        position -> BigInt,
        failing_since -> Nullable<Timestamp>,
        disabled_at -> Nullable<Timestamp>,
        disabled_reason -> Nullable<Text>,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        created_at -> Timestamp,
        created_by -> Nullable<Text>,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
        version -> BigInt,
    }
    deliveries (num) {
        num -> BigInt,
        id -> Text,
        webhook_id -> Text,
        seq -> Nullable<BigInt>,
        thing -> Text,
        event -> Text,
        state -> Text,
        created_at -> Timestamp,
        begun_at -> Nullable<Timestamp>,
        tries -> BigInt,
        attempts -> BigInt,
        attempt_log -> Text,
        next_attempt_at -> Nullable<Timestamp>,
        settled_at -> Nullable<Timestamp>,
    }
    webhook_tags (webhook_id, tag_num) {
        webhook_id -> Text,
        tag_num -> BigInt,
    }
    servers (name) {
        name -> Text,
        readable -> BigInt,
        alive_until -> Timestamp,
    }
    websub (hub) {
        hub -> Text,
        position -> BigInt,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
    }
}

diesel::joinable!(bodies -> articles (article_num));
diesel::joinable!(article_aliases -> articles (article_num));
diesel::joinable!(article_tags -> articles (article_num));
diesel::joinable!(article_tags -> tags (tag_num));
diesel::joinable!(tag_aliases -> tags (tag_num));
diesel::joinable!(revisions -> articles (article_num));
diesel::joinable!(sessions -> users (user_num));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(previews -> articles (article_num));
diesel::joinable!(key_rights -> api_keys (key_id));
diesel::joinable!(key_usage -> api_keys (key_id));

diesel::allow_tables_to_appear_in_same_query!(
    articles,
    bodies,
    article_aliases,
    tags,
    tag_aliases,
    article_tags,
    curations,
    revisions,
    previews,
    cards,
);
diesel::allow_tables_to_appear_in_same_query!(tags, tag_generation);
diesel::allow_tables_to_appear_in_same_query!(users, sessions, refresh_tokens);
diesel::allow_tables_to_appear_in_same_query!(api_keys, key_rights, key_usage);
diesel::allow_tables_to_appear_in_same_query!(api_keys, partner_lines);
diesel::allow_tables_to_appear_in_same_query!(changes, partner_lines);
