//! `kiosque related-run`: ranks a whole import file through the engine that serves, for evaluation.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use crate::content::analysis::fold;
use crate::content::article::{Draft, RelatedMode};
use crate::content::line;
use crate::content::tag::TagMention;
use crate::content::time::Clock;
use crate::related::{Article, Ask, Engine, Language, Profile, Settings, Window};

#[derive(Args)]
pub struct RelatedRun {
    /// Articles in the import format
    file: PathBuf,
    /// Neighbours of each article
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

impl RelatedRun {
    /// Prints external_id, rank, external_id and score, parted by tabs, for every article.
    pub fn run(&self) -> Result<(), String> {
        let shown = self.file.display();
        let file =
            File::open(&self.file).map_err(|error| format!("cannot read {shown}: {error}"))?;
        let mut corpus = Corpus::default();
        for (number, text) in (1_u64..).zip(BufReader::new(file).split(b'\n')) {
            let text = text.map_err(|error| format!("cannot read {shown}: {error}"))?;
            if line::is_blank(&text) {
                continue;
            }
            let draft = line::parse(&text).map_err(|faults| {
                let details: Vec<String> = faults
                    .iter()
                    .map(|fault| format!("{} {}", fault.pointer, fault.detail))
                    .collect();
                format!("{shown}, line {number}: {}", details.join("; "))
            })?;
            corpus.add(&draft)?;
        }
        corpus
            .rank(self.limit)
            .map_err(|error| format!("cannot write to standard output: {error}"))
    }
}

/// Articles numbered from 1 as they come, in an engine of their own.
pub struct Corpus {
    pub engine: Engine,
    names: Vec<String>,
    tags: HashMap<String, i64>,
}

impl Default for Corpus {
    fn default() -> Self {
        Self {
            engine: Engine::new(Settings::default()),
            names: Vec::new(),
            tags: HashMap::new(),
        }
    }
}

impl Corpus {
    /// # Errors
    /// When there is no room left for the article.
    pub fn add(&mut self, draft: &Draft) -> Result<(), String> {
        let num = self.names.len() as i64 + 1;
        let tags = self.tags(draft);
        self.engine
            .upsert(&profile(num, draft, &tags))
            .map_err(|error| format!("cannot keep an article: {error}"))?;
        let slug = draft.slug.as_ref().map(ToString::to_string);
        let name = draft.external_id.clone().or(slug);
        self.names.push(name.unwrap_or_else(|| num.to_string()));
        Ok(())
    }

    /// The numbers of an article's tags.
    pub fn tags(&mut self, draft: &Draft) -> Vec<i64> {
        draft.tags.iter().map(|tag| self.tag(tag)).collect()
    }

    fn tag(&mut self, mention: &TagMention) -> i64 {
        let name = match &mention.slug {
            Some(slug) => slug.to_string(),
            None => fold(&mention.name),
        };
        let next = self.tags.len() as i64 + 1;
        *self.tags.entry(name).or_insert(next)
    }

    /// What an article is called: its external id, else its slug, else its number.
    pub fn name(&self, num: i64) -> Option<&str> {
        let at = usize::try_from(num - 1).ok()?;
        self.names.get(at).map(String::as_str)
    }

    /// The nearest articles of one, with their scores.
    pub fn related(&self, num: i64, limit: usize) -> Vec<(&str, f32)> {
        let related = self.engine.related(num, &ask(limit)).unwrap_or_default();
        let neighbours = related.neighbours.iter();
        neighbours
            .filter_map(|neighbour| Some((self.name(neighbour.num)?, neighbour.score)))
            .collect()
    }

    fn rank(&self, limit: usize) -> std::io::Result<()> {
        let mut out = BufWriter::new(std::io::stdout().lock());
        for (num, name) in (1_i64..).zip(&self.names) {
            for (rank, (other, score)) in (1..).zip(self.related(num, limit)) {
                writeln!(out, "{name}\t{rank}\t{other}\t{score:.6}")?;
            }
        }
        out.flush()
    }
}

/// An article of an import file as the engine knows it.
pub fn profile(num: i64, draft: &Draft, tags: &[i64]) -> Profile {
    Profile::of(&Article {
        num,
        language: draft.language.as_str(),
        headline: &draft.headline,
        standfirst: draft.standfirst.as_deref(),
        body: &draft.body.text,
        tags,
        published_at: draft.published_at.map_or(0, |time| time.timestamp()),
        visible: Window::ALWAYS,
        translation_group: None,
        pins: &[],
        bans: &[],
        sensitive: draft.related == RelatedMode::Never,
        source: None,
        syndicatable: true,
    })
}

fn ask(limit: usize) -> Ask<'static> {
    Ask {
        limit,
        exclude: &[],
        from: None,
        language: Language::Own,
        tag: None,
        now: Clock::default().now().timestamp_micros(),
        rights: None,
    }
}
