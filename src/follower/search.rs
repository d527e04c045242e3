//! Keeps the full-text index up to date.

use std::time::Instant;

use chrono::NaiveDateTime;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::follower::Derived;
use crate::search::{self, Claim, Entry, Writer};
use crate::store::state::Whole;

pub struct SearchIndex {
    claim: Claim,
    /// There is one once the index is open.
    writer: Option<Writer>,
    last: Option<i64>,
    position: Option<i64>,
}

impl SearchIndex {
    pub const NAME: &'static str = "search";

    /// `last`: the end of the log when the server started. An index that is ahead of it is of another past; `None`:
    /// what the index holds does not count.
    pub fn new(claim: Claim, last: Option<i64>) -> Self {
        Self {
            claim,
            writer: None,
            last,
            position: None,
        }
    }
}

impl Derived for SearchIndex {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn open(&mut self) -> Result<()> {
        let started = Instant::now();
        if let Some(writer) = &mut self.writer {
            self.position = writer.restart().map_err(failed)?;
            return Ok(());
        }
        let (writer, position) = self.claim.open().map_err(failed)?;
        self.writer = Some(writer);
        self.position = position.filter(|position| self.last.is_some_and(|last| *position <= last));
        let (count, seconds) = (self.claim.index().len(), started.elapsed().as_secs_f32());
        log::info!("opened the search index of {count} articles in {seconds:.1} s");
        Ok(())
    }

    fn position(&self) -> Option<i64> {
        self.position
    }

    fn clear(&mut self) -> Result<()> {
        self.position = None;
        self.write(Writer::clear)
    }

    fn put(&mut self, articles: &[Whole]) -> Result<()> {
        self.write(|writer| {
            articles
                .iter()
                .try_for_each(|article| upsert(writer, article))
        })
    }

    fn remove(&mut self, num: i64) -> Result<()> {
        self.write(|writer| writer.delete(num))
    }

    fn commit(&mut self, position: i64) -> Result<()> {
        let is_built = self.position.is_some();
        self.write(|writer| match is_built {
            true => writer.note(position).and_then(|()| writer.settle()),
            false => writer.commit(position),
        })?;
        self.position = Some(position);
        Ok(())
    }

    fn rest(&mut self) -> Result<bool> {
        self.write(Writer::settle)?;
        Ok(false)
    }
}

impl SearchIndex {
    /// After a failure the index goes on from its last commit, or is built again where there is none.
    fn write(&mut self, work: impl FnOnce(&mut Writer) -> search::Result<()>) -> Result<()> {
        let writer = self.writer.as_mut().ok_or(search::Error::Closed);
        let writer = writer.map_err(failed)?;
        let Err(error) = work(writer) else {
            return Ok(());
        };
        match writer.restart() {
            Ok(position) => self.position = position,
            Err(also) => log::error!("the search index could not be restarted: {also}"),
        }
        Err(failed(error))
    }
}

fn failed(error: search::Error) -> Error {
    Error::Search(error.into())
}

fn upsert(writer: &mut Writer, article: &Whole) -> search::Result<()> {
    let row = &article.row;
    let tags: Vec<(i64, &str)> = article
        .tags
        .iter()
        .map(|tag| (tag.num, tag.name.as_str()))
        .collect();
    let micros = |time: NaiveDateTime| time.and_utc().timestamp_micros();
    let visible = row.visibility().window().map(|(from, until)| {
        (
            from.timestamp_micros(),
            until.map_or(i64::MAX, |until| until.timestamp_micros()),
        )
    });
    writer.upsert(&Entry {
        num: row.num,
        id: Uuid::try_parse(&row.id).unwrap_or_default(),
        language: &row.language,
        headline: &row.headline,
        standfirst: row.standfirst.as_deref(),
        byline: row.byline.as_deref(),
        body: &article.body.text,
        tags: &tags,
        source: row.source_name.as_deref(),
        published_at: row.published_at.map(micros),
        updated_at: micros(row.updated_at),
        first_published_at: row.first_published_at.map(micros),
        visible,
        syndicatable: row.syndicatable,
    })
}
