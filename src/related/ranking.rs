//! A ranking as bytes: the nearest articles of one, and what tells whether they still are.

use super::{Hidden, Neighbour, Reason, Related};

/// Raised whenever ranking or this layout changes: what was kept before is then made again.
pub(super) const VERSION: u32 = 1;

/// Neighbours in a ranking that is kept: whoever asks for more has them computed.
pub const RANKED: usize = 12;

/// When a ranking was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    /// The engine had followed the change log up to this line.
    pub position: i64,
    /// Unix microseconds.
    pub at: i64,
}

/// What was found for an article.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ranking {
    pub num: i64,
    pub made: Made,
    /// The stamp of the article itself, and of each that its list names, in their order there.
    pub stamp: u32,
    pub stamps: Vec<u32>,
    pub related: Related,
}

impl Related {
    /// Every article that the list names, in its order.
    pub(super) fn named(&self) -> impl Iterator<Item = i64> {
        let neighbours = self.neighbours.iter();
        let all = neighbours.flat_map(|one| std::iter::once(&one.num).chain(&one.copies));
        all.chain(&self.copies).copied()
    }
}

impl Ranking {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1_024);
        out.extend(self.num.to_le_bytes());
        out.extend(self.made.position.to_le_bytes());
        out.extend(self.made.at.to_le_bytes());
        out.extend(self.stamp.to_le_bytes());
        out.push(match self.related.hidden {
            None => 0,
            Some(Hidden::Sensitive) => 1,
            Some(Hidden::Empty) => 2,
            Some(Hidden::BelowFloor) => 3,
        });
        write_nums(&mut out, &self.related.copies);
        write_count(&mut out, self.related.neighbours.len());
        for neighbour in &self.related.neighbours {
            write_number(&mut out, neighbour.num as u64);
            write_float(&mut out, neighbour.score);
            write_nums(&mut out, &neighbour.copies);
            write_count(&mut out, neighbour.reasons.len());
            for reason in &neighbour.reasons {
                write_reason(&mut out, reason);
            }
        }
        write_count(&mut out, self.stamps.len());
        for stamp in &self.stamps {
            out.extend(stamp.to_le_bytes());
        }
        out
    }

    /// `None`: these are not the bytes of a ranking.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let mut next = || Some(i64::from_le_bytes(bytes.take()?));
        let (num, position, at) = (next()?, next()?, next()?);
        let made = Made { position, at };
        let stamp = u32::from_le_bytes(bytes.take()?);
        let hidden = match bytes.take()? {
            [0] => None,
            [1] => Some(Hidden::Sensitive),
            [2] => Some(Hidden::Empty),
            [3] => Some(Hidden::BelowFloor),
            _ => return None,
        };
        let copies = bytes.nums()?;
        let neighbours = bytes.all(|bytes| {
            Some(Neighbour {
                num: bytes.number()? as i64,
                score: bytes.float()?,
                copies: bytes.nums()?,
                reasons: bytes.all(Bytes::reason)?,
            })
        })?;
        let stamps = bytes.all(|bytes| Some(u32::from_le_bytes(bytes.take()?)))?;
        Some(Self {
            num,
            made,
            stamp,
            stamps,
            related: Related {
                neighbours,
                hidden,
                copies,
            },
        })
    }
}

// Numbers are written in as few bytes as they take, seven bits in each, the lowest first (LEB128).

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn write_count(out: &mut Vec<u8>, count: usize) {
    write_number(out, count as u64);
}

fn write_nums(out: &mut Vec<u8>, nums: &[i64]) {
    write_count(out, nums.len());
    nums.iter().for_each(|num| write_number(out, *num as u64));
}

fn write_float(out: &mut Vec<u8>, float: f32) {
    out.extend(float.to_le_bytes());
}

fn write_reason(out: &mut Vec<u8>, reason: &Reason) {
    match reason {
        Reason::Pin => out.push(0),
        Reason::Tag { tag, .. } => {
            out.push(1);
            write_number(out, *tag as u64);
        }
        Reason::Term { term, .. } => {
            out.push(2);
            write_count(out, term.len());
            out.extend(term.as_bytes());
        }
        Reason::Wording { .. } => out.push(3),
    }
    if let Some(weight) = reason.weight() {
        write_float(out, weight);
    }
}

/// What is left to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn float(&mut self) -> Option<f32> {
        Some(f32::from_le_bytes(self.take()?))
    }

    /// As many as a count says.
    fn all<T>(&mut self, one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.number()?).map(|_| one(self)).collect()
    }

    fn nums(&mut self) -> Option<Vec<i64>> {
        self.all(|bytes| Some(bytes.number()? as i64))
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn reason(&mut self) -> Option<Reason> {
        Some(match self.take()? {
            [0] => Reason::Pin,
            [1] => Reason::Tag {
                tag: self.number()? as i64,
                weight: self.float()?,
            },
            [2] => Reason::Term {
                term: self.text()?.to_owned(),
                weight: self.float()?,
            },
            [3] => Reason::Wording {
                weight: self.float()?,
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking() -> Ranking {
        let reasons = vec![
            Reason::Tag {
                tag: 300,
                weight: 0.25,
            },
            Reason::Term {
                term: "coopération".to_owned(),
                weight: 0.125,
            },
            Reason::Wording { weight: 1e-5 },
        ];
        let neighbour = |num, copies: &[i64]| Neighbour {
            num,
            score: 0.7,
            reasons: reasons.clone(),
            copies: copies.to_vec(),
        };
        Ranking {
            num: 7,
            made: Made {
                position: i64::MAX,
                at: -1,
            },
            stamp: 1,
            stamps: vec![2, u32::MAX, 4, 5],
            related: Related {
                neighbours: vec![neighbour(127, &[]), neighbour(1 << 40, &[128])],
                hidden: None,
                copies: vec![i64::MAX],
            },
        }
    }

    #[test]
    fn what_was_written_is_read_again_and_nothing_that_was_cut() {
        let mut one = ranking();
        assert_eq!(
            one.related.named().collect::<Vec<_>>(),
            [127, 1 << 40, 128, i64::MAX]
        );
        for hidden in [None, Some(Hidden::Empty), Some(Hidden::BelowFloor)] {
            one.related.hidden = hidden;
            let bytes = one.to_bytes();
            assert_eq!(Ranking::parse(&bytes).as_ref(), Some(&one));
            for length in 0..bytes.len() {
                assert_eq!(Ranking::parse(&bytes[..length]), None, "{length}");
            }
        }
    }
}
