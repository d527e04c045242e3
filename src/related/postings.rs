//! Who has a term, in two to four bytes each: appended to, read through, and swept now and then.
//!
//! A posting is a slot and one of eight levels of impact. Slots are handed out in rising order and never again,
//! so lists only grow at their end; those of articles that are gone stay until a sweep.

/// A place in the engine's table of articles.
pub type Slot = u32;

/// Levels of impact: three bits.
pub(super) const LEVELS: usize = 8;
pub(super) const LEVEL_BITS: u32 = 3;

/// Slots in a chunk: with the level, a posting there takes 16 bits.
pub(super) const CHUNK: usize = 1 << (16 - LEVEL_BITS);

/// A short list stays as it is; a long one is chunked once a chunk has this many postings on average.
const LEAST_CHUNKED: usize = 64;
const LEAST_IN_CHUNK: usize = 8;

/// Swept when so many are gone, and more than a third of the list.
const LEAST_SWEPT: u32 = 16;

/// The postings of a term.
pub(super) enum Postings {
    /// Most terms occur in one article, or in few.
    One(u32),
    Few(Box<Few>),
    Many(Box<Many>),
}

/// What fits 32 bytes.
#[derive(Clone, Copy)]
pub(super) struct Few {
    length: u8,
    words: [u32; FEW],
}

const FEW: usize = 7;

impl Few {
    fn words(&self) -> &[u32] {
        self.words
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    fn retain(&mut self, keep: impl Fn(Slot) -> bool) {
        let mut kept = Self {
            length: 0,
            words: [0; FEW],
        };
        for word in self.words().iter().filter(|word| keep(unpacked(**word).0)) {
            kept.words[usize::from(kept.length)] = *word;
            kept.length += 1;
        }
        *self = kept;
    }
}

pub(super) struct Many {
    /// Articles that have the term now.
    live: u32,
    gone: u32,
    list: List,
}

enum List {
    /// Slot and level in one word.
    Words(Vec<u32>),
    Chunks {
        /// The chunk's first slot, and where its postings begin.
        starts: Vec<(Slot, u32)>,
        postings: Vec<u16>,
    },
}

impl Default for List {
    fn default() -> Self {
        Self::Words(Vec::new())
    }
}

fn packed(slot: Slot, level: u8) -> u32 {
    slot << LEVEL_BITS | u32::from(level)
}

fn unpacked(word: u32) -> (Slot, u8) {
    (word >> LEVEL_BITS, (word & (LEVELS as u32 - 1)) as u8)
}

impl Postings {
    pub fn of(slot: Slot, level: u8) -> Self {
        Self::One(packed(slot, level))
    }

    /// How many articles have the term.
    pub fn len(&self) -> u32 {
        match self {
            Self::One(_) => 1,
            Self::Few(few) => u32::from(few.length),
            Self::Many(many) => many.live,
        }
    }

    /// `slot` is above every slot in the list.
    pub fn push(&mut self, slot: Slot, level: u8) {
        let word = packed(slot, level);
        match self {
            Self::One(first) => {
                let mut words = [0; FEW];
                (words[0], words[1]) = (*first, word);
                *self = Self::Few(Box::new(Few { length: 2, words }));
            }
            Self::Few(few) => match few.words.get_mut(usize::from(few.length)) {
                Some(free) => {
                    *free = word;
                    few.length += 1;
                }
                None => {
                    let mut words = Vec::with_capacity(FEW + 3);
                    words.extend(few.words);
                    words.push(word);
                    *self = Self::Many(Box::new(Many {
                        live: words.len() as u32,
                        gone: 0,
                        list: List::Words(words),
                    }));
                }
            },
            Self::Many(many) => {
                many.live += 1;
                many.list.push(slot, level);
            }
        }
    }

    /// One that had the term is gone: `alive` no longer knows it. True when nothing is left.
    pub fn forget(&mut self, alive: impl Fn(Slot) -> bool) -> bool {
        match self {
            Self::One(_) => true,
            Self::Few(few) => {
                few.retain(alive);
                few.length == 0
            }
            Self::Many(many) => {
                many.live -= 1;
                many.gone += 1;
                if many.live > 0 && many.gone >= LEAST_SWEPT && many.gone > many.live / 2 {
                    many.sweep(alive);
                }
                many.live == 0
            }
        }
    }

    /// Every slot in the list with its level, those of articles that are gone too.
    pub fn for_each(&self, mut each: impl FnMut(Slot, u8)) {
        match self {
            Self::One(word) => {
                let (slot, level) = unpacked(*word);
                each(slot, level);
            }
            Self::Few(few) => each_word(few.words(), each),
            Self::Many(many) => many.list.for_each(each),
        }
    }

    /// Adds to each slot's score what its level is worth. There is room for whole chunks.
    pub fn score(&self, worth: &[i16; LEVELS], scores: &mut [i16]) {
        let mut add = |slot: Slot, level: u8| {
            if let Some(score) = scores.get_mut(slot as usize) {
                *score = score.saturating_add(worth[usize::from(level) % LEVELS]);
            }
        };
        match self {
            Self::One(word) => {
                let (slot, level) = unpacked(*word);
                add(slot, level);
            }
            Self::Few(few) => each_word(few.words(), add),
            Self::Many(many) => match &many.list {
                List::Words(words) => each_word(words, add),
                List::Chunks { .. } => many.list.each_chunk(|first, postings| {
                    let chunk = scores
                        .get_mut(first as usize..)
                        .and_then(<[i16]>::first_chunk_mut::<CHUNK>);
                    let Some(scores) = chunk else {
                        return;
                    };
                    for posting in postings {
                        let score = &mut scores[usize::from(posting >> LEVEL_BITS)];
                        *score = score.saturating_add(worth[usize::from(*posting) % LEVELS]);
                    }
                }),
            },
        }
    }

    /// Gives back most of the room that was kept for growth.
    pub fn shrink(&mut self) {
        if let Self::Many(many) = self {
            match &mut many.list {
                List::Words(words) => words.shrink_to(room_for(words.len())),
                List::Chunks { starts, postings } => {
                    starts.shrink_to_fit();
                    postings.shrink_to(room_for(postings.len()));
                }
            }
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Few(_) => size_of::<Few>(),
            Self::Many(many) => {
                size_of::<Many>()
                    + match &many.list {
                        List::Words(words) => words.capacity() * 4,
                        List::Chunks { starts, postings } => {
                            starts.capacity() * 8 + postings.capacity() * 2
                        }
                    }
            }
        }
    }
}

impl Many {
    fn sweep(&mut self, alive: impl Fn(Slot) -> bool) {
        let mut swept = List::default();
        self.list.for_each(|slot, level| {
            if alive(slot) {
                swept.push(slot, level);
            }
        });
        self.list = swept;
        self.gone = 0;
    }
}

impl List {
    fn push(&mut self, slot: Slot, level: u8) {
        match self {
            Self::Words(words) => {
                if words.len() == words.capacity() {
                    if is_dense(words) {
                        *self = Self::chunked(words);
                        return self.push(slot, level);
                    }
                    words.reserve_exact(2 + words.len() / 8);
                }
                words.push(packed(slot, level));
            }
            Self::Chunks { starts, postings } => {
                let first = slot / CHUNK as Slot * CHUNK as Slot;
                if starts.last().is_none_or(|(last, _)| *last != first) {
                    starts.push((first, postings.len() as u32));
                }
                if postings.len() == postings.capacity() {
                    postings.reserve_exact(8 + postings.len() / 8);
                }
                postings.push(((slot - first) << LEVEL_BITS) as u16 | u16::from(level));
            }
        }
    }

    fn chunked(words: &[u32]) -> Self {
        let mut list = Self::Chunks {
            starts: Vec::new(),
            postings: Vec::with_capacity(words.len() + words.len() / 8),
        };
        for word in words {
            let (slot, level) = unpacked(*word);
            list.push(slot, level);
        }
        list
    }

    fn for_each(&self, mut each: impl FnMut(Slot, u8)) {
        match self {
            Self::Words(words) => each_word(words, each),
            Self::Chunks { .. } => self.each_chunk(|first, postings| {
                for posting in postings {
                    let slot = first + Slot::from(posting >> LEVEL_BITS);
                    each(slot, (posting % LEVELS as u16) as u8);
                }
            }),
        }
    }

    fn each_chunk(&self, mut each: impl FnMut(Slot, &[u16])) {
        let Self::Chunks { starts, postings } = self else {
            return;
        };
        for (i, (first, start)) in starts.iter().enumerate() {
            let end = starts
                .get(i + 1)
                .map_or(postings.len(), |(_, end)| *end as usize);
            each(
                *first,
                postings.get(*start as usize..end).unwrap_or_default(),
            );
        }
    }
}

/// With a little for growth: to move a long list takes longer than an update may.
fn room_for(length: usize) -> usize {
    length + length / 32
}

fn each_word(words: &[u32], mut each: impl FnMut(Slot, u8)) {
    for word in words {
        let (slot, level) = unpacked(*word);
        each(slot, level);
    }
}

fn is_dense(words: &[u32]) -> bool {
    let chunk = |word: &u32| unpacked(*word).0 / CHUNK as Slot;
    let chunks = 1 + words
        .windows(2)
        .filter(|pair| chunk(&pair[0]) != chunk(&pair[1]))
        .count();
    words.len() >= LEAST_CHUNKED && words.len() >= chunks * LEAST_IN_CHUNK
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(slots: impl Iterator<Item = Slot>) -> Postings {
        let mut slots = slots.map(|slot| (slot, (slot % 8) as u8));
        let (slot, level) = slots.next().unwrap();
        let mut postings = Postings::of(slot, level);
        slots.for_each(|(slot, level)| postings.push(slot, level));
        postings
    }

    fn read(postings: &Postings) -> Vec<(Slot, u8)> {
        let mut all = Vec::new();
        postings.for_each(|slot, level| all.push((slot, level)));
        all
    }

    #[test]
    fn what_was_put_in_comes_out_in_order_thin_or_dense() {
        for step in [1, 7, 900, 20_000] {
            let slots = || (0..3_000).map(move |i| 5 + i * step);
            let expected: Vec<(Slot, u8)> = slots().map(|slot| (slot, (slot % 8) as u8)).collect();
            let postings = filled(slots());
            assert_eq!(read(&postings), expected, "{step}");
            assert_eq!(postings.len(), 3_000);
        }
    }

    #[test]
    fn scores_are_the_same_thin_or_dense() {
        let worth = [1, 2, 3, 4, 5, 6, 7, 8];
        for step in [1, 50, 9_000] {
            let postings = filled((0..200).map(|i| i * step));
            let mut scores = vec![10i16; (200 * step as usize).next_multiple_of(CHUNK)];
            postings.score(&worth, &mut scores);
            for (slot, level) in read(&postings) {
                assert_eq!(scores[slot as usize], 10 + worth[usize::from(level)]);
            }
        }
    }

    #[test]
    fn what_is_gone_is_swept_in_time() {
        let mut postings = filled(0..1_000);
        for gone in 0..999u32 {
            assert!(!postings.forget(|slot| slot > gone));
            assert_eq!(postings.len(), 999 - gone);
            assert!(read(&postings).len() as u32 <= (999 - gone) * 2 + LEAST_SWEPT);
        }
        assert!(postings.forget(|_| false));
    }
}
