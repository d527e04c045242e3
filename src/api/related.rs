//! `/v1/articles/{slug}/related`: the nearest articles of one, and why.

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};

use crate::api::address::Address;
use crate::api::articles::{Located, Resolved, locate_for, resolved};
use crate::api::auth::Viewer;
use crate::api::conditional::Answer;
use crate::api::inputs::{RelatedInput, RelatedParams};
use crate::api::neighbours::{Material, RelatedListView, Shown};
use crate::api::openapi::Failures;
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::{Brief, Question, State};
use crate::api::tag_views::For;
use crate::api::views::ArticleView;
use crate::content::sight::Sight;
use crate::db::Conn;
use crate::error::Result;
use crate::related::{self, Ask, Neighbour, Related};
use crate::store::{articles, rights, shown};

/// Find related articles
///
/// The nearest by words, tags and time, in the article's language unless asked otherwise; what editors pinned
/// stands first. Never the article itself, a translation of it, or the same text twice.
#[utoipa::path(
    tag = "related",
    operation_id = "list_related_articles",
    params(("slug" = String, Path, description = "Slug or id", example = "espagne-maroc-tanger-securite"), RelatedParams),
    responses(
        (status = 200, description = "The nearest articles", body = RelatedListView, headers(("ETag" = String))),
        (status = 301, description = "The slug is a former one; `Location` has the present one"),
        (status = 304, description = "Not modified"),
        (status = 410, description = "It was public and is no more", body = ProblemView,
         content_type = "application/problem+json"),
        Failures,
    )
)]
#[get("/v1/articles/{slug}/related")]
pub async fn list_related_articles(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let input = RelatedInput::parse(request.query_string())?;
    let sight = viewer.published_sight();
    let address = Address::of(&request);
    let question = Question {
        text: format!("related {slug:?} {input:?}"),
        brief: brief(&slug, &input, &sight),
    };
    state
        .answer_question(&request, question, move |state, reader, now| {
            reader.read(|conn| {
                let sight = rights::in_snapshot(conn, &sight)?;
                match locate_for(conn, &slug, &sight, now)? {
                    Located::Moved(slug) => Ok(Answer::moved(address.article(&slug, "/related"))),
                    Located::Here(row) => {
                        let asked = Asked::resolve(conn, state, &input, &sight, now)?;
                        let found = asked.of(state, row.num, now);
                        let name = format!("related-{}", row.id);
                        Shown::load(conn, &asked, &found, now)?.list(name, &[*row])
                    }
                }
            })
        })
        .await
}

/// To show a ranking that is kept is to read a few rows.
fn brief(slug: &str, input: &RelatedInput, sight: &Sight) -> Brief {
    if !input.is_plain() || !matches!(sight, Sight::Public) || slug.contains('\0') {
        return Brief::No;
    }
    let slug = slug.to_owned();
    Brief::If(Box::new(move |state, reader| {
        let num = reader.glance(|conn| shown::num_by_name(conn, &slug));
        num.is_ok_and(|num| {
            num.is_none_or(|num| {
                let now = state.clock.now().timestamp_micros();
                // Whoever would have to wait for the engine waits on another thread.
                let engine = state.engine.try_read().ok();
                engine.is_some_and(|engine| !engine.is_behind(now) && engine.has_ranking(num, now))
            })
        })
    }))
}

/// A related lookup whose names have been looked up.
pub struct Asked {
    pub limit: usize,
    /// Whether the engine knew every article before it was asked.
    pub complete: bool,
    pub exclude: Vec<i64>,
    pub from: Option<i64>,
    pub language: related::Language,
    pub tags: Resolved,
    /// Who asks.
    pub sight: Sight,
}

impl Asked {
    pub fn resolve(
        conn: &mut Conn,
        state: &State,
        input: &RelatedInput,
        sight: &Sight,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let exclude = articles::by_names(conn, &input.exclude)?;
        Ok(Self {
            limit: input.limit,
            complete: state.related_is_complete(),
            exclude: exclude.iter().map(|row| row.num).collect(),
            from: input.from.map(|from| from.timestamp()),
            language: input.language.clone(),
            tags: resolved(conn, input.tags.as_ref(), &For::of(sight), now)?,
            sight: sight.clone(),
        })
    }

    /// Whether the nearest of all articles in the source's language are asked for.
    pub fn is_unfiltered(&self) -> bool {
        self.exclude.is_empty()
            && self.from.is_none()
            && self.tags.filter.is_none()
            && matches!(self.language, related::Language::Own)
    }

    /// An article that the engine does not know yet has no neighbours yet.
    fn of(&self, state: &State, num: i64, now: DateTime<Utc>) -> Related {
        self.put(now, |ask| {
            state.engine(now).related(num, ask).unwrap_or_default()
        })
    }

    /// Puts the question in the engine's words.
    pub fn put<T>(&self, now: DateTime<Utc>, question: impl FnOnce(&Ask) -> T) -> T {
        question(&Ask {
            limit: self.limit,
            exclude: &self.exclude,
            from: self.from,
            language: self.language.clone(),
            tag: self.tags.filter.as_ref(),
            now: now.timestamp_micros(),
            rights: self.sight.rights(),
        })
    }
}

/// Gives each view its neighbours.
pub fn include(
    conn: &mut Conn,
    state: &State,
    nums: &[i64],
    views: &mut [ArticleView],
    input: &RelatedInput,
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<()> {
    // Beside an article stands what everyone may read, or a partner.
    let sight = match sight {
        Sight::Partner(_) => sight.clone(),
        Sight::Public | Sight::Own(_) | Sight::All => Sight::Public,
    };
    let asked = Asked::resolve(conn, state, input, &sight, now)?;
    let found: Vec<Related> = nums.iter().map(|num| asked.of(state, *num, now)).collect();
    let all: Vec<Neighbour> = found
        .iter()
        .flat_map(|related| related.neighbours.clone())
        .collect();
    let material = Material::load(conn, &all, &[], &sight, now)?;
    for (view, related) in views.iter_mut().zip(&found) {
        view.related = Some(material.views(&related.neighbours));
    }
    Ok(())
}
