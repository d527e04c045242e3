//! Profiles as bytes, to be stored beside their articles: a version, then fields in fixed order.

use super::Window;
use super::duplicates::Sketch;
use super::profile::{Names, Profile, Term};

/// Raised whenever analysis, hashing or this layout changes: older bytes are then refused and the
/// profile is made again from the article.
const VERSION: u8 = 1;

impl Profile {
    /// About 3 kB for an article of 400 words.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION, u8::from(self.sensitive)];
        out.extend(self.num.to_le_bytes());
        out.extend(self.language.to_le_bytes());
        out.extend(self.words.to_le_bytes());
        out.extend(self.published_at.to_le_bytes());
        out.extend(self.visible.from.to_le_bytes());
        out.extend(self.visible.until.to_le_bytes());
        out.extend(self.group.to_le_bytes());
        out.extend(self.sketch.0.iter().flat_map(|hash| hash.to_le_bytes()));
        for nums in [&self.tags, &self.pins, &self.bans] {
            put(&mut out, nums.len() as u64);
            nums.iter().for_each(|num| out.extend(num.to_le_bytes()));
        }
        for terms in [&self.stems, &self.bigrams] {
            put(&mut out, terms.len() as u64);
            let mut before = 0;
            for term in terms.iter() {
                put(&mut out, u64::from(term.hash - before));
                put_counts(&mut out, term);
                before = term.hash;
            }
        }
        put(&mut out, self.names.len() as u64);
        for (hash, name) in &self.names {
            out.extend(hash.to_le_bytes());
            put(&mut out, name.len() as u64);
            out.extend(name.as_bytes());
        }
        out
    }

    /// `None`: another version, or not a profile; make it again from the article.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        if from.byte()? != VERSION {
            return None;
        }
        let sensitive = from.byte()? != 0;
        let num = from.i64()?;
        let language = from.u32()?;
        let words = from.u32()?;
        let published_at = from.i64()?;
        let visible = Window {
            from: from.i64()?,
            until: from.i64()?,
        };
        let group = from.i64()? as u64;
        let sketch = from.sketch()?;
        let profile = Self {
            num,
            language,
            words,
            published_at,
            visible,
            group,
            sensitive,
            sketch,
            tags: from.nums()?,
            pins: from.nums()?,
            bans: from.nums()?,
            stems: from.terms()?,
            bigrams: from.terms()?,
            names: from.names()?,
        };
        from.0.is_empty().then_some(profile)
    }
}

/// Counts are nearly always once, in the body: one byte, 0, for that; else a byte of which fields
/// have the term and their counts.
fn put_counts(out: &mut Vec<u8>, term: &Term) {
    if (term.title, term.lead, term.body) == (0, 0, 1) {
        return out.push(0);
    }
    let fields = [
        u64::from(term.title),
        u64::from(term.lead),
        u64::from(term.body),
    ];
    let present = (0..3).fold(0u8, |bits, i| bits | u8::from(fields[i] > 0) << i);
    out.push(present);
    fields
        .into_iter()
        .filter(|count| *count > 0)
        .for_each(|count| put(out, count));
}

/// LEB128: seven bits a byte, least first.
fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn i64(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A count of things of at least one byte each, so that bad bytes cannot ask for all memory.
    fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.varint()?).ok()?;
        (count <= self.0.len()).then_some(count)
    }

    fn sketch(&mut self) -> Option<Sketch> {
        let mut sketch = Sketch::of(&[]);
        let bytes = self.take(Sketch::BYTES)?;
        for (to, pair) in sketch.0.iter_mut().zip(bytes.chunks_exact(2)) {
            *to = u16::from_le_bytes(pair.try_into().ok()?);
        }
        Some(sketch)
    }

    fn nums(&mut self) -> Option<Box<[i64]>> {
        (0..self.count()?).map(|_| self.i64()).collect()
    }

    fn terms(&mut self) -> Option<Box<[Term]>> {
        let mut hash = 0u32;
        (0..self.count()?)
            .map(|_| {
                hash = hash.checked_add(u32::try_from(self.varint()?).ok()?)?;
                let present = self.byte()?;
                let mut field = |bit: u8| match present & bit {
                    0 => Some(0),
                    _ => self.varint(),
                };
                let (title, lead, body) = (field(1)?, field(2)?, field(4)?);
                Some(Term {
                    hash,
                    title: title.try_into().ok()?,
                    lead: lead.try_into().ok()?,
                    body: if present == 0 {
                        1
                    } else {
                        body.try_into().ok()?
                    },
                })
            })
            .collect()
    }

    fn names(&mut self) -> Option<Names> {
        (0..self.count()?)
            .map(|_| {
                let hash = self.u32()?;
                let length = self.count()?;
                let name = std::str::from_utf8(self.take(length)?).ok()?;
                Some((hash, name.into()))
            })
            .collect()
    }
}
