//! Where profiles lie, and rankings: appended to one file and read in place, or in memory.
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

use super::frames::{Extent, FRAME, Frames, Kind, Place, checksum, i64_at, u32_at};

/// The file is mapped in pieces of this size, each for good, so that it can grow while it is read.
const EXTENT: usize = 64 << 20;
/// Memory is taken in pieces of at least this size.
const HEAP_EXTENT: usize = 1 << 20;

/// What an archive's file is called, and what it begins with: one that begins with something else is another's.
pub(super) struct Label {
    pub file: &'static str,
    pub opening: Vec<u8>,
}

/// Profiles or rankings of articles, each at its place until the archive is dropped. Each begins with its article's
/// number.
pub(super) struct Archive {
    extents: Vec<Extent>,
    /// The next frame goes here, in the last extent.
    tail: usize,
    chain: u32,
    file: Option<File>,
    opening: Vec<u8>,
    /// How the file is read, told to the system with each piece that is mapped.
    advice: Advice,
}

/// What a file held.
pub(super) struct Found {
    /// The present one of each article.
    pub places: HashMap<i64, Place>,
    /// Up to which line of the change log they follow.
    pub position: i64,
    /// Of which articles something was put in or taken out after the line asked for.
    pub changed: Vec<i64>,
}

impl Archive {
    pub fn in_memory() -> Self {
        Self {
            extents: Vec::new(),
            tail: 0,
            chain: 0,
            file: None,
            opening: Vec::new(),
            advice: Advice::Random,
        }
    }

    /// Opens the file in `dir`; one with another opening, a torn or a missing one is begun anew, and so is one
    /// that is ahead of `last`, or any where there is no `last`. Tells what changed after the line `since`, if that is
    /// asked.
    /// A file that is mostly past states is written anew without them.
    ///
    /// The system takes it for a file that is read from its beginning to its end, until [`Archive::read_anywhere`].
    pub fn open(
        dir: &Path,
        label: Label,
        last: Option<i64>,
        since: Option<i64>,
    ) -> io::Result<(Self, Option<Found>)> {
        fs::create_dir_all(dir)?;
        let path = dir.join(label.file);
        // Left by a process that was killed while it made a copy.
        remove(&beside(&path))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        let mut archive = Self::over(file, label.opening)?;
        let found = archive.read(since);
        match found.filter(|(found, _)| last.is_some_and(|last| found.position <= last)) {
            Some((found, live)) if archive.written() < 2 * live + EXTENT => {
                Ok((archive, Some(found)))
            }
            Some((found, _)) => archive
                .compacted(&path, &found)
                .or_else(|error| {
                    log::warn!("{} stays as large as it is: {error}", path.display());
                    remove(&beside(&path))?;
                    Ok((archive, found))
                })
                .map(|(archive, found)| (archive, Some(found))),
            None => {
                archive.clear()?;
                Ok((archive, None))
            }
        }
    }

    fn over(file: File, opening: Vec<u8>) -> io::Result<Self> {
        file.try_lock()?;
        let length = file.metadata()?.len();
        let mut archive = Self {
            extents: Vec::new(),
            tail: 0,
            chain: 0,
            file: Some(file),
            opening,
            advice: Advice::Sequential,
        };
        for _ in 0..length.div_ceil(EXTENT as u64) {
            archive.extend()?;
        }
        Ok(archive)
    }

    /// Forgets everything.
    pub fn clear(&mut self) -> io::Result<()> {
        self.extents.clear();
        (self.tail, self.chain) = (0, 0);
        if let Some(file) = &self.file {
            file.set_len(0)?;
        }
        let opening = self.opening.clone();
        self.append(Kind::Opening, &opening).map(drop)
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<Place> {
        self.append(Kind::Content, bytes)
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

    /// The first byte at a place.
    pub fn head(&self, place: Place) -> Option<u8> {
        let extent = self.extents.get(place.extent())?.bytes();
        extent.get(place.at() + FRAME).copied()
    }

    fn append(&mut self, kind: Kind, payload: &[u8]) -> io::Result<Place> {
        let size = FRAME + payload.len();
        if self.file.is_some() && size > EXTENT {
            let reason = format!("{} bytes are too many for one article", payload.len());
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
            let before = (self.tail, self.chain);
            if !self.extents.is_empty() && self.room() >= FRAME {
                self.write(Kind::Padding, &[])?;
            }
            // Without a next extent the next frame still goes here.
            self.extend()
                .inspect_err(|_| (self.tail, self.chain) = before)?;
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
        self.extents
            .push(Extent::Mapped(map(file, offset, self.advice)?));
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

    /// Reads the file to its last commit, and goes on from there. `None`: it is another's, or torn.
    /// With what was found come the bytes that are still needed.
    fn read(&mut self, since: Option<i64>) -> Option<(Found, usize)> {
        let mut frames = Frames::new(&self.extents);
        let (kind, _, payload) = frames.next()?;
        if kind != Kind::Opening || payload != self.opening {
            return None;
        }
        let mut places = HashMap::new();
        let mut changed = Vec::new();
        let mut pending = Vec::new();
        let mut committed = None;
        // Told while the pages are here: to ask for all in the end would read the file here and there.
        let mut live = 0;
        let size = |place| self.get(place).map_or(0, |payload| payload.len() + FRAME);
        while let Some((kind, place, payload)) = frames.next() {
            match kind {
                Kind::Content => pending.push((i64_at(payload)?, Some(place))),
                Kind::Removal => pending.push((i64_at(payload)?, None)),
                Kind::Commit => {
                    let position = i64_at(payload)?;
                    let is_later = since.is_some_and(|since| position > since);
                    for (num, place) in pending.drain(..) {
                        if is_later {
                            changed.push(num);
                        }
                        let past = match place {
                            Some(place) => places.insert(num, place),
                            None => places.remove(&num),
                        };
                        live += place.map_or(0, size);
                        live -= past.map_or(0, size);
                    }
                    committed = Some((position, frames.extent, frames.at, frames.chain));
                }
                Kind::Opening | Kind::Padding => {}
            }
        }
        let (position, extent, at, chain) = committed?;
        self.extents.truncate(extent + 1);
        (self.tail, self.chain) = (at, chain);
        Some((
            Found {
                places,
                position,
                changed,
            },
            live,
        ))
    }

    pub fn written(&self) -> usize {
        self.extents.len().saturating_sub(1) * EXTENT + self.tail
    }

    /// A copy with the present ones only, put in the file's place when it is whole.
    fn compacted(&self, path: &Path, found: &Found) -> io::Result<(Self, Found)> {
        let beside = beside(path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&beside)?;
        let mut copy = Self::over(file, self.opening.clone())?;
        copy.append(Kind::Opening, &self.opening)?;
        let mut in_order: Vec<(i64, Place)> = found
            .places
            .iter()
            .map(|(num, place)| (*num, *place))
            .collect();
        in_order.sort_unstable_by_key(|(_, place)| *place);
        let mut places = HashMap::with_capacity(in_order.len());
        for (num, place) in in_order {
            if let Some(bytes) = self.get(place) {
                places.insert(num, copy.put(bytes)?);
            }
        }
        copy.commit(found.position)?;
        fs::rename(&beside, path)?;
        Ok((
            copy,
            Found {
                places,
                position: found.position,
                changed: found.changed.clone(),
            },
        ))
    }

    /// To be called when what is in the file has been loaded. Pages that were read for that need not stay in this
    /// process's memory, and from now on they are read here and there: with one, no others would be wanted.
    pub fn read_anywhere(&mut self) {
        self.advice = Advice::Random;
        let Some(file) = &self.file else { return };
        for (i, extent) in self.extents.iter_mut().enumerate() {
            // Mapping a piece again drops its pages from this process; they stay in the system's cache.
            if let Ok(again) = map(file, (i * EXTENT) as u64, self.advice) {
                *extent = Extent::Mapped(again);
            }
        }
    }
}

fn map(file: &File, offset: u64, advice: Advice) -> io::Result<Mmap> {
    // SAFETY: the mapping is read only, the file is this archive's alone as long as it is open (it is locked), and
    // bytes that a reader knows the place of are never written again.
    let mapped = unsafe { MmapOptions::new().offset(offset).len(EXTENT).map(file) }?;
    if let Err(error) = mapped.advise(advice) {
        log::debug!("the system takes no advice about a mapping: {error}");
    }
    Ok(mapped)
}

/// Also where there is none.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("new")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(num: i64, size: usize) -> Vec<u8> {
        let mut bytes = num.to_le_bytes().to_vec();
        bytes.resize(size, num as u8);
        bytes
    }

    fn labelled(store: &str) -> Label {
        Label {
            file: "file",
            opening: store.into(),
        }
    }

    fn reopened(dir: &Path) -> (Archive, Option<Found>) {
        Archive::open(dir, labelled("store"), Some(i64::MAX), Some(90)).unwrap()
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
        assert_eq!(found.changed.len(), 52, "all of it came after line 90");
        assert_eq!(archive.get(found.places[&7]), Some(&profile(7, 30)[..]));
        assert_eq!(archive.get(found.places[&9]), Some(&profile(9, 1_000)[..]));
        // It goes on where the commit stands, over what was not committed.
        archive.put(&profile(61, 20)).unwrap();
        archive.commit(92).unwrap();
        drop(archive);
        let (again, found) = reopened(dir.path());
        let found = found.unwrap();
        assert!(found.position == 92 && found.places.contains_key(&61));
        drop(again);
        let later = Archive::open(dir.path(), labelled("store"), Some(92), Some(91));
        assert_eq!(later.unwrap().1.unwrap().changed, [61]);
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
        let other = Archive::open(dir.path(), labelled("other"), Some(9), None).unwrap();
        assert!(other.1.is_none());
        drop(other);
        assert!(reopened(dir.path()).1.is_none());
        fill();
        let path = dir.path().join("file");
        let mut bytes = fs::read(&path).unwrap();
        bytes[60] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(reopened(dir.path()).1.is_none());
        fs::write(&path, b"short").unwrap();
        assert!(reopened(dir.path()).1.is_none());
    }

    #[test]
    fn a_file_that_is_ahead_or_not_wanted_is_begun_anew_and_one_in_use_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for (last, kept) in [(Some(7), true), (Some(6), false), (None, false)] {
            let (mut archive, _) = reopened(dir.path());
            archive.put(&profile(1, 100)).unwrap();
            archive.commit(7).unwrap();
            assert!(
                Archive::open(dir.path(), labelled("store"), last, None).is_err(),
                "it is in use"
            );
            drop(archive);
            let found = Archive::open(dir.path(), labelled("store"), last, None)
                .unwrap()
                .1;
            assert_eq!(found.is_some(), kept, "{last:?}");
        }
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
