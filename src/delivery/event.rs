//! What a line of the change log is for a webhook.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::content::time::utc_text;
use crate::store::changes::ChangeRow;

/// Every event that a webhook may want.
pub const EVENTS: [&str; 9] = [
    "article.published",
    "article.updated",
    "article.withdrawn",
    "article.deleted",
    "tag.published",
    "tag.updated",
    "tag.withdrawn",
    "tag.deleted",
    "tag.merged",
];
/// What is sent to try a webhook.
pub const TEST: &str = "webhook.test";

/// The event that a line is, unless it is of something that the public never knew.
pub fn of(line: &ChangeRow) -> Option<String> {
    let event = format!("{}.{}", line.kind, line.action);
    EVENTS.contains(&event.as_str()).then_some(event)
}

/// What the line is about: events of one thing are sent one after the other.
pub fn thing(line: &ChangeRow) -> String {
    format!("{}:{}", line.kind, line.id)
}

/// By what the receiver recognises an event that comes again, also from another server and after a crash: it follows
/// from the webhook and the line. The time is a part of it, for a store that was restored gives numbers again.
pub fn id(webhook: &str, line: &ChangeRow) -> String {
    let text = format!("{webhook}\n{}\n{}\n{}", line.seq, line.id, line.at);
    let digest = Sha256::digest(text);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    format!("msg_{}", Uuid::new_v8(bytes).simple())
}

/// Whether the public can find, after the line, what it is about.
pub fn is_there(line: &ChangeRow) -> bool {
    matches!(line.action.as_str(), "published" | "updated")
}

/// The body that is sent. `into` is the slug of the tag that a merged one became a part of; the addresses are where the
/// thing is read, and where it is in this API.
pub fn payload(
    event: &str,
    line: &ChangeRow,
    into: Option<&str>,
    url: Option<String>,
    api_url: Option<String>,
) -> Value {
    let at = utc_text(line.at);
    let mut data = json!({
        "seq": line.seq,
        "kind": line.kind,
        "id": line.id,
        // The log has the name by which the public knew it last.
        "slug": line.slug,
        "action": line.action,
        "version": line.version,
        "at": at,
        "url": url,
        "api_url": api_url,
    });
    if line.action == "merged" {
        data["into"] = into.into();
    }
    json!({"type": event, "timestamp": at, "data": data})
}

/// The body of a test.
pub fn test_payload(webhook: &str, at: &str) -> Value {
    json!({"type": TEST, "timestamp": at, "data": {"webhook": webhook}})
}
