//! A session's memory: one sparse file without a name (memfd), which outlives this process in whoever keeps the
//! session, so that another server finds in it what this one wrote up to its last instruction.
//!
//! Owns where things lie in it, and that nothing is touched before there is a page for it: what the system cannot give
//! is an error of a call, never a SIGBUS. Knows nothing of what the things mean.
//!
//! ```text
//! 0        the log's words, then the session's words: mapped, read and written as atomics
//! 1 MiB    the session's record and checkpoints: read and written with pread and pwrite
//! 256 MiB  the log's segments in the order of their indices: mapped in blocks, given back behind the log's start
//! ```
//! A page nobody wrote is all zeroes and takes no memory.
//!
//! Only one process writes at a time: the one that holds the data directory's lock. A process that is killed loses
//! nothing it wrote: the pages belong to the file. So "right under `kill -9`" means: right at every instruction, in
//! program order.
#![expect(unsafe_code, reason = "shared memory seen as atomics; each view is one line with its reason")]

use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use memmap2::{MmapOptions, MmapRaw};
use parking_lot::Mutex;
use rustix::fs::{FallocateFlags, MemfdFlags, SeekFrom, fallocate, ftruncate, memfd_create, seek};
use rustix::io::Errno;

use super::segment::SEGMENT_BYTES;

/// What the first word holds: the file is a session's memory.
const MAGIC: u64 = u64::from_le_bytes(*b"fantail\0");
/// What the second word holds: where things lie, as this version of the program has it.
const LAYOUT: u64 = 1;
/// The file's size. Nothing lies there: it only is so large that nobody ever has to make it larger.
const FILE_BYTES: u64 = 1 << 50;
const PAGE_BYTES: u64 = 4096;
/// Words of the log. The first page.
const LOG_WORDS: usize = 512;
/// Words of the session: a page, and 2,048 clients of 64 bytes.
const SESSION_WORDS: usize = 512 + 2048 * 8;
const WORD_BYTES: usize = 8;
/// Where what is not mapped may lie.
const BLOBS: Range<u64> = 1 << 20..SEGMENTS_AT;
const SEGMENTS_AT: u64 = 256 << 20;
/// Segments mapped at once. A mapping for each would be more than the kernel gives a process (65,530) with a thousand
/// busy sessions.
const BLOCK_SEGMENTS: usize = 16;

/// A session's memory. Shared by its log, its ledger and every segment that is still read.
pub struct Memory {
    file: OwnedFd,
    words: MmapRaw,
    /// The block mapped last: nearly always the one that is wanted.
    latest: Mutex<(u64, Weak<Block>)>,
}

/// Segments mapped together.
pub(super) struct Block(MmapRaw);

/// Why a file cannot be taken up as a session's memory.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It is something else.
    #[error("not a session's memory")]
    NotOurs,
    /// Another version of the program wrote it.
    #[error("a session's memory of layout {0}, which this version cannot read (it reads {LAYOUT})")]
    Layout(u64),
    /// What is written in it makes no sense.
    #[error("a session's memory is damaged: {0}")]
    Damaged(&'static str),
    /// The system does not give what it takes.
    #[error("a session's memory cannot be used: {0}")]
    System(#[from] io::Error),
}

impl Memory {
    /// The memory of a new session.
    ///
    /// # Errors
    /// When the system has no descriptor or no memory left.
    pub fn create() -> io::Result<Arc<Self>> {
        let file = memfd_create("fantail-session", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, FILE_BYTES)?;
        let memory = Self::map(file)?;
        memory.allocate(0..2 * PAGE_BYTES)?;
        memory.log_words()[1].store(LAYOUT, Ordering::Relaxed);
        memory.log_words()[0].store(MAGIC, Ordering::Release);
        Ok(Arc::new(memory))
    }

    /// The memory of a session that another process wrote.
    ///
    /// # Errors
    /// When it is none, or of another layout.
    pub fn open(file: OwnedFd) -> Result<Arc<Self>, MemoryError> {
        let mut head = [0; 2 * WORD_BYTES];
        let read = rustix::io::pread(&file, &mut head[..], 0).map_err(io::Error::from)?;
        let (magic, layout) = head.split_at(WORD_BYTES);
        if read < head.len() || magic != MAGIC.to_ne_bytes() {
            return Err(MemoryError::NotOurs);
        }
        if layout != LAYOUT.to_ne_bytes() {
            let layout = layout.try_into().map(u64::from_ne_bytes);
            return Err(layout.map_or(MemoryError::NotOurs, MemoryError::Layout));
        }
        Ok(Arc::new(Self::map(file)?))
    }

    fn map(file: OwnedFd) -> io::Result<Self> {
        let words = MmapOptions::new().len((LOG_WORDS + SESSION_WORDS) * WORD_BYTES).map_raw(&file)?;
        Ok(Self { file, words, latest: Mutex::new((0, Weak::new())) })
    }

    /// The descriptor, for whoever is to keep it.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The words of the log: a page that is there.
    pub(super) fn log_words(&self) -> &[AtomicU64] {
        &self.all_words()[..LOG_WORDS]
    }

    /// The words of the session, of which the first page (512) is there and the rest is only behind
    /// [`Memory::prepare_words`].
    #[must_use]
    pub fn session_words(&self) -> &[AtomicU64] {
        &self.all_words()[LOG_WORDS..]
    }

    /// Makes sure that there are pages for these of the session's words.
    ///
    /// # Errors
    /// When the system has no memory left.
    pub fn prepare_words(&self, words: Range<usize>) -> io::Result<()> {
        let byte = |word: usize| ((LOG_WORDS + word) * WORD_BYTES) as u64;
        self.allocate(byte(words.start)..byte(words.end))
    }

    fn all_words(&self) -> &[AtomicU64] {
        let start = self.words.as_mut_ptr().cast::<AtomicU64>();
        // SAFETY: the mapping is page-aligned, as long as `self`, has this many words, and is only ever accessed as
        // atomics, by this process and by those that wrote it before.
        unsafe { std::slice::from_raw_parts(start, LOG_WORDS + SESSION_WORDS) }
    }

    /// Writes `bytes` at `at`, within what is not mapped.
    ///
    /// # Errors
    /// When the system has no memory left. A part may have been written then.
    pub fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        within_blobs(at, bytes.len())?;
        let mut written = 0;
        while written < bytes.len() {
            match rustix::io::pwrite(&self.file, &bytes[written..], at + written as u64) {
                Ok(more) => written += more,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The `len` bytes at `at`, within what is not mapped.
    ///
    /// # Errors
    /// As pread(2).
    pub fn read(&self, at: u64, len: usize) -> io::Result<Vec<u8>> {
        within_blobs(at, len)?;
        self.read_anywhere(at, len)
    }

    /// Gives the pages of `len` bytes at `at` back, within what is not mapped.
    ///
    /// # Errors
    /// As fallocate(2).
    pub fn discard(&self, at: u64, len: u64) -> io::Result<()> {
        within_blobs(at, usize::try_from(len).map_err(io::Error::other)?)?;
        self.punch(at, len)
    }

    /// What lies in a segment, as far as it has pages from its beginning on. Looking takes none.
    pub(super) fn read_segment(&self, index: u64) -> io::Result<Vec<u8>> {
        let start = segment_at(index);
        let hole = seek(&self.file, SeekFrom::Hole(start))?;
        let len = usize::try_from(hole.saturating_sub(start)).unwrap_or(SEGMENT_BYTES);
        self.read_anywhere(start, len.min(SEGMENT_BYTES))
    }

    /// The block that holds this segment, and where in it the segment begins.
    pub(super) fn block_of(&self, segment: u64) -> io::Result<(Arc<Block>, usize)> {
        let number = segment / BLOCK_SEGMENTS as u64;
        let first = number * BLOCK_SEGMENTS as u64;
        let at = usize::try_from(segment - first).map_err(io::Error::other)? * SEGMENT_BYTES;
        let mut latest = self.latest.lock();
        if latest.0 == number
            && let Some(block) = latest.1.upgrade()
        {
            return Ok((block, at));
        }
        let map =
            MmapOptions::new().offset(segment_at(first)).len(BLOCK_SEGMENTS * SEGMENT_BYTES).map_raw(&self.file)?;
        let block = Arc::new(Block(map));
        *latest = (number, Arc::downgrade(&block));
        Ok((block, at))
    }

    /// Makes sure that there are pages for these bytes of a segment.
    pub(super) fn allocate_in_segment(&self, index: u64, bytes: Range<usize>) -> io::Result<()> {
        let base = segment_at(index);
        self.allocate(base + bytes.start as u64..base + bytes.end as u64)
    }

    /// Gives the pages of these segments back.
    pub(super) fn discard_segments(&self, indices: Range<u64>) -> io::Result<()> {
        let (start, end) = (segment_at(indices.start), segment_at(indices.end));
        if start < end { self.punch(start, end - start) } else { Ok(()) }
    }

    fn read_anywhere(&self, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        let mut got = 0;
        while got < len {
            match rustix::io::pread(&self.file, &mut bytes[got..], at + got as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(more) => got += more,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(bytes)
    }

    fn allocate(&self, bytes: Range<u64>) -> io::Result<()> {
        Ok(fallocate(&self.file, FallocateFlags::empty(), bytes.start, bytes.end - bytes.start)?)
    }

    fn punch(&self, at: u64, len: u64) -> io::Result<()> {
        Ok(fallocate(&self.file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, at, len)?)
    }
}

impl Block {
    /// The first byte. The block's bytes may be accessed through it for as long as the block lives, where there are
    /// pages for them.
    pub(super) fn as_ptr(&self) -> *mut u8 {
        self.0.as_mut_ptr()
    }
}

const fn segment_at(index: u64) -> u64 {
    SEGMENTS_AT + index * SEGMENT_BYTES as u64
}

fn within_blobs(at: u64, len: usize) -> io::Result<()> {
    let end = at.saturating_add(len as u64);
    if at < BLOBS.start || end > BLOBS.end {
        return Err(io::Error::other("outside what a session's memory has for it"));
    }
    Ok(())
}

#[cfg(test)]
impl Memory {
    /// Copies the log that another process is writing, as it is between two of its instructions.
    pub(super) fn copy_log_of(&self, other: &Self) -> io::Result<()> {
        for (word, theirs) in self.log_words().iter().zip(other.log_words()) {
            word.store(theirs.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        let mut at = SEGMENTS_AT;
        while let Ok(data) = seek(&other.file, SeekFrom::Data(at)) {
            let end = seek(&other.file, SeekFrom::Hole(data))?;
            let bytes = other.read_anywhere(data, usize::try_from(end - data).map_err(io::Error::other)?)?;
            rustix::io::pwrite(&self.file, &bytes, data)?;
            at = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(memory: &Memory) -> u64 {
        let found = rustix::fs::fstat(&memory.file).expect("a file");
        u64::try_from(found.st_blocks).expect("a number") * 512 / PAGE_BYTES
    }

    #[test]
    fn what_was_written_is_found_through_another_descriptor_and_unused_room_takes_no_memory() {
        let memory = Memory::create().expect("memory");
        assert_eq!(pages(&memory), 2);
        memory.session_words()[7].store(42, Ordering::Relaxed);
        memory.write(BLOBS.start, b"record").expect("room");
        let other = Memory::open(memory.descriptor().try_clone_to_owned().expect("a copy")).expect("ours");
        assert_eq!(other.session_words()[7].load(Ordering::Relaxed), 42);
        assert_eq!(other.read(BLOBS.start, 6).expect("there"), b"record");
        assert_eq!(other.read_segment(3).expect("nothing yet"), Vec::<u8>::new());
        assert_eq!(pages(&memory), 3);
        other.discard(BLOBS.start, PAGE_BYTES).expect("given back");
        assert_eq!(pages(&memory), 2);
    }

    #[test]
    fn another_file_and_another_layout_are_refused_by_name() {
        let file = memfd_create("other", MemfdFlags::CLOEXEC).expect("a file");
        assert!(matches!(Memory::open(file), Err(MemoryError::NotOurs)));
        let memory = Memory::create().expect("memory");
        memory.log_words()[1].store(7, Ordering::Relaxed);
        let refused = Memory::open(memory.descriptor().try_clone_to_owned().expect("a copy"));
        assert!(matches!(refused, Err(MemoryError::Layout(7))));
    }

    #[test]
    fn nothing_is_written_outside_its_place() {
        let memory = Memory::create().expect("memory");
        assert!(memory.write(0, b"x").is_err());
        assert!(memory.write(SEGMENTS_AT - 1, b"xy").is_err());
        assert!(memory.read(u64::MAX, 2).is_err());
    }
}
