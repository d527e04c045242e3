//! The figures of the ranking formula, and the formula's small functions.

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
            tags: 0.3,
            floor: 0.0,
            formula: Formula::default(),
        }
    }
}

/// Figures that belong to the formula rather than to a site.
#[derive(Clone, Debug)]
pub struct Formula {
    pub title: f32,
    pub lead: f32,
    /// BM25 saturation and length normalisation (Robertson and Zaragoza 2009).
    pub k1: f32,
    pub b: f32,
    pub bigram: f32,
    /// The power of idf in a query weight.
    pub idf_power: f32,
    pub query_terms: usize,
    pub candidates: usize,
    pub backward: f32,
    pub time: f32,
    pub time_days: f32,
    pub coverage: f32,
    pub diversity: f32,
}

impl Default for Formula {
    fn default() -> Self {
        Self {
            title: 3.0,
            lead: 1.0,
            k1: 1.5,
            b: 0.9,
            bigram: 0.5,
            idf_power: 1.0,
            query_terms: 200,
            candidates: 200,
            backward: 0.7,
            time: 0.6,
            time_days: 365.0,
            coverage: 0.4,
            diversity: 0.95,
        }
    }
}

/// Inverse document frequency as BM25 has it, positive for every df.
pub fn idf(articles: u32, df: u32) -> f32 {
    let (n, df) = (articles.max(df) as f32, df as f32);
    (1.0 + (n - df + 0.5) / (df + 0.5)).ln()
}
