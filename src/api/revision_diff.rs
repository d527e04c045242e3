//! `/v1/articles/{slug}/revisions/{version}/diff`: what two versions of an article differ in.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use utoipa::{IntoParams, ToSchema};

use crate::api::auth::{Author, Caller};
use crate::api::conditional::Answer;
use crate::api::history;
use crate::api::openapi::{Failures, Refusals};
use crate::api::params::Params;
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::State;
use crate::content::body::{Body, BodyFormat};
use crate::error::{Error, Result};

/// After that, what is left of two long texts is told in larger pieces.
const PATIENCE: Duration = Duration::from_millis(500);

/// What two versions of an article differ in.
#[derive(Serialize, ToSchema)]
#[schema(as = RevisionDiff)]
pub struct DiffView {
    /// The version that the other is compared with.
    #[schema(example = 2)]
    from: i64,
    #[schema(example = 3)]
    to: i64,
    /// The members that differ, but for the body, and `updated_at`, which differs always.
    members: Vec<MemberChange>,
    /// The plain texts of the bodies, by words. The pieces that are `equal` or `delete` are the text of `from`, those
    /// that are `equal` or `insert` that of `to`, to the letter.
    text: Vec<Piece>,
}

#[derive(Serialize, ToSchema)]
pub struct MemberChange {
    #[schema(example = "headline")]
    member: String,
    /// As it was; null where it was not there.
    #[schema(value_type = Object, required)]
    from: Value,
    /// As it became.
    #[schema(value_type = Object, required)]
    to: Value,
}

#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TextPiece)]
pub struct Piece {
    op: Op,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TextOp)]
pub enum Op {
    Equal,
    Delete,
    Insert,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct DiffParams {
    /// The version to compare with; without it, the one before.
    #[param(minimum = 1)]
    with: Option<i64>,
}

/// Compare two versions of an article
///
/// What changed from the version `with` to this one: the members, and the text word by word.
#[utoipa::path(
    tag = "history",
    operation_id = "compare_revisions",
    security(("bearer" = ["author"])),
    params(
        ("slug" = String, Path, description = "Slug, former slug or id", example = "crue-ziz-erfoud"),
        ("version" = i64, Path, description = "Number of the version", minimum = 1, example = 1),
        DiffParams,
    ),
    responses(
        (status = 200, description = "What differs", body = DiffView, headers(("ETag" = String))),
        (status = 304, description = "Not modified"),
        (status = 410, description = "It was public and is no more", body = ProblemView,
         content_type = "application/problem+json"),
        Failures, Refusals,
    )
)]
#[get("/v1/articles/{slug}/revisions/{version}/diff")]
pub async fn compare_revisions(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Author>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let mut params = Params::of::<DiffParams>(request.query_string());
    let with = params.number("with", 1..=i64::MAX);
    params.finish()?;
    let (slug, version) = path.into_inner();
    state
        .answer(&request, move |state, now| {
            let (from, to) = state.database.read(|conn| {
                let row = history::open(conn, &slug, &caller.identity, now)?;
                let to = history::version(conn, &row, history::number(&version)?)?;
                let with = with.unwrap_or(to.number - 1);
                if with == 0 {
                    let detail = "is missing, and there is no version before the first";
                    return Err(Error::parameter("with", detail));
                }
                Ok((history::version(conn, &row, with)?, to))
            })?;
            let view = DiffView {
                from: from.number,
                to: to.number,
                members: members(&from.state, &to.state),
                text: pieces(&plain_text(&from.state), &plain_text(&to.state)),
            };
            Ok(Answer::json(&view)?.private(true))
        })
        .await
}

fn members(from: &Value, to: &Value) -> Vec<MemberChange> {
    let names = to.as_object().into_iter().chain(from.as_object());
    let mut changes: Vec<MemberChange> = Vec::new();
    for name in names.flat_map(|members| members.keys()) {
        let known = changes.iter().any(|change| change.member == *name);
        if known || name == "body" || name == "updated_at" || from.get(name) == to.get(name) {
            continue;
        }
        changes.push(MemberChange {
            member: name.clone(),
            from: from.get(name).cloned().unwrap_or_default(),
            to: to.get(name).cloned().unwrap_or_default(),
        });
    }
    changes
}

fn plain_text(state: &Value) -> String {
    let member = |name: &str| state.get(name).and_then(Value::as_str).unwrap_or_default();
    let format = BodyFormat::parse(member("body_format")).unwrap_or(BodyFormat::Html);
    let source = member("body").to_owned();
    // What was saved before such a text was refused is compared as it was written.
    Body::new(source.clone(), format).map_or(source, |body| body.text)
}

/// Both texts in pieces; neighbouring words of one fate are one piece.
fn pieces(from: &str, to: &str) -> Vec<Piece> {
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_unicode_words(from, to);
    let mut pieces: Vec<Piece> = Vec::new();
    for change in diff.iter_all_changes() {
        let op = match change.tag() {
            ChangeTag::Equal => Op::Equal,
            ChangeTag::Delete => Op::Delete,
            ChangeTag::Insert => Op::Insert,
        };
        match pieces.last_mut() {
            Some(last) if last.op == op => last.text.push_str(change.value()),
            _ => pieces.push(Piece {
                op,
                text: change.value().to_owned(),
            }),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_put_together_are_both_texts() {
        let texts = [
            "",
            "La crue du Ziz.",
            "La crue  du Ziz coupe\n\nla route ; mardi.",
            "الجريدة تنشر الخبر",
            "e\u{301}te\u{301} 👩‍👩‍👧 fin",
        ];
        for from in texts {
            for to in texts {
                let pieces = pieces(from, to);
                let of = |left_out: Op| -> String {
                    let kept = pieces.iter().filter(|piece| piece.op != left_out);
                    kept.map(|piece| piece.text.as_str()).collect()
                };
                assert_eq!(
                    (of(Op::Insert).as_str(), of(Op::Delete).as_str()),
                    (from, to)
                );
                let changed = pieces.iter().any(|piece| piece.op != Op::Equal);
                assert_eq!(changed, from != to);
            }
        }
    }

    #[test]
    fn two_long_texts_with_nothing_in_common_do_not_take_for_ever() {
        let text = |word: &str| -> String { (0..60_000).map(|n| format!("{word}{n} ")).collect() };
        let started = std::time::Instant::now();
        let pieces = pieces(&text("a"), &text("b"));
        assert!(!pieces.is_empty() && started.elapsed() < Duration::from_secs(20));
    }
}
