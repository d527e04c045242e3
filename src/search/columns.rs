//! What is read of a match without loading it, column by column. Each segment's are opened once: to open a column is to
//! read where all of its blocks lie, and a search would do so for every segment anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tantivy::columnar::Column;
use tantivy::index::SegmentId;
use tantivy::{DocId, Searcher, SegmentReader};

use super::fields::{
    FIRST_PUBLISHED, ID_HIGH, ID_LOW, NUM, PUBLISHED, TAG, UPDATED, VISIBLE_FROM, VISIBLE_UNTIL,
    WITHHELD,
};
use crate::content::listing::UseDate;

/// The columns of one segment. Where no article of it has a value, there is none.
pub struct Columns {
    num: Column<i64>,
    id: (Column<u64>, Column<u64>),
    published: Option<Column<i64>>,
    updated: Option<Column<i64>>,
    first_published: Option<Column<i64>>,
    /// From when and until when, in Unix microseconds.
    pub visible: Option<(Column<i64>, Column<i64>)>,
    pub tags: Option<Column<i64>>,
    pub withheld: Option<Column<i64>>,
}

impl Columns {
    fn open(segment: &SegmentReader) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(Self {
            num: columns.i64(NUM)?,
            id: (columns.u64(ID_HIGH)?, columns.u64(ID_LOW)?),
            published: columns.column_opt(PUBLISHED)?,
            updated: columns.column_opt(UPDATED)?,
            first_published: columns.column_opt(FIRST_PUBLISHED)?,
            visible: columns
                .column_opt(VISIBLE_FROM)?
                .zip(columns.column_opt(VISIBLE_UNTIL)?),
            tags: columns.column_opt(TAG)?,
            withheld: columns.column_opt(WITHHELD)?,
        })
    }

    pub fn num(&self, doc: DocId) -> Option<i64> {
        self.num.first(doc)
    }

    pub fn id(&self, doc: DocId) -> Option<u128> {
        let (high, low) = (self.id.0.first(doc)?, self.id.1.first(doc)?);
        Some(u128::from(high) << 64 | u128::from(low))
    }

    /// In Unix microseconds.
    pub fn date(&self, which: UseDate, doc: DocId) -> Option<i64> {
        let dates = match which {
            UseDate::Published => &self.published,
            UseDate::Updated => &self.updated,
            UseDate::FirstPublished => &self.first_published,
        };
        dates.as_ref()?.first(doc)
    }
}

/// The columns of all segments that were searched. A segment never changes; what is deleted in it is told apart.
#[derive(Default)]
pub struct Opened(Mutex<HashMap<SegmentId, Arc<Columns>>>);

impl Opened {
    /// # Errors
    /// When the segment's files cannot be read.
    pub fn of(&self, segment: &SegmentReader) -> tantivy::Result<Arc<Columns>> {
        let known = |opened: &Self| opened.known().get(&segment.segment_id()).cloned();
        if let Some(columns) = known(self) {
            return Ok(columns);
        }
        let columns = Arc::new(Columns::open(segment)?);
        self.known()
            .insert(segment.segment_id(), Arc::clone(&columns));
        Ok(columns)
    }

    /// Forgets segments that were merged into others.
    pub fn keep_only(&self, searcher: &Searcher) {
        let segments = searcher.segment_readers();
        let is_there = |id: &SegmentId| segments.iter().any(|one| one.segment_id() == *id);
        self.known().retain(|id, _| is_there(id));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SegmentId, Arc<Columns>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{article, finds, index_of};

    #[test]
    fn only_columns_of_segments_that_are_there_are_kept() {
        let (index, mut writer) = index_of(&[article(1, "fr", "Roses")]);
        assert_eq!(finds(&index, "roses"), [1]);
        for num in 2..40 {
            article(num, "fr", "Roses").put(&mut writer);
            writer.commit(num).unwrap();
            assert_eq!(finds(&index, "roses").len(), num as usize);
            let segments = index.reader().unwrap().searcher().segment_readers().len();
            assert!(index.opened.known().len() <= segments);
        }
    }
}
