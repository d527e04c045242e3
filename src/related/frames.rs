//! Frames: what the archive's file is made of, and how they are told from what is torn.

use memmap2::Mmap;

/// Length, checksum, kind and padding.
pub(super) const FRAME: usize = 12;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What the file belongs to.
    Opening = 1,
    /// What is kept of an article.
    Content = 2,
    /// The number of an article that is gone.
    Removal = 3,
    /// A position in the change log.
    Commit = 4,
    /// The next frame is in the next extent.
    Padding = 5,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [
            Self::Opening,
            Self::Content,
            Self::Removal,
            Self::Commit,
            Self::Padding,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
    }
}

/// Where something lies: the extent in the upper half, the place in it in the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

impl Place {
    /// No place is this number, nor a higher one.
    pub const NONE: u64 = u64::MAX - 1;

    pub fn new(extent: usize, at: usize) -> Self {
        Self((extent as u64) << 32 | at as u64)
    }

    pub fn extent(self) -> usize {
        (self.0 >> 32) as usize
    }

    pub fn at(self) -> usize {
        self.0 as u32 as usize
    }

    /// As a number, which is never that of [`Place::NONE`].
    pub fn bits(self) -> u64 {
        self.0
    }

    pub fn from_bits(bits: u64) -> Option<Self> {
        (bits < Self::NONE).then_some(Self(bits))
    }
}

/// A piece of the archive.
pub(super) enum Extent {
    Heap(Vec<u8>),
    Mapped(Mmap),
}

impl Extent {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

/// Chained, so that a frame left over from a longer past does not count as the next one.
pub(super) fn checksum(before: u32, kind: Kind, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(before);
    hasher.update(&[kind as u8]);
    hasher.update(&(payload.len() as u32).to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// Walks over the frames as long as their checksums are right.
pub(super) struct Frames<'a> {
    extents: &'a [Extent],
    pub extent: usize,
    pub at: usize,
    pub chain: u32,
}

impl<'a> Frames<'a> {
    pub fn new(extents: &'a [Extent]) -> Self {
        Self {
            extents,
            extent: 0,
            at: 0,
            chain: 0,
        }
    }

    pub fn next(&mut self) -> Option<(Kind, Place, &'a [u8])> {
        loop {
            let bytes = self.extents.get(self.extent)?.bytes();
            if bytes.len() - self.at < FRAME {
                (self.extent, self.at) = (self.extent + 1, 0);
                continue;
            }
            let length = u32_at(bytes, self.at)? as usize;
            let kind = Kind::of(*bytes.get(self.at + 8)?)?;
            let payload = bytes.get(self.at + FRAME..self.at + FRAME + length)?;
            let checksum = checksum(self.chain, kind, payload);
            if u32_at(bytes, self.at + 4)? != checksum {
                return None;
            }
            let place = Place::new(self.extent, self.at);
            self.chain = checksum;
            self.at += FRAME + length;
            if kind == Kind::Padding {
                (self.extent, self.at) = (self.extent + 1, 0);
                continue;
            }
            return Some((kind, place, payload));
        }
    }
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(super) fn i64_at(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_le_bytes(bytes.get(..8)?.try_into().ok()?))
}
