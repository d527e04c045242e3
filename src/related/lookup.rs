//! A lookup: likely neighbours from the inverted index, then the best of them in full.

use super::engine::Engine;
use super::index::Slot;
use super::profile::{Profile, language_hash};
use super::reasons;
use super::score::{Evidence, Weighed};
use super::select::{self, Candidate};
use super::{Ask, Hidden, Language, Neighbour, Reason, Related};

impl Engine {
    /// Nearest articles of a stored one; `None` when it is unknown.
    pub fn related(&self, num: i64, ask: &Ask) -> Option<Related> {
        Some(self.lookup(self.article(num)?, ask, true))
    }

    /// Nearest articles of one that is not stored: a draft, a partner's text.
    pub fn related_to_text(&self, article: &Profile, ask: &Ask) -> Related {
        match self
            .article(article.num)
            .is_some_and(|stored| stored == article)
        {
            true => self.lookup(article, ask, true),
            false => self.lookup(article, ask, false),
        }
    }

    fn lookup(&self, article: &Profile, ask: &Ask, stored: bool) -> Related {
        if article.sensitive {
            return Related {
                neighbours: Vec::new(),
                hidden: Some(Hidden::Sensitive),
                copies: Vec::new(),
            };
        }
        let filter = Filter::new(self, article, ask);
        let source = self.weigh(article, stored);
        let ranked = self.ranked(&source, &filter);
        let pins = self.pinned(&source, &filter);
        let copies = select::copies(&source, &ranked);
        let chosen = select::choose(self, &source, pins, ranked, ask.limit);
        let neighbours: Vec<Neighbour> = chosen
            .into_iter()
            .map(|chosen| reasons::neighbour(self, &source, chosen))
            .collect();
        let hidden = match (neighbours.is_empty(), article.is_empty()) {
            (true, true) => Some(Hidden::Empty),
            (true, false) => Some(Hidden::BelowFloor),
            _ => None,
        };
        Related {
            neighbours,
            hidden,
            copies,
        }
    }

    /// Candidates by falling score.
    pub(super) fn ranked<'e>(&'e self, source: &Weighed, filter: &Filter) -> Vec<Candidate<'e>> {
        let mut found: Vec<Candidate> = self
            .candidates(source, filter)
            .into_iter()
            .filter_map(|slot| self.candidate(source, slot))
            .collect();
        select::rank(&self.settings, &mut found);
        found
    }

    fn candidate<'e>(&'e self, source: &Weighed, slot: Slot) -> Option<Candidate<'e>> {
        let weighed = self.weigh(self.entry(slot)?, true);
        let evidence: Evidence = self.compare(source, &weighed);
        Some(Candidate {
            slot,
            weighed,
            evidence,
            score: 0.0,
        })
    }

    /// The articles that score best when the source's strongest stems are the query.
    fn candidates(&self, source: &Weighed, filter: &Filter) -> Vec<Slot> {
        let formula = &self.settings.formula;
        let mut query: Vec<_> = source.stems.iter().collect();
        query.sort_unstable_by(|a, b| b.query.total_cmp(&a.query).then(a.hash.cmp(&b.hash)));
        query.truncate(formula.query_terms);
        let mean = self.index.totals(source.profile.language).mean_length();
        let mut scores = vec![0f32; self.capacity()];
        let mut touched = Vec::new();
        for term in query {
            for posting in self.index.postings(term.hash) {
                let (Some(score), Some(profile)) = (
                    scores.get_mut(posting.slot as usize),
                    self.entry(posting.slot),
                ) else {
                    continue;
                };
                if *score == 0.0 {
                    touched.push(posting.slot);
                }
                let length = profile.words() as f32 / mean;
                *score += term.query * term.idf * formula.saturated(posting.tf, length);
            }
        }
        for tag in &source.profile.tags {
            touched.extend(
                self.index
                    .bearers(*tag)
                    .iter()
                    .filter(|slot| scores[**slot as usize] == 0.0),
            );
        }
        let mut found: Vec<(f32, i64, Slot)> = touched
            .into_iter()
            .filter_map(|slot| Some((slot, self.entry(slot)?)))
            .filter(|(_, profile)| filter.lets_through(profile))
            .map(|(slot, profile)| (scores[slot as usize], profile.num, slot))
            .collect();
        found.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        found.dedup_by_key(|(_, _, slot)| *slot);
        found.truncate(formula.candidates);
        found.into_iter().map(|(_, _, slot)| slot).collect()
    }

    fn pinned<'e>(&'e self, source: &Weighed, filter: &Filter) -> Vec<Candidate<'e>> {
        let pins = source.profile.pins.iter().filter_map(|pin| self.slot(*pin));
        pins.filter(|slot| {
            self.entry(*slot)
                .is_some_and(|pin| filter.lets_pin_through(pin))
        })
        .filter_map(|slot| self.candidate(source, slot))
        .collect()
    }
}

/// What may be shown beside an article.
pub(super) struct Filter<'a> {
    article: &'a Profile,
    ask: &'a Ask<'a>,
    /// Hash of the language asked for; `None`: any.
    language: Option<u32>,
}

impl<'a> Filter<'a> {
    pub fn new(_engine: &Engine, article: &'a Profile, ask: &'a Ask<'a>) -> Self {
        let language = match &ask.language {
            Language::Own => Some(article.language),
            Language::Any => None,
            Language::Is(tag) => Some(language_hash(tag)),
        };
        Self {
            article,
            ask,
            language,
        }
    }

    pub fn lets_through(&self, other: &Profile) -> bool {
        self.language
            .is_none_or(|language| other.language == language)
            && self.allows(other)
    }

    /// An editor may pin an article of another language; a language the caller names is kept to.
    pub fn lets_pin_through(&self, pin: &Profile) -> bool {
        (self.ask.language == Language::Own || self.lets_through(pin)) && self.allows(pin)
    }

    fn allows(&self, other: &Profile) -> bool {
        let (article, ask) = (self.article, self.ask);
        other.num != article.num
            && !other.sensitive
            && other.visible.contains(ask.now)
            && !(article.group != 0 && other.group == article.group)
            && ask.from.is_none_or(|from| other.published_at >= from)
            && !ask.exclude.contains(&other.num)
            && !article.bans.contains(&other.num)
            && !other.bans.contains(&article.num)
            && ask.tag.is_none_or(|tag| tag(&other.tags))
    }
}

impl Neighbour {
    pub(super) fn is_pinned(&self) -> bool {
        self.reasons.first() == Some(&Reason::Pin)
    }
}
