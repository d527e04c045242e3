//! A lookup: likely neighbours from the inverted index, then the best of them in full.

use std::sync::PoisonError;

use super::article::Article;
use super::candidate::{Candidate, Compared};
use super::engine::Engine;
use super::masses::Masses;
use super::postings::Slot;
use super::profile::{Profile, language_hash};
use super::ranking;
use super::reasons;
use super::record::Record;
use super::scope::Scope;
use super::score::{Evidence, Gain, Shared, Source};
use super::scratch::Scratch;
use super::select;
use super::{Ask, Hidden, Language, Neighbour, Reason, Related};
use crate::content::tag_filter::TagFilter;

/// Articles that are compared because they open soon.
const MOST_EARLY: usize = 500;

impl Engine {
    /// Nearest articles of a stored one; `None` when it is unknown.
    pub fn related(&self, num: i64, ask: &Ask) -> Option<Related> {
        if ask.limit > ranking::RANKED || !ask.is_plain() {
            return self.look_up(num, ask);
        }
        let mut related = self.nearest(num, ask.now)?;
        related.neighbours.truncate(ask.limit);
        Some(related)
    }

    pub(super) fn look_up(&self, num: i64, ask: &Ask) -> Option<Related> {
        let record = self.record(num)?;
        let article = self.counted(num);
        let masses = article.map(|article| self.masses(article, &record));
        Some(self.lookup(record, masses, ask))
    }

    /// The numbers of up to so many articles that a stored one is nearest to, and whose neighbours it may therefore be.
    /// None of one that may not be seen.
    pub fn near(&self, num: i64, count: usize, now: i64) -> Vec<i64> {
        let Some(record) = self.record(num).filter(|_| self.slot(num).is_some()) else {
            return Vec::new();
        };
        let mut scratch = self.take_scratch();
        let ask = Ask::nearest(count, now);
        let filter = Filter::new(&record, &ask);
        let source = Source::of(record, None, self);
        let compared = self.compared(&source, &filter, &mut scratch);
        let near = compared.ranked.iter().take(count);
        let near = near.map(|candidate| candidate.record.num()).collect();
        self.keep_scratch(scratch);
        near
    }

    /// Nearest articles of one that is not stored: a draft, a partner's text.
    pub fn related_to_text(&self, article: &Profile, ask: &Ask) -> Related {
        article
            .record()
            .map(|record| self.lookup(record, None, ask))
            .unwrap_or_default()
    }

    fn lookup(&self, article: Record, masses: Option<Masses>, ask: &Ask) -> Related {
        if article.sensitive() {
            return Related {
                hidden: Some(Hidden::Sensitive),
                ..Related::default()
            };
        }
        let mut scratch = self.take_scratch();
        let filter = Filter::new(&article, ask);
        let source = Source::of(article, masses, self);
        let compared = self.compared(&source, &filter, &mut scratch);
        let shown = select::choose(self, &source, &compared, &scratch, ask.limit);
        let neighbours: Vec<Neighbour> = shown
            .chosen
            .iter()
            .map(|chosen| {
                reasons::neighbour(self, &source, chosen, &compared.pair_weights, &scratch)
            })
            .collect();
        let hidden = match (neighbours.is_empty(), article.is_empty()) {
            (true, true) => Some(Hidden::Empty),
            (true, false) => Some(Hidden::BelowFloor),
            _ => None,
        };
        self.keep_scratch(scratch);
        Related {
            neighbours,
            copies: shown.copies,
            hidden,
        }
    }

    fn compared<'e>(
        &'e self,
        source: &Source,
        filter: &Filter,
        scratch: &mut Scratch,
    ) -> Compared<'e> {
        let formula = &self.settings.formula;
        let (likely, promising) = formula.candidates(self.len());
        let likely = self.candidates(source, filter, likely, &mut scratch.scores);
        scratch.stems.clear();
        scratch.pairs.clear();
        self.fetch(&likely);
        let mut met = |slots: Vec<Slot>| -> Vec<Candidate> {
            let each = slots.into_iter();
            each.filter_map(|slot| self.met(source, slot, scratch))
                .collect()
        };
        let (mut ranked, mut pinned) = (met(likely), met(self.pins(source, filter)));
        self.add_early(source, filter, &mut ranked, &mut pinned, scratch);
        self.keep_promising(source, &mut ranked, promising);
        ranked.iter().for_each(|one| one.record.pairs().fetch());
        for candidate in ranked.iter_mut().chain(&mut pinned) {
            self.meet_pairs(source, candidate, scratch);
        }
        let having = having(&ranked, source, scratch);
        let pair_weights: Vec<f32> = source
            .pairs
            .iter()
            .zip(&having)
            .map(|(pair, having)| match having {
                // Only a pin has it: it is told against no candidates.
                0 => formula.pair * self.index.weight(pair.idf),
                _ => formula.pair_weight(pair.idf, ranked.len(), *having),
            })
            .collect();
        let gains: Vec<Gain> = source
            .pairs
            .iter()
            .zip(&pair_weights)
            .map(|(pair, weight)| pair.gain(*weight))
            .collect();
        for candidate in ranked.iter_mut().chain(&mut pinned) {
            let pairs = candidate.pairs_in(scratch);
            let Candidate {
                shared, saturation, ..
            } = candidate;
            shared.add_pairs(&gains, pairs, saturation);
            candidate.evidence =
                self.evidence(source, shared, &candidate.record, &candidate.masses);
        }
        select::rank(&self.settings, &mut ranked);
        Compared {
            ranked,
            pinned,
            pair_weights,
        }
    }

    /// Brings what is read next of all candidates near at once: they lie anywhere, and to come to one after the other
    /// is to wait for each. This is their beginning, which says where the rest is; then `fetch` can bring that.
    pub(super) fn approach(&self, slots: impl Iterator<Item = Slot>) {
        let heads = slots.filter_map(|slot| self.head_at(slot));
        std::hint::black_box(heads.fold(0u8, |sum, head| sum ^ head));
    }

    /// Brings the stems of all candidates near at once.
    fn fetch(&self, slots: &[Slot]) {
        let records = slots.iter().filter_map(|slot| self.record_at(*slot));
        records.for_each(|record| record.stems().fetch());
    }

    /// Reads the candidate's stems, and keeps those that it shares with the source.
    fn met<'e>(
        &'e self,
        source: &Source,
        slot: Slot,
        scratch: &mut Scratch,
    ) -> Option<Candidate<'e>> {
        let record = self.record_at(slot)?;
        let masses = self.masses(self.article(slot)?, &record);
        Some(self.met_record(source, slot, record, masses, scratch))
    }

    fn met_record<'e>(
        &'e self,
        source: &Source,
        slot: Slot,
        record: Record<'e>,
        masses: Masses,
        scratch: &mut Scratch,
    ) -> Candidate<'e> {
        let formula = &self.settings.formula;
        let first = scratch.stems.len() as u32;
        let (saturation, shared) = match record.language() == source.record.language() {
            true => {
                let saturation = source.saturation_of(&record, formula);
                let shared = source.meet_stems(&record, &saturation, &mut scratch.stems);
                (saturation, shared)
            }
            false => (self.index.saturation(&record, formula), Shared::default()),
        };
        Candidate {
            slot,
            shared,
            saturation,
            masses,
            record,
            stems: (first, scratch.stems.len() as u32),
            pairs: (0, 0),
            evidence: Evidence::default(),
            score: 0.0,
        }
    }

    /// Adds what a partner sees before the public does. It is in no index, for it is not counted, and has no slot: each
    /// that opens soon is compared.
    fn add_early<'e>(
        &'e self,
        source: &Source,
        filter: &Filter,
        ranked: &mut Vec<Candidate<'e>>,
        pinned: &mut Vec<Candidate<'e>>,
        scratch: &mut Scratch,
    ) {
        let pins: Vec<i64> = self.pinned_nums(source, filter).collect();
        let early = self.opening(filter.scope.now, filter.scope.opened);
        for (at, record) in (0..).zip(early.take(MOST_EARLY)) {
            let is_pin = pins.contains(&record.num());
            let passes = match is_pin {
                true => filter.lets_pin_through(&record),
                false => filter.may_pass_record(&record) && filter.lets_through(&record),
            };
            if !passes {
                continue;
            }
            let masses = Masses::of(&record, &self.index, &self.settings.formula);
            let met = self.met_record(source, Slot::MAX - at, record, masses, scratch);
            match is_pin {
                true => pinned.push(met),
                false => ranked.push(met),
            }
        }
    }

    fn meet_pairs(&self, source: &Source, candidate: &mut Candidate, scratch: &mut Scratch) {
        let first = scratch.pairs.len() as u32;
        if candidate.record.language() == source.record.language() {
            source.meet_pairs(&candidate.record, &mut scratch.pairs);
        }
        candidate.pairs = (first, scratch.pairs.len() as u32);
    }

    /// Drops the candidates that pairs of words would hardly bring to the front: pairs are most of what there
    /// is to read. Until they are read, a headline is taken to be found as its words are.
    fn keep_promising(&self, source: &Source, candidates: &mut Vec<Candidate>, promising: usize) {
        if candidates.len() <= promising {
            return;
        }
        for one in candidates.iter_mut() {
            let mut evidence = self.evidence(source, &one.shared, &one.record, &one.masses);
            (evidence.phrase, evidence.phrase_back) = (evidence.title, evidence.title_back);
            one.evidence = evidence;
        }
        select::rank(&self.settings, candidates);
        candidates.truncate(promising);
    }

    fn pins(&self, source: &Source, filter: &Filter) -> Vec<Slot> {
        self.pinned_nums(source, filter)
            .filter_map(|num| self.slot(num))
            .filter(|slot| {
                let pin = self.record_at(*slot);
                pin.is_some_and(|pin| filter.lets_pin_through(&pin))
            })
            .collect()
    }

    /// What is pinned by the source itself, or by a translation of it that may be seen.
    fn pinned_nums<'s>(
        &'s self,
        source: &'s Source<'_>,
        filter: &'s Filter<'_>,
    ) -> impl Iterator<Item = i64> + 's {
        let is_seen = |num: i64| {
            self.record(num)
                .is_some_and(|record| filter.scope.admits(&record))
        };
        source
            .record
            .pins()
            .filter(move |pin| pin.by == source.record.num() || is_seen(pin.by))
            .map(|pin| pin.num)
    }

    fn take_scratch(&self) -> Scratch {
        let mut kept = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pop().unwrap_or_default()
    }

    fn keep_scratch(&self, scratch: Scratch) {
        let mut kept = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(scratch);
    }
}

/// By pair of the source, how many of the candidates have it.
fn having(candidates: &[Candidate], source: &Source, scratch: &Scratch) -> Vec<u32> {
    let mut having = vec![0u32; source.pairs.len()];
    for candidate in candidates {
        for found in candidate.pairs_in(scratch) {
            if let Some(count) = having.get_mut(usize::from(found.place)) {
                *count += 1;
            }
        }
    }
    having
}

/// What may be shown beside an article.
pub(super) struct Filter<'a> {
    article: &'a Record<'a>,
    /// Its number.
    num: i64,
    bans: Vec<i64>,
    ask: &'a Ask<'a>,
    pub scope: Scope<'a>,
    /// Hash of the language asked for; `None`: any.
    language: Option<u32>,
}

impl<'a> Filter<'a> {
    pub fn new(article: &'a Record<'a>, ask: &'a Ask<'a>) -> Self {
        let language = match &ask.language {
            Language::Own => Some(article.language()),
            Language::Any => None,
            Language::Is(tag) => Some(language_hash(tag)),
        };
        Self {
            article,
            num: article.num(),
            bans: article.bans().collect(),
            scope: Scope::of(ask.rights, ask.now),
            ask,
            language,
        }
    }

    /// Whether an article of another language may be shown.
    pub fn crosses_languages(&self) -> bool {
        self.language != Some(self.article.language())
    }

    /// Whether one of the article's own language may be.
    pub fn keeps_language(&self) -> bool {
        self.language
            .is_none_or(|language| language == self.article.language())
    }

    /// Told from what the engine has at hand; `lets_through` looks at the rest.
    pub fn may_pass(&self, other: &Article) -> bool {
        self.language
            .is_none_or(|language| other.language == language)
            && self.wants(other.num, other.published_at)
    }

    /// The same told from a record.
    fn may_pass_record(&self, other: &Record) -> bool {
        self.language
            .is_none_or(|language| other.language() == language)
            && self.wants(other.num(), other.published_at())
    }

    fn wants(&self, num: i64, published_at: i64) -> bool {
        num != self.num
            && self.ask.from.is_none_or(|from| published_at >= from)
            && !self.ask.exclude.contains(&num)
            && !self.bans.contains(&num)
    }

    pub fn lets_through(&self, other: &Record) -> bool {
        self.scope.admits(other)
            && !(self.article.group() != 0 && other.group() == self.article.group())
            && !other.bans().any(|ban| ban == self.article.num())
            && self.passes_tags(other)
    }

    fn passes_tags(&self, other: &Record) -> bool {
        self.ask
            .tag
            .is_none_or(|tag| tag.accepts(&other.tags().collect::<Vec<_>>()))
    }

    /// The tags asked for.
    pub fn tags(&self) -> Option<&'a TagFilter<i64>> {
        self.ask.tag
    }

    /// An editor may pin an article of another language; a language the caller names is kept to.
    pub fn lets_pin_through(&self, pin: &Record) -> bool {
        let fits = match self.ask.language {
            Language::Own => self.wants(pin.num(), pin.published_at()),
            _ => self.may_pass_record(pin),
        };
        fits && self.lets_through(pin)
    }
}

impl Neighbour {
    pub(super) fn is_pinned(&self) -> bool {
        self.reasons.first() == Some(&Reason::Pin)
    }
}
