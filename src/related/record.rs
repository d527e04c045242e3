//! A profile as bytes, read in place: what is compared stands in plain arrays, sorted by hash.

use super::duplicates::Sketch;
use super::weights::Code;
use super::{Pin, Window};

/// Raised whenever analysis, hashing or this layout changes: what was stored before is then made again
/// from the articles.
pub(super) const VERSION: u32 = 5;

/// Bytes of the fields of fixed size; little-endian, in the order in which `Writer` puts them.
const HEADER: usize = 78;

/// Borrowed view of a stored profile. All lengths have been checked when it was made.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    bytes: &'a [u8],
    counts: Counts,
}

#[derive(Clone, Copy)]
struct Counts {
    stems: u32,
    pairs: u32,
    tags: u16,
    pins: u16,
    bans: u16,
    marks: u16,
    title: u16,
    names: u16,
}

/// Terms sorted by hash, with how often each occurs.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    hashes: &'a [u8],
    codes: &'a [u8],
}

impl<'a> Terms<'a> {
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    pub fn iter(self) -> impl Iterator<Item = (u32, Code)> + 'a {
        words(self.hashes).zip(self.codes.iter().map(|code| Code(*code)))
    }

    /// Brings the terms near: a read of each line of the cache that waits for no other, where going
    /// through them one after the other would wait for each.
    pub fn fetch(&self) {
        const LINE: usize = 64;
        let sum = |bytes: &[u8]| bytes.iter().step_by(LINE).fold(0u8, |sum, byte| sum ^ byte);
        std::hint::black_box(sum(self.hashes) ^ sum(self.codes));
    }

    /// The bytes of so many hashes at a time, with their codes.
    pub fn blocks(self, size: usize) -> impl Iterator<Item = (&'a [[u8; 4]], &'a [u8])> {
        let (hashes, _) = self.hashes.as_chunks::<4>();
        hashes.chunks(size).zip(self.codes.chunks(size))
    }

    pub fn hashes(self) -> impl Iterator<Item = u32> + 'a {
        words(self.hashes)
    }

    pub fn hash(&self, at: usize) -> u32 {
        let bytes = self.hashes.get(at * 4..at * 4 + 4);
        bytes.map_or(0, |bytes| u32_of(bytes, 0))
    }

    /// Those whose hash is in `from..=until`.
    pub fn between(self, from: u32, until: u32) -> Self {
        let start = self.position(|hash| hash < from);
        let end = self.position(|hash| hash <= until).max(start);
        Self {
            hashes: &self.hashes[start * 4..end * 4],
            codes: &self.codes[start..end],
        }
    }

    /// How many terms, from the first, are `before` the place looked for.
    fn position(&self, before: impl Fn(u32) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            match before(self.hash(middle)) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }
}

impl<'a> Record<'a> {
    /// `None`: these are not the bytes of a profile.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() < HEADER {
            return None;
        }
        let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let counts = Counts {
            stems: u32_of(bytes, 48),
            pairs: u32_of(bytes, 52),
            tags: short(56),
            pins: short(58),
            bans: short(60),
            marks: short(62),
            title: short(64),
            names: short(66),
        };
        let record = Self { bytes, counts };
        (record.names_at() <= bytes.len()).then_some(record)
    }

    pub fn num(&self) -> i64 {
        i64_of(self.bytes, 0)
    }

    /// Unix seconds.
    pub fn published_at(&self) -> i64 {
        i64_of(self.bytes, 8)
    }

    pub fn visible(&self) -> Window {
        Window {
            from: i64_of(self.bytes, 16),
            until: i64_of(self.bytes, 24),
        }
    }

    /// Hash of the translation group; 0: none.
    pub fn group(&self) -> u64 {
        i64_of(self.bytes, 32) as u64
    }

    /// Hash of the primary language subtag.
    pub fn language(&self) -> u32 {
        u32_of(self.bytes, 40)
    }

    /// Its length in words, headline and body alike.
    pub fn words(&self) -> u32 {
        u32_of(self.bytes, 44)
    }

    pub fn sensitive(&self) -> bool {
        self.bytes[68] != 0
    }

    /// Whether partners never get it.
    pub fn withheld(&self) -> bool {
        self.bytes[69] != 0
    }

    /// Hash of the source's name; 0: none.
    pub fn source(&self) -> u32 {
        u32_of(self.bytes, 70)
    }

    /// Hash of the whole language tag.
    pub fn exact_language(&self) -> u32 {
        u32_of(self.bytes, 74)
    }

    pub fn tags(&self) -> impl Iterator<Item = i64> + Clone + use<'a> {
        nums(self.part(self.tags_at(), usize::from(self.counts.tags) * 8))
    }

    pub fn pins(&self) -> impl Iterator<Item = Pin> + use<'a> {
        let pins = self.part(self.pins_at(), usize::from(self.counts.pins) * 16);
        pins.chunks_exact(16).map(|pin| Pin {
            num: i64_of(pin, 0),
            by: i64_of(pin, 8),
        })
    }

    pub fn bans(&self) -> impl Iterator<Item = i64> + use<'a> {
        nums(self.part(self.bans_at(), usize::from(self.counts.bans) * 8))
    }

    pub fn sketch(&self) -> Sketch {
        Sketch::from_bytes(self.part(self.sketch_at(), Sketch::BYTES))
    }

    /// Stems of the headline in reading order.
    pub fn title(&self) -> impl Iterator<Item = u32> + use<'a> {
        words(self.part(self.title_at(), usize::from(self.counts.title) * 4))
    }

    /// Names and numbers, which do not depend on the language.
    pub fn marks(&self) -> Terms<'a> {
        self.terms(self.marks_at(), usize::from(self.counts.marks))
    }

    pub fn stems(&self) -> Terms<'a> {
        self.terms(self.stems_at(), self.counts.stems as usize)
    }

    /// Adjacent stems of one field.
    pub fn pairs(&self) -> Terms<'a> {
        self.terms(self.pairs_at(), self.counts.pairs as usize)
    }

    /// Which two of the stems a pair is made of.
    pub fn halves(&self, pair: usize) -> Option<(usize, usize)> {
        let at = self.parts_at() + pair * 4;
        let part = self.bytes.get(at..at + 4)?;
        (pair < self.counts.pairs as usize).then(|| sides(part))
    }

    /// By pair, which two of the stems it is made of.
    pub fn parts(&self) -> impl Iterator<Item = (usize, usize)> + use<'a> {
        let parts = self.part(self.parts_at(), self.counts.pairs as usize * 4);
        parts.chunks_exact(4).map(sides)
    }

    /// Terms as a reader met them, those that count most, by rising hash.
    pub fn names(&self) -> impl Iterator<Item = (u32, &'a str)> + use<'a> {
        let mut rest = self.bytes.get(self.names_at()..).unwrap_or_default();
        (0..self.counts.names).map_while(move |_| {
            let (head, after) = rest.split_at_checked(5)?;
            let (name, after) = after.split_at_checked(usize::from(head[4]))?;
            rest = after;
            Some((u32_of(head, 0), std::str::from_utf8(name).ok()?))
        })
    }

    /// Tells it from what it was before an edit.
    pub fn stamp(&self) -> u32 {
        crc32fast::hash(self.bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.counts.stems == 0 && self.counts.tags == 0
    }

    fn terms(&self, at: usize, count: usize) -> Terms<'a> {
        Terms {
            hashes: self.part(at, count * 4),
            codes: self.part(at + count * 4, count),
        }
    }

    fn part(&self, at: usize, length: usize) -> &'a [u8] {
        self.bytes.get(at..at + length).unwrap_or_default()
    }

    // Where each part begins; each is told from the one before.

    fn tags_at(&self) -> usize {
        HEADER
    }

    fn pins_at(&self) -> usize {
        self.tags_at() + usize::from(self.counts.tags) * 8
    }

    fn bans_at(&self) -> usize {
        self.pins_at() + usize::from(self.counts.pins) * 16
    }

    fn sketch_at(&self) -> usize {
        self.bans_at() + usize::from(self.counts.bans) * 8
    }

    fn title_at(&self) -> usize {
        self.sketch_at() + Sketch::BYTES
    }

    fn marks_at(&self) -> usize {
        self.title_at() + usize::from(self.counts.title) * 4
    }

    fn stems_at(&self) -> usize {
        self.marks_at() + usize::from(self.counts.marks) * 5
    }

    fn pairs_at(&self) -> usize {
        self.stems_at() + self.counts.stems as usize * 5
    }

    fn parts_at(&self) -> usize {
        self.pairs_at() + self.counts.pairs as usize * 5
    }

    fn names_at(&self) -> usize {
        self.parts_at() + self.counts.pairs as usize * 4
    }
}

/// A term to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub hash: u32,
    pub code: Code,
}

/// Everything a record holds, in no particular form.
pub(super) struct Writer<'a> {
    pub num: i64,
    pub published_at: i64,
    pub visible: Window,
    pub group: u64,
    pub language: u32,
    pub words: u32,
    pub sensitive: bool,
    pub withheld: bool,
    pub source: u32,
    pub exact_language: u32,
    pub tags: &'a [i64],
    pub pins: &'a [Pin],
    pub bans: &'a [i64],
    pub sketch: &'a Sketch,
    pub title: &'a [u32],
    /// Each of the three sorted by hash.
    pub marks: &'a [Term],
    pub stems: &'a [Term],
    pub pairs: &'a [Term],
    pub parts: &'a [(u16, u16)],
    /// Sorted by hash; of 255 bytes at most.
    pub names: &'a [(u32, &'a str)],
}

impl Writer<'_> {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(
            HEADER + 256 + self.stems.len() * 5 + self.pairs.len() * 9 + self.names.len() * 16,
        );
        self.header(&mut out);
        let most = usize::from(u16::MAX);
        let nums = |out: &mut Vec<u8>, nums: &[i64]| {
            let kept = nums.iter().take(most);
            kept.for_each(|num| out.extend(num.to_le_bytes()));
        };
        nums(&mut out, self.tags);
        for pin in self.pins.iter().take(most) {
            out.extend(pin.num.to_le_bytes());
            out.extend(pin.by.to_le_bytes());
        }
        nums(&mut out, self.bans);
        out.extend(self.sketch.0.iter().flat_map(|hash| hash.to_le_bytes()));
        out.extend(self.title.iter().flat_map(|hash| hash.to_le_bytes()));
        for terms in [self.marks, self.stems, self.pairs] {
            out.extend(terms.iter().flat_map(|term| term.hash.to_le_bytes()));
            out.extend(terms.iter().map(|term| term.code.0));
        }
        for (left, right) in self.parts {
            out.extend(left.to_le_bytes());
            out.extend(right.to_le_bytes());
        }
        for (hash, name) in self.names {
            out.extend(hash.to_le_bytes());
            out.push(name.len() as u8);
            out.extend(name.as_bytes());
        }
        out
    }

    fn header(&self, out: &mut Vec<u8>) {
        out.extend(self.num.to_le_bytes());
        out.extend(self.published_at.to_le_bytes());
        out.extend(self.visible.from.to_le_bytes());
        out.extend(self.visible.until.to_le_bytes());
        out.extend(self.group.to_le_bytes());
        out.extend(self.language.to_le_bytes());
        out.extend(self.words.to_le_bytes());
        out.extend((self.stems.len() as u32).to_le_bytes());
        out.extend((self.pairs.len() as u32).to_le_bytes());
        for count in [
            self.tags.len(),
            self.pins.len(),
            self.bans.len(),
            self.marks.len(),
            self.title.len(),
            self.names.len(),
        ] {
            out.extend((count.min(usize::from(u16::MAX)) as u16).to_le_bytes());
        }
        out.extend([u8::from(self.sensitive), u8::from(self.withheld)]);
        out.extend(self.source.to_le_bytes());
        out.extend(self.exact_language.to_le_bytes());
    }
}

/// The two places of a part.
fn sides(part: &[u8]) -> (usize, usize) {
    let side = |at| usize::from(u16::from_le_bytes([part[at], part[at + 1]]));
    (side(0), side(2))
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> + use<'_> {
    bytes.chunks_exact(4).map(|word| u32_of(word, 0))
}

fn nums(bytes: &[u8]) -> impl Iterator<Item = i64> + Clone + use<'_> {
    bytes.chunks_exact(8).map(|num| i64_of(num, 0))
}

fn u32_of(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes_at(bytes, at))
}

fn i64_of(bytes: &[u8], at: usize) -> i64 {
    i64::from_le_bytes(bytes_at(bytes, at))
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    found.copied().unwrap_or([0; N])
}
