//! A launch as bytes, for the process that starts it. The form is frozen (docs/HOLDER.md): who encodes and who decodes
//! may be of different versions.
//!
//! ```text
//! u32 form (1 or 2) · strings: command · string: directory · strings: environment, each NAME=value
//! form 2, of a confined program, goes on:
//! string: account, or empty · u32 flags (1: no new privileges) · strings: roots · limits: u32 count · u32 which, u64 limit …
//! string = u32 length · bytes     strings = u32 count · string …     all numbers big-endian
//! ```

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, memfd_create};

use super::launch::BYTES_MAX;
use super::{Confinement, Launch, Limits};

/// The form of a launch that nothing confines, which every holder reads.
const PLAIN: u32 = 1;
/// The form of one that something confines. Who does not know all of it must refuse it, not pass over what it says.
const CONFINED: u32 = 2;
/// The flag that says no new privileges.
const NO_NEW_PRIVS: u32 = 1;
/// Most directories below which a program may begin.
pub(super) const ROOTS_MAX: usize = 64;
/// Most variables that the server adds to those a request may set: what sessions inherit, and its own.
const ADDED_MAX: usize = 1024;
/// Most bytes of an encoded launch: command and environment at their bounds, what the server adds to the environment at
/// the same bound, lengths, and a directory.
pub const ENCODED_MAX: usize = 4 * BYTES_MAX;

/// Bytes that are no launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodedError {
    /// Written by a version that is too new.
    #[error("a launch of a form that is not known here")]
    Form,
    /// Cut short, too long, or with something behind it.
    #[error("a launch of the wrong length")]
    Length,
    /// No program could be started with it.
    #[error("a launch that no program could be started with")]
    Content,
}

impl Launch {
    /// The launch as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let confinement = self.confinement();
        let form = if confinement.is_none() { PLAIN } else { CONFINED };
        out.extend(form.to_be_bytes());
        strings(&mut out, self.command());
        string(&mut out, self.dir().as_os_str().as_bytes());
        strings(&mut out, self.environment());
        if form == CONFINED {
            confine(&mut out, confinement);
        }
        out
    }

    /// The launch in a file without a name.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn written(&self) -> io::Result<OwnedFd> {
        let file = File::from(memfd_create("fantail-launch", MemfdFlags::CLOEXEC)?);
        file.write_all_at(&self.encode(), 0)?;
        Ok(file.into())
    }

    /// The launch that was encoded.
    ///
    /// # Errors
    /// When it was not, or lies beyond the bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, EncodedError> {
        if bytes.len() > ENCODED_MAX {
            return Err(EncodedError::Length);
        }
        let mut rest = Rest(bytes);
        let form = rest.u32()?;
        if form != PLAIN && form != CONFINED {
            return Err(EncodedError::Form);
        }
        let command = rest.strings(Self::WORDS_MAX)?;
        let dir = PathBuf::from(OsStr::from_bytes(rest.string()?));
        let environment = rest.strings(Self::WORDS_MAX + ADDED_MAX)?;
        let confinement = if form == CONFINED { rest.confinement()? } else { Confinement::default() };
        if !rest.0.is_empty() {
            return Err(EncodedError::Length);
        }
        let is_right = command.first().is_some_and(|program| !program.is_empty())
            && is_absolute(&dir)
            && environment
                .iter()
                .all(|pair| pair.as_bytes().iter().position(|&byte| byte == b'=').is_some_and(|at| at > 0));
        if is_right {
            Ok(Self::of(command, dir, environment).confined(confinement))
        } else {
            Err(EncodedError::Content)
        }
    }
}

fn is_absolute(dir: &Path) -> bool {
    dir.is_absolute() && !dir.as_os_str().as_bytes().contains(&0)
}

fn confine(out: &mut Vec<u8>, confinement: &Confinement) {
    let Confinement { user, mut limits, no_new_privs, roots } = confinement.clone();
    string(out, user.unwrap_or_default().as_bytes());
    out.extend((if no_new_privs { NO_NEW_PRIVS } else { 0 }).to_be_bytes());
    number(out, roots.len());
    roots.iter().for_each(|root| string(out, root.as_os_str().as_bytes()));
    let limits: Vec<_> = limits.numbered().into_iter().filter_map(|(which, limit)| Some((which, (*limit)?))).collect();
    number(out, limits.len());
    for (which, limit) in limits {
        out.extend(which.to_be_bytes());
        out.extend(limit.to_be_bytes());
    }
}

/// What is written fits: a launch is far below 4 GiB by construction.
fn number(out: &mut Vec<u8>, number: usize) {
    out.extend(u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
}

fn string(out: &mut Vec<u8>, string: &[u8]) {
    number(out, string.len());
    out.extend(string);
}

fn strings(out: &mut Vec<u8>, all: &[CString]) {
    number(out, all.len());
    for one in all {
        string(out, one.as_bytes());
    }
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], EncodedError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(EncodedError::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, EncodedError> {
        self.take(4)?.try_into().map(u32::from_be_bytes).map_err(|_| EncodedError::Length)
    }

    fn u64(&mut self) -> Result<u64, EncodedError> {
        self.take(8)?.try_into().map(u64::from_be_bytes).map_err(|_| EncodedError::Length)
    }

    fn number(&mut self) -> Result<usize, EncodedError> {
        usize::try_from(self.u32()?).map_err(|_| EncodedError::Length)
    }

    fn string(&mut self) -> Result<&'a [u8], EncodedError> {
        let len = self.number()?;
        self.take(len)
    }

    fn strings(&mut self, max: usize) -> Result<Vec<CString>, EncodedError> {
        let count = self.number()?;
        if count > max {
            return Err(EncodedError::Length);
        }
        (0..count).map(|_| CString::new(self.string()?).map_err(|_| EncodedError::Content)).collect()
    }

    /// What confines a program. A flag or a limit that is not known here must not be passed over.
    fn confinement(&mut self) -> Result<Confinement, EncodedError> {
        let user = std::str::from_utf8(self.string()?).map_err(|_| EncodedError::Content)?;
        let flags = self.u32()?;
        if flags & !NO_NEW_PRIVS != 0 {
            return Err(EncodedError::Form);
        }
        let roots = self.strings(ROOTS_MAX)?.into_iter();
        let roots: Vec<_> = roots.map(|root| PathBuf::from(OsStr::from_bytes(root.as_bytes()))).collect();
        let mut limits = Limits::default();
        for _ in 0..self.number()? {
            let (which, value) = (self.u32()?, self.u64()?);
            let known = limits.numbered().into_iter().find(|(number, _)| *number == which);
            *known.ok_or(EncodedError::Form)?.1 = Some(value);
        }
        if user.contains('\0') || !roots.iter().all(|root| is_absolute(root)) {
            return Err(EncodedError::Content);
        }
        let user = (!user.is_empty()).then(|| user.to_owned());
        Ok(Confinement { user, limits, no_new_privs: flags & NO_NEW_PRIVS != 0, roots })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn launch() -> Launch {
        Launch::new(&["sh".into(), "-c".into()], "/tmp".into(), &[("A".into(), "b".into())]).expect("valid")
    }

    #[test]
    fn the_form_is_frozen() {
        let golden = b"\0\0\0\x01\0\0\0\x02\0\0\0\x02sh\0\0\0\x02-c\0\0\0\x04/tmp\0\0\0\x01\0\0\0\x03A=b";
        assert_eq!(launch().encode(), golden);
        let limits = Limits { processes: Some(7), file_bytes: Some(258), ..Limits::default() };
        let confinement =
            Confinement { user: Some("ann".into()), limits, no_new_privs: true, roots: vec!["/srv".into()] };
        let behind = b"\0\0\0\x03ann\0\0\0\x01\0\0\0\x01\0\0\0\x04/srv\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0\x07\0\0\0\x04\0\0\0\0\0\0\x01\x02";
        let golden = [&b"\0\0\0\x02"[..], &golden[4..], behind].concat();
        let confined = launch().confined(confinement.clone());
        assert_eq!(confined.encode(), golden);
        assert_eq!(Launch::decode(&golden).expect("decoded").confinement(), &confinement);
    }

    #[test]
    fn what_confines_a_program_in_ways_not_known_here_is_refused_and_not_passed_over() {
        let plain = &launch().encode()[4..];
        let with = |confinement: &[u8]| Launch::decode(&[b"\0\0\0\x02", plain, confinement].concat()).map(drop);
        assert_eq!(with(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), Ok(()));
        assert_eq!(with(b"\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0"), Err(EncodedError::Form), "a flag");
        let limit = b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x63\0\0\0\0\0\0\0\x01";
        assert_eq!(with(limit), Err(EncodedError::Form), "a limit");
        assert_eq!(with(b"\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x01a\0\0\0\0"), Err(EncodedError::Content), "a root");
        assert_eq!(with(b""), Err(EncodedError::Length));
    }

    #[test]
    fn what_is_no_launch_is_refused() {
        let encoded = launch().encode();
        for cut in 0..encoded.len() {
            assert!(Launch::decode(&encoded[..cut]).is_err(), "cut at {cut}");
        }
        let of = |bytes: &[u8]| Launch::decode(bytes).unwrap_err();
        assert_eq!(of(&[encoded.as_slice(), b"x"].concat()), EncodedError::Length);
        assert_eq!(of(b"\0\0\0\x03"), EncodedError::Form);
        assert_eq!(of(b"\0\0\0\x01\xff\xff\xff\xff"), EncodedError::Length);
        assert_eq!(of(b"\0\0\0\x01\0\0\0\0\0\0\0\x01/\0\0\0\0"), EncodedError::Content, "no command");
        assert_eq!(of(b"\0\0\0\x01\0\0\0\x01\0\0\0\x01a\0\0\0\x01b\0\0\0\0"), EncodedError::Content, "a relative path");
        assert_eq!(of(b"\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\0\x01/\0\0\0\0"), EncodedError::Content, "a NUL");
        assert_eq!(of(b"\0\0\0\x01\0\0\0\x01\0\0\0\x01a\0\0\0\x01/\0\0\0\x01\0\0\0\x01A"), EncodedError::Content);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            command in prop::collection::vec("[^\0]{1,20}", 1..20),
            dir in "/[^\0]{0,20}",
            environment in prop::collection::vec(("[^\0=]{1,9}", "[^\0]{0,20}"), 0..20),
            added in "[^\0]{0,9}",
        ) {
            let environment: Vec<_> = environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
            let mut launch = Launch::new(&command, dir.into(), &environment).expect("valid");
            launch.add("FANTAIL_SESSION_ID", &added);
            let decoded = Launch::decode(&launch.encode()).expect("decoded");
            prop_assert_eq!(format!("{decoded:?}"), format!("{launch:?}"));
        }

        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Launch::decode(&bytes);
        }
    }
}
