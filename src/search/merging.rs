//! Which segments of the index are merged, and when: each commit adds one.

use tantivy::SegmentMeta;
use tantivy::indexer::{LogMergePolicy, MergeCandidate, MergePolicy};

/// Segments smaller than this many articles count as equally small. Every eighth commit merges them, so that of a
/// thousand would take more time than the writing itself.
const SMALL: u32 = 200;

/// Segments that were written with so many articles are written anew for what was deleted of them. That of smaller ones
/// takes little room, and goes when they are merged by their size: what has just been written is what is changed most,
/// and they would be written anew again and again.
const LARGE: u32 = 10_000;

/// Merges segments of like size, and writes a large one anew where a third of it is deleted.
#[derive(Debug)]
pub struct Merging {
    by_size: LogMergePolicy,
    large: u32,
}

impl Default for Merging {
    fn default() -> Self {
        let mut by_size = LogMergePolicy::default();
        by_size.set_min_layer_size(SMALL);
        Self {
            by_size,
            large: LARGE,
        }
    }
}

impl MergePolicy for Merging {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        let mut candidates = self.by_size.compute_merge_candidates(segments);
        let worn = |segment: &&SegmentMeta| {
            segment.max_doc() >= self.large && segment.num_deleted_docs() > segment.max_doc() / 3
        };
        let alone: Vec<MergeCandidate> = segments
            .iter()
            .filter(worn)
            .filter(|segment| !candidates.iter().any(|one| one.0.contains(&segment.id())))
            .map(|segment| MergeCandidate(vec![segment.id()]))
            .collect();
        candidates.extend(alone);
        candidates
    }
}

#[cfg(test)]
mod tests {
    use tantivy::schema::{INDEXED, Schema};
    use tantivy::{IndexWriter, Term, doc};

    use super::*;

    /// Segments of so many articles each, of which so many were deleted: the candidates, by the number of articles.
    fn merged(segments: &[(u32, u32)], large: u32) -> Vec<Vec<u32>> {
        let mut schema = Schema::builder();
        let key = schema.add_u64_field("key", INDEXED);
        let index = tantivy::Index::create_in_ram(schema.build());
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
        writer.set_merge_policy(Box::new(tantivy::merge_policy::NoMergePolicy));
        for (place, &(articles, _)) in segments.iter().enumerate() {
            for number in 0..articles {
                let value = (place as u64) << 32 | u64::from(number);
                writer.add_document(doc!(key => value)).unwrap();
            }
            writer.commit().unwrap();
        }
        for (place, &(_, deleted)) in segments.iter().enumerate() {
            for number in 0..deleted {
                let value = (place as u64) << 32 | u64::from(number);
                writer.delete_term(Term::from_field_u64(key, value));
            }
        }
        writer.commit().unwrap();
        let metas = index.searchable_segment_metas().unwrap();
        let size = |id| metas.iter().find(|meta| meta.id() == id).unwrap().max_doc();
        let policy = Merging {
            large,
            ..Merging::default()
        };
        let mut merged: Vec<Vec<u32>> = policy
            .compute_merge_candidates(&metas)
            .into_iter()
            .map(|candidate| candidate.0.into_iter().map(size).collect())
            .collect();
        merged.iter_mut().for_each(|sizes| sizes.sort_unstable());
        merged.sort_unstable();
        merged
    }

    #[test]
    fn eight_of_a_size_are_merged() {
        assert_eq!(merged(&[(3, 0); 7], 1_000), [[0; 0]; 0]);
        assert_eq!(merged(&[(3, 0); 8], 1_000), [[3; 8]]);
        // Others of another size stay as they are.
        let others = [(3, 0); 8].into_iter().chain([(900, 0)]);
        assert_eq!(merged(&others.collect::<Vec<_>>(), 1_000), [[3; 8]]);
    }

    #[test]
    fn a_large_one_is_written_anew_where_a_third_is_deleted_and_alone() {
        assert_eq!(merged(&[(1_000, 333)], 1_000), [[0; 0]; 0]);
        assert_eq!(merged(&[(1_000, 334), (1_100, 0)], 1_000), [[1_000]]);
        // A small one is not, however much of it is.
        assert_eq!(merged(&[(999, 990), (1_000, 0)], 1_000), [[0; 0]; 0]);
    }

    #[test]
    fn none_is_merged_twice() {
        let segments = [(300, 200); 8];
        assert_eq!(merged(&segments, 300), [[300; 8]]);
    }
}
