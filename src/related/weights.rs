//! The figures of the ranking formula, and the formula's small functions.

use std::sync::LazyLock;

/// How the engine ranks. The defaults were measured on editors' links of seven sites.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Weight of a tag overlap of one against a textual resemblance of one.
    pub tags: f32,
    /// Neighbours with a lower score are not shown.
    pub floor: f32,
    pub formula: Formula,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tags: 0.25,
            floor: 0.1,
            formula: Formula::default(),
        }
    }
}

/// Figures that belong to the formula rather than to a site.
#[derive(Clone, Debug)]
pub struct Formula {
    /// BM25 saturation and length normalisation (Robertson and Zaragoza 2009).
    pub k1: f32,
    pub b: f32,
    /// Weight of a pair of neighbouring stems against a stem.
    pub pair: f32,
    /// How much rarity among the candidates adds to the rarity of a pair.
    pub local: f32,
    /// The power of idf in a query weight.
    pub idf_power: f32,
    /// Strongest stems that look for candidates.
    pub query_terms: usize,
    /// Candidates compared by stems, and those of them compared in full, in a small corpus and in an endless one:
    /// in a small one nearly everything has something of everything.
    pub candidates: (usize, usize),
    pub promising: (usize, usize),
    /// Postings read for candidates: so many, and this share of the articles more.
    pub postings: usize,
    pub postings_share: f32,
    pub backward: f32,
    /// Resemblance of articles in different languages, by names and numbers, against words.
    pub marks: f32,
    pub time: f32,
    pub time_days: f32,
    /// A headline whose words, or pairs of words, occur in the other article.
    pub coverage: f32,
    pub phrase: f32,
    /// Headlines that resemble each other.
    pub headline: f32,
    /// How much neighbours that agree with each other come forward, where an article has no tags.
    pub agreement: f32,
    pub diversity: f32,
    /// The nearness that is shown as a score of ½.
    pub half: f32,
}

impl Default for Formula {
    fn default() -> Self {
        Self {
            k1: 1.5,
            b: 0.9,
            pair: 0.4,
            local: 0.8,
            idf_power: 0.9,
            query_terms: 200,
            candidates: (200, 75),
            promising: (90, 35),
            postings: 20_000,
            postings_share: 0.2,
            backward: 0.7,
            marks: 1.0,
            time: 0.6,
            time_days: 365.0,
            coverage: 0.4,
            phrase: 1.3,
            headline: 0.5,
            agreement: 1.0,
            diversity: 0.98,
            half: 1.5,
        }
    }
}

/// Logarithms are kept in steps of an eighth. An article more or less then leaves nearly all weights
/// as they were, and what was computed from them can be kept until one of them moves.
const STEPS: f32 = 8.0;

/// Counts up to this have their step in a table: most terms are rare.
const TABLED: usize = 4_096;

/// ln(count + ½) in steps.
pub fn step(count: u32) -> i32 {
    static TABLE: LazyLock<Vec<i32>> = LazyLock::new(|| (0..TABLED as u32).map(computed).collect());
    let computed = || computed(count);
    TABLE.get(count as usize).copied().unwrap_or_else(computed)
}

fn computed(count: u32) -> i32 {
    ((count as f32 + 0.5).ln() * STEPS).round() as i32
}

/// A power of every idf there is.
pub struct Powers(Box<[f32]>);

impl Powers {
    pub fn new(exponent: f32) -> Self {
        // A term in one of all the articles that a slot can number has fewer steps than this.
        Self(
            (0..256)
                .map(|steps| (steps as f32 / STEPS).powf(exponent))
                .collect(),
        )
    }

    pub fn of(&self, idf: f32) -> f32 {
        let steps = (idf * STEPS) as usize;
        self.0
            .get(steps.min(self.0.len() - 1))
            .copied()
            .unwrap_or(0.0)
    }
}

/// Inverse document frequency as BM25 has it, ln((N + 1) / (df + ½)), from steps of N and df; a term
/// that every article has keeps a trace of weight.
pub fn idf(articles: i32, df: i32) -> f32 {
    (articles - df).max(1) as f32 / STEPS
}

/// What a step stands for.
pub fn value(step: i32) -> f32 {
    (step as f32 / STEPS).exp()
}

impl Formula {
    /// How many candidates to compare by stems and in full, among so many articles.
    pub fn candidates(&self, articles: usize) -> (usize, usize) {
        const SMALL: usize = 10_000;
        let of = |(small, endless): (usize, usize)| {
            endless + small.saturating_sub(endless) * SMALL / articles.max(SMALL)
        };
        (of(self.candidates), of(self.promising))
    }

    /// For an article of `length` times the mean.
    pub fn saturation(&self, length: f32) -> Saturation {
        Saturation {
            gain: self.k1 + 1.0,
            floor: self.k1 * (1.0 - self.b + self.b * length),
        }
    }
}

/// How an article of some length saturates term frequencies (BM25).
#[derive(Clone, Copy)]
pub struct Saturation {
    gain: f32,
    floor: f32,
}

impl Saturation {
    pub fn of(&self, tf: f32) -> f32 {
        tf * self.gain / (tf + self.floor)
    }
}

/// A term's frequency with its fields weighed, in one byte: the top bit says that the headline has it.
/// Exact to 64, then in steps of 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u8);

/// What each level of frequency stands for.
static TF: [f32; 128] = {
    let mut tf = [0.0; 128];
    let mut level = 0;
    while level < tf.len() {
        tf[level] = if level <= 64 {
            level
        } else {
            64 + (level - 64) * 16
        } as f32;
        level += 1;
    }
    tf
};

/// Weights of a term in the headline and in the standfirst; 1 in the body.
const TITLE: u32 = 3;
const LEAD: u32 = 1;

impl Code {
    pub fn of(title: u32, lead: u32, body: u32) -> Self {
        let tf = TITLE * title + LEAD * lead + body;
        let level = match tf {
            0..=64 => tf,
            _ => (64 + (tf - 64) / 16).min(127),
        };
        Self(level as u8 | u8::from(title > 0) << 7)
    }

    pub fn in_title(self) -> bool {
        self.0 & 0x80 != 0
    }

    pub fn tf(self) -> f32 {
        TF[usize::from(self.0 & 0x7f)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_keep_their_order_in_a_byte() {
        let mut before = 0.0;
        for body in 0..3_000 {
            let tf = Code::of(0, 0, body).tf();
            assert!(tf >= before && tf <= body as f32);
            before = tf;
        }
        assert_eq!(Code::of(1, 2, 4).tf(), 9.0);
        assert!(Code::of(1, 0, 0).in_title() && !Code::of(0, 1, 1).in_title());
    }

    #[test]
    fn rarer_terms_weigh_more_and_every_term_weighs_something() {
        let n = step(1_000);
        assert!(idf(n, step(1)) > idf(n, step(10)) && idf(n, step(10)) > idf(n, step(900)));
        assert!(idf(n, step(1_000)) > 0.0 && idf(step(1), step(1)) > 0.0);
    }
}
