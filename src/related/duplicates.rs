//! Near-duplicates: the same agency text on several sites, told by a sketch of its word 4-grams.

use super::hashing::{hash, mix};

/// Hashes in a sketch.
const WIDTH: usize = 48;

/// Articles whose 4-grams overlap (Jaccard) at least this much are copies of one text.
const COPY: f32 = 0.6;

/// One-permutation MinHash of word 4-grams: the least hash of each of `WIDTH` bins, 16 bits each.
/// Broder, "On the resemblance and containment of documents" (1997); Li, Owen and Zhang, "One
/// permutation hashing" (2012). Empty bins hold 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sketch(pub [u16; WIDTH]);

impl Sketch {
    pub const BYTES: usize = WIDTH * 2;

    /// `stems`: term hashes in reading order.
    pub fn of(stems: &[u32]) -> Self {
        let mut least = [u64::MAX; WIDTH];
        for gram in stems.windows(4) {
            let mut bytes = [0; 16];
            for (to, stem) in bytes.chunks_exact_mut(4).zip(gram) {
                to.copy_from_slice(&stem.to_le_bytes());
            }
            let gram = hash(4, &bytes);
            let bin = &mut least[(gram % WIDTH as u64) as usize];
            *bin = (*bin).min(mix(gram));
        }
        Self(least.map(|hash| match hash {
            u64::MAX => 0,
            _ => (hash as u16).max(1),
        }))
    }

    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut sketch = Self([0; WIDTH]);
        for (to, pair) in sketch.0.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *to = u16::from_le_bytes(*pair);
        }
        sketch
    }

    /// Whether the two texts are one with small changes. Estimates the Jaccard overlap over the bins
    /// that either fills; texts of fewer than eight 4-grams are never called copies.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        // As wide as what is counted and without a branch, so that the processor compares several at a time.
        let (mut filled, mut same) = (0u16, 0u16);
        for (a, b) in self.0.iter().zip(&other.0) {
            filled += u16::from(a | b != 0);
            same += u16::from((*a != 0) & (a == b));
        }
        filled >= 8 && f32::from(same) >= COPY * f32::from(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(range: std::ops::Range<u32>) -> Vec<u32> {
        range.map(|i| mix(u64::from(i)) as u32).collect()
    }

    #[test]
    fn a_text_with_a_line_added_is_a_copy() {
        let text = words(0..300);
        let mut longer = words(1000..1020);
        longer.extend(&text);
        assert!(Sketch::of(&text).is_copy_of(&Sketch::of(&text)));
        assert!(Sketch::of(&text).is_copy_of(&Sketch::of(&longer)));
    }

    #[test]
    fn two_texts_with_a_common_third_are_not() {
        let (mut a, mut b) = (words(0..100), words(0..100));
        a.extend(words(1000..1200));
        b.extend(words(2000..2200));
        assert!(!Sketch::of(&a).is_copy_of(&Sketch::of(&b)));
    }

    #[test]
    fn texts_too_short_to_tell_are_not() {
        assert!(!Sketch::of(&words(0..5)).is_copy_of(&Sketch::of(&words(0..5))));
        assert!(!Sketch::of(&[]).is_copy_of(&Sketch::of(&[])));
    }
}
