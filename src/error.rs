//! Each failure: its name, code, status and public text, in one table.

use std::fmt;

use crate::content::article::Fault;

/// A failure on the way to an answer. What the caller reads comes from [`Error::kind`] and
/// [`Error::detail`]; what the operator reads in the log is the `Debug` and `source` of it.
#[derive(Debug)]
pub enum Error {
    InvalidParameter(Vec<Fault>),
    InvalidCursor(&'static str),
    MalformedJson(String),
    InvalidBody(Vec<Fault>),
    UnsupportedMediaType(String),
    BodyTooLarge(usize),
    UnknownRoute,
    MethodNotAllowed,
    /// No credentials where some are needed, or a login that is none.
    Unauthenticated(String),
    /// Credentials that do not count, or no more.
    InvalidToken(String),
    /// The caller is known and may not do this.
    Forbidden(String),
    NotFound(String),
    Gone(String),
    /// What is stored stands in the way.
    Conflict(Vec<Fault>),
    /// An earlier request with the same Idempotency-Key has not ended yet.
    InProgress,
    /// The thing has changed since the caller looked at it.
    PreconditionFailed(String),
    /// A write that does not say which state it is meant for.
    PreconditionRequired,
    /// The Idempotency-Key belongs to another request.
    IdempotencyKeyReused,
    /// Seconds until the caller may try again.
    TooManyRequests(u32),
    /// Seconds until the key's rate allows the next request.
    RateExceeded(u32),
    /// Seconds until the key's next day begins.
    QuotaExceeded(u32),
    /// The caller is served when what it needs has been built.
    NotReady(&'static str),
    /// As many as may are being served.
    Busy(&'static str),
    Timeout,
    Database(Box<dyn std::error::Error + Send + Sync>),
    Search(Box<dyn std::error::Error + Send + Sync>),
    Internal(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What all failures of one kind have in common.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Stable: programs may tell failures apart by it.
    pub code: &'static str,
    pub status: u16,
    pub title: &'static str,
    /// What it means and what to do, for `/problems/{code}`.
    pub help: &'static str,
}

macro_rules! kinds {
    ($($name:ident: $code:literal, $status:literal, $title:literal, $help:literal;)*) => {
        $(const $name: Kind = Kind { code: $code, status: $status, title: $title, help: $help };)*
        /// Every kind of failure, by status.
        pub const KINDS: &[Kind] = &[$($name),*];
    };
}

kinds! {
    INVALID_PARAMETER: "invalid_parameter", 400, "A parameter is not valid",
        "A query parameter is unknown, repeated or has a value that is not allowed. `errors` names each.";
    INVALID_CURSOR: "invalid_cursor", 400, "The cursor does not fit",
        "A cursor belongs to the query that gave it. Take `page.next` as it is, with the same parameters, or start without one.";
    MALFORMED_JSON: "malformed_json", 400, "The body is not JSON",
        "The request body could not be read as JSON in UTF-8.";
    UNAUTHENTICATED: "unauthenticated", 401, "Who you are is not known",
        "This needs `Authorization: Bearer TOKEN` with an access token that is valid, or with an API key. POST /v1/tokens gives a token.";
    FORBIDDEN: "forbidden", 403, "This is not yours to do",
        "You are known, but your role does not allow this.";
    UNKNOWN_ROUTE: "unknown_route", 404, "There is nothing at this path",
        "The path names no operation of this API. See /docs.";
    NOT_FOUND: "not_found", 404, "Not found",
        "It does not exist, or it is not public.";
    METHOD_NOT_ALLOWED: "method_not_allowed", 405, "The method is not allowed here",
        "The path exists and takes other methods; `Allow` lists them.";
    CONFLICT: "conflict", 409, "What is stored stands in the way",
        "The request is fine in itself but contradicts what is stored, such as a name that is taken. `errors` names each contradiction.";
    IN_PROGRESS: "in_progress", 409, "The same request is being carried out",
        "A request with the same Idempotency-Key has not ended yet. Try again in a moment; `Retry-After` says when.";
    GONE: "gone", 410, "No longer available",
        "It was public once and has been withdrawn, has expired or was deleted.";
    PRECONDITION_FAILED: "precondition_failed", 412, "It has changed meanwhile",
        "The thing is no longer in the state that `If-Match` names, or exists though `If-None-Match` forbids it. Read it again, and decide anew.";
    BODY_TOO_LARGE: "body_too_large", 413, "The body is too large",
        "The request body exceeds the limit that the operator has set.";
    UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type", 415, "The media type is not supported",
        "Send the documented `Content-Type`, such as `application/json`, or `application/merge-patch+json` with PATCH, and no `Content-Encoding`.";
    INVALID_BODY: "invalid_body", 422, "The body is not valid",
        "The body is JSON but not of the documented form. `errors` points at each fault (RFC 6901).";
    IDEMPOTENCY_KEY_REUSED: "idempotency_key_reused", 422, "The Idempotency-Key belongs to another request",
        "A key makes one request safe to repeat, as it is. Take a new key for a new request.";
    PRECONDITION_REQUIRED: "precondition_required", 428, "Say which state you mean to change",
        "Send the `ETag` of the state that you have read in `If-Match`, so that no one's work is overwritten unseen.";
    TOO_MANY_REQUESTS: "too_many_requests", 429, "Too many attempts",
        "Wait for the seconds in `Retry-After`, then try again.";
    RATE_EXCEEDED: "rate_exceeded", 429, "More requests a minute than the key may make",
        "The rate of the API key is used up on this server. Wait for the seconds in `Retry-After`; `RateLimit` and `RateLimit-Policy` say how many requests are left and how many there are.";
    QUOTA_EXCEEDED: "quota_exceeded", 429, "More requests a day than the key may make",
        "The daily quota of the API key is used up. It begins anew at midnight, UTC: after the seconds in `Retry-After`.";
    INTERNAL: "internal", 500, "Something went wrong here",
        "The request was fine, the server failed. The request id helps the operator to find the cause.";
    DATABASE_UNAVAILABLE: "database_unavailable", 503, "The database does not answer",
        "Try again in a moment; `Retry-After` says when.";
    NOT_READY: "not_ready", 503, "Not ready yet",
        "What answers this is still being built after the start; `Retry-After` says when to come back.";
    BUSY: "busy", 503, "Too many at once",
        "As many requests of this kind as may are being served; `Retry-After` says when to come back.";
    TIMEOUT: "timeout", 504, "The answer took too long",
        "The server gave up on the request.";
}

impl Error {
    pub fn kind(&self) -> &'static Kind {
        match self {
            Self::InvalidParameter(_) => &INVALID_PARAMETER,
            Self::InvalidCursor(_) => &INVALID_CURSOR,
            Self::MalformedJson(_) => &MALFORMED_JSON,
            Self::InvalidBody(_) => &INVALID_BODY,
            Self::UnsupportedMediaType(_) => &UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge(_) => &BODY_TOO_LARGE,
            Self::UnknownRoute => &UNKNOWN_ROUTE,
            Self::MethodNotAllowed => &METHOD_NOT_ALLOWED,
            Self::Unauthenticated(_) | Self::InvalidToken(_) => &UNAUTHENTICATED,
            Self::Forbidden(_) => &FORBIDDEN,
            Self::NotFound(_) => &NOT_FOUND,
            Self::Conflict(_) => &CONFLICT,
            Self::InProgress => &IN_PROGRESS,
            Self::PreconditionFailed(_) => &PRECONDITION_FAILED,
            Self::PreconditionRequired => &PRECONDITION_REQUIRED,
            Self::IdempotencyKeyReused => &IDEMPOTENCY_KEY_REUSED,
            Self::TooManyRequests(_) => &TOO_MANY_REQUESTS,
            Self::RateExceeded(_) => &RATE_EXCEEDED,
            Self::QuotaExceeded(_) => &QUOTA_EXCEEDED,
            Self::Gone(_) => &GONE,
            Self::NotReady(_) => &NOT_READY,
            Self::Busy(_) => &BUSY,
            Self::Timeout => &TIMEOUT,
            Self::Database(_) => &DATABASE_UNAVAILABLE,
            Self::Search(_) | Self::Internal(_) => &INTERNAL,
        }
    }

    /// What the caller is told beside the title. Causes inside the server are not.
    pub fn detail(&self) -> String {
        match self {
            Self::InvalidParameter(faults) => faults
                .iter()
                .map(|fault| format!("{} {}", fault.pointer, fault.detail))
                .collect::<Vec<_>>()
                .join("; "),
            Self::InvalidBody(faults) | Self::Conflict(faults) => faults
                .iter()
                .map(|fault| match fault.pointer.as_str() {
                    "" => fault.detail.clone(),
                    pointer => format!("{pointer}: {}", fault.detail),
                })
                .collect::<Vec<_>>()
                .join("; "),
            Self::InvalidCursor(what) => format!("cursor {what}"),
            Self::MalformedJson(what)
            | Self::UnsupportedMediaType(what)
            | Self::Unauthenticated(what)
            | Self::InvalidToken(what)
            | Self::Forbidden(what)
            | Self::NotFound(what)
            | Self::PreconditionFailed(what)
            | Self::Gone(what) => what.clone(),
            Self::BodyTooLarge(limit) => format!("at most {limit} bytes are taken"),
            Self::NotReady(what) | Self::Busy(what) => (*what).to_owned(),
            Self::TooManyRequests(seconds)
            | Self::RateExceeded(seconds)
            | Self::QuotaExceeded(seconds) => format!("try again in {seconds} s"),
            Self::UnknownRoute
            | Self::InProgress
            | Self::PreconditionRequired
            | Self::IdempotencyKeyReused
            | Self::MethodNotAllowed
            | Self::Timeout
            | Self::Database(_)
            | Self::Search(_)
            | Self::Internal(_) => self.kind().help.to_owned(),
        }
    }

    /// The single faults, where there are such.
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::InvalidParameter(faults) | Self::InvalidBody(faults) | Self::Conflict(faults) => {
                faults
            }
            _ => &[],
        }
    }

    /// One parameter and what is wrong with it.
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self::InvalidParameter(vec![Fault::new(name, detail)])
    }

    /// One member of the body, by its JSON pointer, and what is wrong with it.
    pub fn member(pointer: &str, detail: impl Into<String>) -> Self {
        Self::InvalidBody(vec![Fault::new(pointer, detail)])
    }

    /// One contradiction to what is stored, and the member of the body it comes of; an empty pointer for the whole.
    pub fn conflict(pointer: &str, detail: impl Into<String>) -> Self {
        Self::Conflict(vec![Fault::new(pointer, detail)])
    }

    /// Whether the database works and will not have what was to be written: a name twice, or what leads nowhere. It would
    /// refuse the same again.
    pub fn is_refusal_to_store(&self) -> bool {
        use diesel::result::DatabaseErrorKind::{
            CheckViolation, ExclusionViolation, ForeignKeyViolation, NotNullViolation,
            UniqueViolation,
        };
        let Self::Database(cause) = self else {
            return false;
        };
        let Some(diesel::result::Error::DatabaseError(kind, _)) = cause.downcast_ref() else {
            return false;
        };
        matches!(
            kind,
            CheckViolation
                | ExclusionViolation
                | ForeignKeyViolation
                | NotNullViolation
                | UniqueViolation
        )
    }

    /// Whether the server is to blame, so that the log should say why. Not being ready, or full, is no failure.
    pub fn is_ours(&self) -> bool {
        self.kind().status >= 500 && !matches!(self, Self::NotReady(_) | Self::Busy(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(cause) => write!(f, "database: {cause}"),
            Self::Search(cause) => write!(f, "search: {cause}"),
            Self::Internal(cause) => f.write_str(cause),
            _ => write!(f, "{}: {}", self.kind().title, self.detail()),
        }
    }
}

impl std::error::Error for Error {}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_kinds_are_in_order_of_status() {
        let codes: std::collections::HashSet<_> = KINDS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), KINDS.len());
        assert!(KINDS.is_sorted_by_key(|kind| kind.status));
    }

    #[test]
    fn an_inner_cause_is_logged_and_not_told() {
        let error = Error::Database("password of db1 is hunter2".into());
        assert!(error.to_string().contains("hunter2"));
        assert!(!error.detail().contains("hunter2"));
    }
}
