//! `/v1/articles/{slug}/related`: the nearest articles of one, and why.

use std::sync::{Arc, RwLockReadGuard};

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
use crate::db::{Conn, Reader};
use crate::error::Result;
use crate::related::{self, Ask, Engine, Neighbour, Related};
use crate::store::articles::{self, Outline};
use crate::store::{rights, shown};

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
    let text = format!("related {slug:?} {input:?}");
    let about = Arc::new(About {
        name: slug.into_inner(),
        input,
        sight,
        address,
    });
    // To show a ranking that is kept is to read a few rows.
    let attempt = about.may_be_kept().then(|| {
        let about = Arc::clone(&about);
        Brief::Try(Box::new(move |state, reader, now| {
            about.kept(state, reader, now)
        }))
    });
    let question = Question {
        text,
        brief: attempt.unwrap_or(Brief::No),
    };
    state
        .answer_question(&request, question, move |state, reader, now| {
            about.found(state, reader, now)
        })
        .await
}

/// Whose neighbours are asked for, how, and by whom.
struct About {
    name: String,
    input: RelatedInput,
    sight: Sight,
    address: Address,
}

impl About {
    /// Whether it is what the engine keeps.
    fn may_be_kept(&self) -> bool {
        self.input.is_plain() && matches!(self.sight, Sight::Public)
    }

    /// The list as it is kept, of a public article under its present name. Whoever would have to wait for the engine waits
    /// on another thread.
    fn kept(
        &self,
        state: &State,
        reader: &Reader<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer>> {
        let micros = now.timestamp_micros();
        let engine = || {
            let engine = state.engine.try_read().ok();
            engine.filter(|engine| engine.gives_rankings() && !engine.is_behind(micros))
        };
        if engine().is_none() {
            return Ok(None);
        }
        reader.read(|conn| {
            let Some(article) = shown::outline_by_name(conn, &self.name, now)? else {
                return Ok(None);
            };
            let kept = |engine: RwLockReadGuard<'_, Engine>| {
                engine.kept(article.num, self.input.limit, micros)
            };
            let Some(kept) = engine().and_then(kept) else {
                return Ok(None);
            };
            let asked = Asked::resolve(conn, state, &self.input, &self.sight, now)?;
            let until = Some(kept.until);
            asked
                .show(conn, article, kept.related, until, now)
                .map(Some)
        })
    }

    /// The list as it is kept or, where it is not, as it is found now.
    fn found(&self, state: &State, reader: &Reader<'_>, now: DateTime<Utc>) -> Result<Answer> {
        reader.read(|conn| {
            let sight = rights::in_snapshot(conn, &self.sight)?;
            match locate_for(conn, &self.name, &sight, now)? {
                Located::Moved(slug) => Ok(self.moved(&slug)),
                Located::Here(row) => {
                    let asked = Asked::resolve(conn, state, &self.input, &sight, now)?;
                    let found = asked.of(state, row.num, now);
                    let kept = self.may_be_kept().then(|| {
                        let micros = now.timestamp_micros();
                        state.engine(now).kept(row.num, asked.limit, micros)
                    });
                    let until = kept.flatten().map(|kept| kept.until);
                    asked.show(conn, (*row).into(), found, until, now)
                }
            }
        })
    }

    fn moved(&self, slug: &str) -> Answer {
        Answer::moved(self.address.article(slug, "/related"))
    }
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

    /// What was found for an article as its list; the engine keeps it until `kept_until` (unix microseconds), if it does.
    fn show(
        &self,
        conn: &mut Conn,
        article: Outline,
        found: Related,
        kept_until: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<Answer> {
        let shown = Shown::load(conn, self, &found, now)?.ranked_until(kept_until);
        shown.list(format!("related-{}", article.id), &[article])
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
