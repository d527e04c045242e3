//! Where profiles lie: appended to one file and read in place, or in memory.
//!
//! The file is a log of frames. A frame begins with its length, a checksum that is chained to that of the
//! frame before, and its kind; a commit says up to which line of the change log the frames before it
//! reach. What stands after the last commit is not read, so a process may be killed at any
//! point. The file is not forced to the disk: a power cut may tear it, the checksums tell, and it is made anew.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use memmap2::{Advice, Mmap, MmapOptions};

use super::record::VERSION;

/// The file is mapped in pieces of this size, each for good, so that it can grow while it is read.
const EXTENT: usize = 64 << 20;
/// Memory is taken in pieces of at least this size.
const HEAP_EXTENT: usize = 1 << 20;

/// Length, checksum, kind and padding.
const FRAME: usize = 12;

const FILE: &str = "related.profiles";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What the file belongs to.
    Opening = 1,
    Profile = 2,
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
            Self::Profile,
            Self::Removal,
            Self::Commit,
            Self::Padding,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
    }
}

/// Where a profile lies: the extent in the upper half, the place in it in the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

impl Place {
    fn new(extent: usize, at: usize) -> Self {
        Self((extent as u64) << 32 | at as u64)
    }

    fn extent(self) -> usize {
        (self.0 >> 32) as usize
    }

    fn at(self) -> usize {
        self.0 as u32 as usize
    }
}

/// Profiles, each at its place until the archive is dropped.
pub(super) struct Archive {
    extents: Vec<Extent>,
    /// The next frame goes here, in the last extent.
    tail: usize,
    chain: u32,
    file: Option<File>,
}

enum Extent {
    Heap(Vec<u8>),
    Mapped(Mmap),
}

impl Extent {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

/// What a file held.
pub(super) struct Found {
    /// The present profile of each article.
    pub places: HashMap<i64, Place>,
    /// Up to which line of the change log they follow.
    pub position: i64,
}

impl Archive {
    pub fn in_memory() -> Self {
        Self {
            extents: Vec::new(),
            tail: 0,
            chain: 0,
            file: None,
        }
    }

    /// Opens the file in `dir`; one of another store or version, a torn or a missing one is begun anew.
    /// A file that is mostly past states is written anew without them.
    pub fn open(dir: &Path, store: &str) -> io::Result<(Self, Option<Found>)> {
        fs::create_dir_all(dir)?;
        let path = dir.join(FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        let mut archive = Self::over(file)?;
        match archive.read(store) {
            Some((found, live)) if archive.written() < 2 * live + EXTENT => {
                archive.forget_pages();
                Ok((archive, Some(found)))
            }
            Some((found, _)) => archive
                .compacted(&path, store, &found)
                .map(|(archive, found)| (archive, Some(found))),
            None => {
                archive.clear(store)?;
                Ok((archive, None))
            }
        }
    }

    fn over(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let mut archive = Self {
            extents: Vec::new(),
            tail: 0,
            chain: 0,
            file: Some(file),
        };
        for _ in 0..length.div_ceil(EXTENT as u64) {
            archive.extend()?;
        }
        Ok(archive)
    }

    /// Forgets everything.
    pub fn clear(&mut self, store: &str) -> io::Result<()> {
        self.extents.clear();
        (self.tail, self.chain) = (0, 0);
        if let Some(file) = &self.file {
            file.set_len(0)?;
        }
        self.append(Kind::Opening, &opening(store)).map(drop)
    }

    pub fn put(&mut self, profile: &[u8]) -> io::Result<Place> {
        self.append(Kind::Profile, profile)
    }

    pub fn remove(&mut self, num: i64) -> io::Result<()> {
        self.append(Kind::Removal, &num.to_le_bytes()).map(drop)
    }

    pub fn commit(&mut self, position: i64) -> io::Result<()> {
        self.append(Kind::Commit, &position.to_le_bytes()).map(drop)
    }

    pub fn get(&self, place: Place) -> Option<&[u8]> {
        let extent = self.extents.get(place.extent())?.bytes();
        let at = place.at();
        let length = u32_at(extent, at)? as usize;
        extent.get(at + FRAME..at + FRAME + length)
    }

    fn append(&mut self, kind: Kind, payload: &[u8]) -> io::Result<Place> {
        let size = FRAME + payload.len();
        if self.file.is_some() && size > EXTENT {
            let reason = format!("a profile of {} bytes is too large", payload.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        if self.extents.is_empty() || self.room() < size {
            self.next_extent(size)?;
        }
        let place = Place::new(self.extents.len() - 1, self.tail);
        self.write(kind, payload)?;
        Ok(place)
    }

    fn room(&self) -> usize {
        match self.extents.last() {
            Some(Extent::Heap(bytes)) => bytes.capacity() - bytes.len(),
            Some(Extent::Mapped(map)) => map.len() - self.tail,
            None => 0,
        }
    }

    fn next_extent(&mut self, size: usize) -> io::Result<()> {
        if self.file.is_some() {
            if !self.extents.is_empty() && self.room() >= FRAME {
                self.write(Kind::Padding, &[])?;
            }
            self.extend()?;
        } else {
            self.extents
                .push(Extent::Heap(Vec::with_capacity(size.max(HEAP_EXTENT))));
        }
        self.tail = 0;
        Ok(())
    }

    /// Adds a piece to the file, as a hole, and maps it. Writing goes through the file, so that a full
    /// disk is an error and not a signal.
    fn extend(&mut self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let offset = (self.extents.len() * EXTENT) as u64;
        if file.metadata()?.len() < offset + EXTENT as u64 {
            file.set_len(offset + EXTENT as u64)?;
        }
        self.extents.push(Extent::Mapped(map(file, offset)?));
        Ok(())
    }

    fn write(&mut self, kind: Kind, payload: &[u8]) -> io::Result<()> {
        let checksum = checksum(self.chain, kind, payload);
        let mut frame = Vec::with_capacity(FRAME + payload.len());
        frame.extend((payload.len() as u32).to_le_bytes());
        frame.extend(checksum.to_le_bytes());
        frame.extend([kind as u8, 0, 0, 0]);
        frame.extend(payload);
        let offset = ((self.extents.len() - 1) * EXTENT + self.tail) as u64;
        match (&mut self.file, self.extents.last_mut()) {
            (Some(file), _) => {
                file.seek(SeekFrom::Start(offset))?;
                file.write_all(&frame)?;
            }
            (None, Some(Extent::Heap(bytes))) => bytes.extend(&frame),
            _ => {}
        }
        self.chain = checksum;
        self.tail += frame.len();
        Ok(())
    }

    /// Reads the file to its last commit, and goes on from there. `None`: it is not this store's, or torn.
    /// With what was found come the bytes that are still needed.
    fn read(&mut self, store: &str) -> Option<(Found, usize)> {
        let mut frames = Frames::new(&self.extents);
        let (kind, _, payload) = frames.next()?;
        if kind != Kind::Opening || payload != opening(store) {
            return None;
        }
        let mut places = HashMap::new();
        let mut pending = Vec::new();
        let mut committed = None;
        while let Some((kind, place, payload)) = frames.next() {
            match kind {
                Kind::Profile => pending.push((i64_at(payload)?, Some(place))),
                Kind::Removal => pending.push((i64_at(payload)?, None)),
                Kind::Commit => {
                    for (num, place) in pending.drain(..) {
                        match place {
                            Some(place) => places.insert(num, place),
                            None => places.remove(&num),
                        };
                    }
                    committed = Some((i64_at(payload)?, frames.extent, frames.at, frames.chain));
                }
                Kind::Opening | Kind::Padding => {}
            }
        }
        let (position, extent, at, chain) = committed?;
        self.extents.truncate(extent + 1);
        (self.tail, self.chain) = (at, chain);
        let sizes = places.values().filter_map(|place| self.get(*place));
        let live = sizes.map(|bytes| bytes.len() + FRAME).sum();
        Some((Found { places, position }, live))
    }

    fn written(&self) -> usize {
        self.extents.len().saturating_sub(1) * EXTENT + self.tail
    }

    /// A copy with the present profiles only, put in the file's place when it is whole.
    fn compacted(&self, path: &Path, store: &str, found: &Found) -> io::Result<(Self, Found)> {
        let beside = beside(path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&beside)?;
        let mut copy = Self::over(file)?;
        copy.append(Kind::Opening, &opening(store))?;
        let mut in_order: Vec<(i64, Place)> = found
            .places
            .iter()
            .map(|(num, place)| (*num, *place))
            .collect();
        in_order.sort_unstable_by_key(|(_, place)| *place);
        let mut places = HashMap::with_capacity(in_order.len());
        for (num, place) in in_order {
            if let Some(profile) = self.get(place) {
                places.insert(num, copy.put(profile)?);
            }
        }
        copy.commit(found.position)?;
        fs::rename(&beside, path)?;
        let position = found.position;
        Ok((copy, Found { places, position }))
    }

    /// Pages that were read once, to load, need not stay in this process's memory.
    pub fn forget_pages(&mut self) {
        let Some(file) = &self.file else { return };
        for (i, extent) in self.extents.iter_mut().enumerate() {
            // Mapping a piece again drops its pages from this process; they stay in the system's cache.
            if let Ok(again) = map(file, (i * EXTENT) as u64) {
                *extent = Extent::Mapped(again);
            }
        }
    }
}

fn map(file: &File, offset: u64) -> io::Result<Mmap> {
    // SAFETY: the mapping is read only, the file is this process's alone (the folder is locked), and
    // bytes that a reader knows the place of are never written again.
    let map = unsafe { MmapOptions::new().offset(offset).len(EXTENT).map(file)? };
    // Candidates lie anywhere: reading ahead would bring pages that nobody asked for.
    if let Err(error) = map.advise(Advice::Random) {
        log::debug!("the system takes no advice about a mapping: {error}");
    }
    Ok(map)
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("new")
}

fn opening(store: &str) -> Vec<u8> {
    [
        b"kiosque related ",
        &VERSION.to_le_bytes()[..],
        store.as_bytes(),
    ]
    .concat()
}

/// Chained, so that a frame left over from a longer past does not count as the next one.
fn checksum(before: u32, kind: Kind, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(before);
    hasher.update(&[kind as u8]);
    hasher.update(&(payload.len() as u32).to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// Walks over the frames as long as their checksums are right.
struct Frames<'a> {
    extents: &'a [Extent],
    extent: usize,
    at: usize,
    chain: u32,
}

impl<'a> Frames<'a> {
    fn new(extents: &'a [Extent]) -> Self {
        Self {
            extents,
            extent: 0,
            at: 0,
            chain: 0,
        }
    }

    fn next(&mut self) -> Option<(Kind, Place, &'a [u8])> {
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

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn i64_at(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_le_bytes(bytes.get(..8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(num: i64, size: usize) -> Vec<u8> {
        let mut bytes = num.to_le_bytes().to_vec();
        bytes.resize(size, num as u8);
        bytes
    }

    fn reopened(dir: &Path) -> (Archive, Option<Found>) {
        Archive::open(dir, "store").unwrap()
    }

    #[test]
    fn what_was_committed_is_there_again_and_what_came_after_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (mut archive, found) = reopened(dir.path());
        assert!(found.is_none());
        for num in 0..50 {
            archive.put(&profile(num, 1_000)).unwrap();
        }
        archive.put(&profile(7, 30)).unwrap();
        archive.remove(8).unwrap();
        archive.commit(91).unwrap();
        archive.put(&profile(9, 20)).unwrap();
        archive.put(&profile(60, 20)).unwrap();
        drop(archive);

        let (mut archive, found) = reopened(dir.path());
        let found = found.unwrap();
        assert_eq!((found.position, found.places.len()), (91, 49));
        assert_eq!(archive.get(found.places[&7]), Some(&profile(7, 30)[..]));
        assert_eq!(archive.get(found.places[&9]), Some(&profile(9, 1_000)[..]));
        // It goes on where the commit stands, over what was not committed.
        archive.put(&profile(61, 20)).unwrap();
        archive.commit(92).unwrap();
        drop(archive);
        let (_, found) = reopened(dir.path());
        let found = found.unwrap();
        assert!(found.position == 92 && found.places.contains_key(&61));
        assert!(!found.places.contains_key(&60));
    }

    #[test]
    fn frames_are_never_cut_by_the_end_of_an_extent() {
        let dir = tempfile::tempdir().unwrap();
        let (mut archive, _) = reopened(dir.path());
        for num in 0..5 {
            archive.put(&profile(num, EXTENT / 2 - 100)).unwrap();
        }
        archive.commit(1).unwrap();
        assert!(archive.put(&profile(9, EXTENT)).is_err());
        drop(archive);
        let (archive, found) = reopened(dir.path());
        let found = found.unwrap();
        for num in 0..5 {
            assert_eq!(
                archive.get(found.places[&num]),
                Some(&profile(num, EXTENT / 2 - 100)[..])
            );
        }
    }

    #[test]
    fn another_store_and_a_torn_file_are_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let fill = || {
            let (mut archive, _) = reopened(dir.path());
            archive.put(&profile(1, 100)).unwrap();
            archive.commit(1).unwrap();
        };
        fill();
        assert!(Archive::open(dir.path(), "other").unwrap().1.is_none());
        assert!(reopened(dir.path()).1.is_none());
        fill();
        let path = dir.path().join(FILE);
        let mut bytes = fs::read(&path).unwrap();
        bytes[80] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(reopened(dir.path()).1.is_none());
        fs::write(&path, b"short").unwrap();
        assert!(reopened(dir.path()).1.is_none());
    }

    #[test]
    fn past_states_are_left_out_once_they_are_most_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let (mut archive, _) = reopened(dir.path());
        for round in 0..4 {
            for num in 0..30 {
                archive.put(&profile(num, EXTENT / 40 + round)).unwrap();
            }
        }
        archive.commit(5).unwrap();
        let before = archive.written();
        drop(archive);
        let (archive, found) = reopened(dir.path());
        let found = found.unwrap();
        assert!(archive.written() < before / 3);
        assert_eq!((found.position, found.places.len()), (5, 30));
        assert_eq!(
            archive.get(found.places[&3]),
            Some(&profile(3, EXTENT / 40 + 3)[..])
        );
        drop(archive);
        assert_eq!(reopened(dir.path()).1.unwrap().places.len(), 30);
    }
}
