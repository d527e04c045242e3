//! One story not twelve times: candidates that repeat each other's part of the source step back.

use super::candidate::Candidate;
use super::score::Source;
use super::scratch::Scratch;
use super::select::order;
use super::weights::Formula;

/// How many candidates diversity looks at, and how many places it fills.
const DIVERSE_FROM: usize = 40;
const DIVERSE_PLACES: usize = 10;
/// The source's strongest stems, by which candidates are told from each other.
const ASPECTS: usize = 128;

/// Lanes that the processor adds side by side.
const LANES: usize = 8;

/// A candidate at the head of the list.
struct Head<'c, 'e> {
    candidate: &'c Candidate<'e>,
    score: f32,
    /// Made when first asked for.
    aspects: Option<Aspects>,
    /// How like it is to the likest of the first `compared` that were chosen.
    nearest: f32,
    compared: usize,
}

/// Maximal marginal relevance over the head of the list, where two candidates are alike when they share the
/// same words with the source. Carbonell and Goldstein, "The use of MMR" (SIGIR 1998).
pub(super) fn diversified<'c, 'e>(
    ranked: &[&'c Candidate<'e>],
    source: &Source,
    scratch: &Scratch,
    formula: &Formula,
) -> Vec<&'c Candidate<'e>> {
    let (head, tail) = ranked.split_at(ranked.len().min(DIVERSE_FROM));
    let dimensions = Dimensions::of(source);
    let mut left: Vec<Head> = head
        .iter()
        .map(|candidate| Head {
            candidate,
            score: candidate.score,
            aspects: None,
            nearest: 0.0,
            compared: 0,
        })
        .collect();
    if source.tags.is_empty() {
        agree(&mut left, &dimensions, source, scratch, formula.agreement);
    }
    let best = left
        .first()
        .map_or(1.0, |found| found.score.max(f32::MIN_POSITIVE));
    let lambda = formula.diversity;
    let mut list: Vec<&Candidate> = Vec::with_capacity(ranked.len());
    let mut chosen: Vec<Aspects> = Vec::with_capacity(DIVERSE_PLACES);
    while list.len() < DIVERSE_PLACES && !left.is_empty() {
        // What is known of how like each is to those chosen can only rise, and its value fall: the first is compared
        // with those it was not compared with, until the first is one that has been compared with all.
        let value = |one: &Head| lambda * one.score / best - (1.0 - lambda) * one.nearest;
        let greatest = |next, at: usize| {
            if value(&left[at]) > value(&left[next]) {
                at
            } else {
                next
            }
        };
        let next = (0..left.len()).fold(0, greatest);
        let one = &mut left[next];
        let aspects = one
            .aspects
            .get_or_insert_with(|| dimensions.aspects(one.candidate, source, scratch));
        if one.compared < chosen.len() {
            let others = chosen.iter().skip(one.compared);
            one.nearest = others.fold(one.nearest, |near, other| near.max(dot(other, aspects)));
            one.compared = chosen.len();
        } else {
            let taken = left.remove(next);
            list.push(taken.candidate);
            chosen.extend(taken.aspects);
        }
    }
    list.extend(left.iter().map(|one| one.candidate));
    list.extend(tail);
    list
}

/// Where an article has no tags to say what it is about, what its likeliest neighbours share with it says so:
/// those that are like the middle of them come forward.
fn agree(
    heads: &mut [Head],
    dimensions: &Dimensions,
    source: &Source,
    scratch: &Scratch,
    agreement: f32,
) {
    let mut middle = [0.0; ASPECTS];
    for (at, head) in heads.iter_mut().enumerate() {
        let aspects = dimensions.aspects(head.candidate, source, scratch);
        if at < DIVERSE_PLACES {
            for (sum, aspect) in middle.iter_mut().zip(aspects.iter()) {
                *sum += head.score * aspect;
            }
        }
        head.aspects = Some(aspects);
    }
    let length = dot(&middle, &middle).sqrt().max(f32::MIN_POSITIVE);
    for head in heads.iter_mut() {
        if let Some(aspects) = &head.aspects {
            head.score *= 1.0 + agreement * dot(aspects, &middle) / length;
        }
    }
    heads.sort_by_key(|head| order(head.score, head.candidate));
}

fn dot(a: &[f32; ASPECTS], b: &[f32; ASPECTS]) -> f32 {
    let mut lanes = [0f32; LANES];
    for (a, b) in a
        .as_chunks::<LANES>()
        .0
        .iter()
        .zip(b.as_chunks::<LANES>().0)
    {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum()
}

type Aspects = Box<[f32; ASPECTS]>;

/// By place of a stem of the source, which of the aspects it is; `ASPECTS`: none.
struct Dimensions(Vec<u8>);

impl Dimensions {
    fn of(source: &Source) -> Self {
        let strength = |stem: &super::score::Weighed| stem.tf * stem.weight;
        let mut strongest: Vec<(f32, usize)> = source.stems.iter().map(strength).zip(0..).collect();
        let stronger = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if strongest.len() > ASPECTS {
            strongest.select_nth_unstable_by(ASPECTS, stronger);
            strongest.truncate(ASPECTS);
        }
        let mut dimensions = vec![ASPECTS as u8; source.stems.len()];
        for (at, (_, place)) in (0..).zip(strongest) {
            dimensions[place] = at;
        }
        Self(dimensions)
    }

    /// How much of each of the source's strongest stems the candidate has, as a vector of length one.
    fn aspects(&self, candidate: &Candidate, source: &Source, scratch: &Scratch) -> Aspects {
        let mut aspects: Aspects = Box::new([0.0; ASPECTS]);
        for found in candidate.stems_in(scratch) {
            let place = usize::from(found.place);
            if let (Some(at), Some(stem)) = (self.0.get(place), source.stems.get(place))
                && let Some(aspect) = aspects.get_mut(usize::from(*at))
            {
                let tf = found.code.tf();
                *aspect = stem.idf * tf / (tf + 1.5);
            }
        }
        let length = dot(&aspects, &aspects).sqrt();
        if length > 0.0 {
            aspects.iter_mut().for_each(|x| *x /= length);
        }
        aspects
    }
}
