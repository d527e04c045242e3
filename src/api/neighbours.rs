//! Neighbours as callers see them: the article, its score, and the reasons in words.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::articles::TagNames;
use crate::api::conditional::{Answer, Keep};
use crate::api::listed::{FORM, Listed};
use crate::api::related::Asked;
use crate::api::views::{ArticleView, TagKindView};
use crate::cache::RANKINGS;
use crate::content::rights::TextRight;
use crate::content::sight::Sight;
use crate::db::Conn;
use crate::error::Result;
use crate::related::{Hidden, Neighbour, Reason, Related};
use crate::store::articles::Outline;
use crate::store::cards::Found;
use crate::store::shown::{self, Parts};
use crate::store::{cards, sights};

/// A neighbour of an article.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RelatedArticle)]
pub struct RelatedView {
    /// How near it is: in (0, 1], falling down the list, comparable between articles.
    #[schema(example = 0.71)]
    pub score: f64,
    /// Why it is near; the weights add up to the score.
    pub reasons: Vec<ReasonView>,
    #[schema(no_recursion, value_type = ArticleView)]
    pub article: Listed,
    /// Slugs of the same text under other headlines or from other sources, left out of the list.
    #[schema(example = json!([]))]
    pub copies: Vec<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = Reason)]
pub enum ReasonView {
    /// An editor put it there.
    Pin,
    /// Both bear the tag.
    Tag {
        /// The tag's slug.
        #[schema(example = "maroc")]
        tag: String,
        #[schema(example = "Maroc")]
        name: String,
        /// What the tag stands for: enough to say "same place" or "same series".
        #[schema(value_type = TagKindView)]
        tag_kind: String,
        #[schema(example = 0.31)]
        weight: f64,
    },
    /// Both use the words.
    Term {
        #[schema(example = "coopération")]
        term: String,
        #[schema(example = 0.22)]
        weight: f64,
    },
    /// Many small words in common.
    Wording {
        #[schema(example = 0.05)]
        weight: f64,
    },
}

/// What the list of neighbours is a part of.
#[derive(Serialize, ToSchema)]
pub struct RelatedPage {
    #[schema(example = 12)]
    limit: usize,
    /// False while the server is still reading articles after its start: ask again.
    complete: bool,
    /// Why neighbours are held back: `sensitive`, `empty` or `below_floor`; null where none are.
    #[schema(required)]
    hidden_reason: Option<&'static str>,
    /// Slugs of the same text as the article's own under other headlines or from other sources, left out of the
    /// list; for several articles, none.
    #[schema(example = json!([]))]
    copies: Vec<String>,
}

/// The nearest articles, nearest first.
#[derive(Serialize, ToSchema)]
#[schema(as = RelatedList)]
pub struct RelatedListView {
    data: Vec<RelatedView>,
    page: RelatedPage,
}

/// Neighbours of one lookup, ready to be shown, and what the answer's headers need of them.
pub struct Shown {
    pub data: Vec<RelatedView>,
    pub page: RelatedPage,
    cache_tags: Vec<String>,
    expiry: Option<DateTime<Utc>>,
    is_unfiltered: bool,
    ranking_until: Option<i64>,
    /// Whether every article that was found is shown: the engine may not know yet of one that is hidden.
    is_whole: bool,
}

impl Shown {
    pub fn load(
        conn: &mut Conn,
        asked: &Asked,
        found: &Related,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let material = Material::load(conn, &found.neighbours, &found.copies, &asked.sight, now)?;
        let (mut cache_tags, expiry) = (material.cache_tags(found), material.expiry());
        cache_tags.extend(asked.tags.cache_tags(&[]));
        // Any article may come to be a neighbour.
        cache_tags.push(RANKINGS.to_owned());
        let copies = material.slugs(&found.copies);
        let copies_shown = copies.len();
        let data = material.into_views(&found.neighbours);
        let shown = (data.len(), copies_shown);
        Ok(Self {
            page: RelatedPage {
                limit: asked.limit,
                complete: asked.complete,
                hidden_reason: found.hidden.map(Hidden::as_str),
                copies,
            },
            data,
            cache_tags,
            expiry,
            is_unfiltered: asked.is_unfiltered(),
            ranking_until: None,
            is_whole: shown == (found.neighbours.len(), found.copies.len()),
        })
    }

    /// The engine keeps what was found, until then (unix microseconds).
    pub fn ranked_until(mut self, until: Option<i64>) -> Self {
        self.ranking_until = until.filter(|_| self.is_whole);
        self
    }

    /// The list, as the neighbours of `sources`. `name` is the cache tag that covers it whatever is in it.
    pub fn list(self, name: String, sources: &[Outline]) -> Result<Answer> {
        let of_sources = sources
            .iter()
            .flat_map(|row| [format!("related-{}", row.id), format!("article-{}", row.id)]);
        let cache_tags: Vec<String> = std::iter::once(name)
            .chain(of_sources)
            .chain(self.cache_tags)
            .collect();
        let (data, page) = (self.data, self.page);
        let complete = page.complete;
        let modified = data.iter().map(|view| view.article.updated_at()).max();
        // A source that disappears takes its neighbours along.
        let expiry = sources.iter().filter_map(expiry).chain(self.expiry).min();
        Ok(Answer::json(&RelatedListView { data, page })?
            .last_modified(modified)
            .until(expiry)
            .cache_tags(cache_tags)
            .keep(Keep {
                with_time: true,
                derived: true,
                // Beyond a filter stands what is far.
                neighbours_of: match self.is_unfiltered {
                    true => sources.iter().map(|row| row.num).collect(),
                    false => Vec::new(),
                },
                ranking_until: self.ranking_until,
                ..Keep::default()
            })
            .not_cached(!complete))
    }
}

fn expiry(row: &Outline) -> Option<DateTime<Utc>> {
    row.visibility().expires_at
}

/// What is needed to show neighbours, loaded for all of them at once.
pub struct Material {
    articles: HashMap<i64, Listed>,
    /// Words of the text may be named as reasons.
    words_are_shown: bool,
}

impl Material {
    pub fn load(
        conn: &mut Conn,
        neighbours: &[Neighbour],
        copies: &[i64],
        sight: &Sight,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let mut nums: Vec<i64> = neighbours.iter().map(|neighbour| neighbour.num).collect();
        nums.extend(copies);
        nums.extend(neighbours.iter().flat_map(|neighbour| &neighbour.copies));
        nums.sort_unstable();
        nums.dedup();
        // The engine may lag behind the database by a moment; the database decides what is seen.
        let found = match sight {
            Sight::Public => cards::public(conn, &nums, FORM, now)?,
            sight => {
                let mut shown = shown::by_nums(conn, &nums, Parts::default(), now)?;
                shown.retain(|shown| sights::sees(sight, &shown.row, &shown.tag_nums(), now));
                shown.into_iter().map(Found::from).collect()
            }
        };
        let listed = found
            .into_iter()
            .map(|found| Ok((found.num(), Listed::of(found, sight, now)?)));
        let articles = listed.collect::<Result<_>>()?;
        Ok(Self {
            articles,
            words_are_shown: sight.text() == TextRight::Full,
        })
    }

    pub fn views(&self, neighbours: &[Neighbour]) -> Vec<RelatedView> {
        let shown = neighbours.iter().filter_map(|neighbour| {
            let article = self.articles.get(&neighbour.num)?.clone();
            Some(self.about(neighbour, article, self.slugs(&neighbour.copies)))
        });
        shown.collect()
    }

    /// The same for one list, in which each stands once: nothing is copied.
    fn into_views(mut self, neighbours: &[Neighbour]) -> Vec<RelatedView> {
        let copies: Vec<Vec<String>> = neighbours
            .iter()
            .map(|neighbour| self.slugs(&neighbour.copies))
            .collect();
        let shown = neighbours.iter().zip(copies);
        let shown = shown.filter_map(|(neighbour, copies)| {
            let article = self.articles.remove(&neighbour.num)?;
            Some(self.about(neighbour, article, copies))
        });
        shown.collect()
    }

    fn about(&self, neighbour: &Neighbour, article: Listed, copies: Vec<String>) -> RelatedView {
        let told = self.told(&neighbour.reasons);
        let reasons = told.iter();
        RelatedView {
            score: rounded(neighbour.score),
            reasons: reasons
                .filter_map(|reason| self.reason(reason, &article))
                .collect(),
            article,
            copies,
        }
    }

    /// Whoever does not get the text does not get its words either: they add up to one reason.
    fn told<'a>(&self, reasons: &'a [Reason]) -> Cow<'a, [Reason]> {
        if self.words_are_shown {
            return Cow::Borrowed(reasons);
        }
        let (words, mut told): (Vec<Reason>, Vec<Reason>) = reasons
            .iter()
            .cloned()
            .partition(|reason| matches!(reason, Reason::Term { .. } | Reason::Wording { .. }));
        let weight = words.iter().filter_map(Reason::weight).sum();
        if !words.is_empty() {
            told.push(Reason::Wording { weight });
        }
        Cow::Owned(told)
    }

    fn of<'a>(&'a self, nums: &'a [i64]) -> impl Iterator<Item = &'a Listed> {
        nums.iter().filter_map(|num| self.articles.get(num))
    }

    fn slugs(&self, nums: &[i64]) -> Vec<String> {
        self.of(nums)
            .map(|article| article.slug().to_owned())
            .collect()
    }

    /// Every article in it and every tag, in order.
    fn cache_tags(&self, found: &Related) -> Vec<String> {
        let named = |copies| {
            self.of(copies)
                .map(|article| format!("article-{}", article.id()))
        };
        let mut cache_tags: Vec<String> = named(&found.copies).collect();
        let mut tags = TagNames::default();
        for neighbour in &found.neighbours {
            if let Some(article) = self.articles.get(&neighbour.num) {
                cache_tags.push(["article-", article.id()].concat());
                cache_tags.extend(tags.new_in(article));
                cache_tags.extend(named(&neighbour.copies));
            }
        }
        cache_tags
    }

    /// When the first article in it must disappear.
    fn expiry(&self) -> Option<DateTime<Utc>> {
        self.articles.values().filter_map(Listed::expires_at).min()
    }

    /// A tag is named only while the neighbour shown bears it: the engine may lag behind by a moment.
    fn reason(&self, reason: &Reason, neighbour: &Listed) -> Option<ReasonView> {
        Some(match reason {
            Reason::Pin => ReasonView::Pin,
            Reason::Tag { tag, weight } => {
                let borne = neighbour.tags().iter().find(|borne| borne.num == *tag)?;
                ReasonView::Tag {
                    tag: borne.slug.clone(),
                    name: borne.name.clone(),
                    tag_kind: borne.kind.clone(),
                    weight: rounded(*weight),
                }
            }
            Reason::Term { term, weight } => ReasonView::Term {
                term: term.clone(),
                weight: rounded(*weight),
            },
            Reason::Wording { weight } => ReasonView::Wording {
                weight: rounded(*weight),
            },
        })
    }
}

/// Four decimals say all that a score can.
pub fn rounded(score: f32) -> f64 {
    (f64::from(score) * 10_000.0).round() / 10_000.0
}
