//! What an import tells of its lines, and to whom.

use serde::{Deserialize, Serialize};

use crate::content::article::Fault;

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub failed: u64,
    /// Of those updated, articles that are left out where they come from, and are withdrawn here.
    pub withdrawn: u64,
    /// Lines that went in although something they refer to does not exist.
    pub dangling: u64,
}

/// A line that did not go in, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Counted from 1.
    pub line: u64,
    /// What it is called where it comes from, if a number would say nothing.
    pub name: Option<String>,
    pub reason: String,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    Created,
    Updated,
    Unchanged,
    Failed,
}

/// The last word on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Counted from 1.
    pub line: u64,
    pub fate: Fate,
    /// The article; `None` where there is none, or none yet.
    pub article: Option<Made>,
    /// Why it did not go in.
    pub errors: Vec<Fault>,
    /// What is wanting of it though it is in.
    pub warnings: Vec<Fault>,
}

/// An article that a line has made or met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub id: String,
    pub slug: String,
    pub version: i64,
}

/// Is told how the import goes.
pub trait Watcher: Send {
    /// After each batch: bytes read so far, and what became of the lines.
    fn progress(&mut self, _bytes: u64, _summary: &Summary) {}
    /// Of each line that is not blank, once, when what it wrote is kept. Those that refer to articles which had not come
    /// yet are told last.
    fn tell(&mut self, _verdict: &Verdict) {}
    fn complain(&mut self, _complaint: &Complaint) {}
    /// Asked before each batch; an import that is called off ends with an error.
    fn is_called_off(&self) -> bool {
        false
    }
}
