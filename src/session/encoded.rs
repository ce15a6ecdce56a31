//! A launch as bytes, for the process that starts it. The form is frozen (docs/HOLDER.md): who encodes and who decodes
//! may be of different versions.
//!
//! ```text
//! u32 form (1) · strings: command · string: directory · strings: environment, each NAME=value
//! string = u32 length · bytes     strings = u32 count · string …     all numbers big-endian
//! ```

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::Launch;
use super::launch::{BYTES_MAX, WORDS_MAX};

/// The form written here, and the only one read.
const FORM: u32 = 1;
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
        number(&mut out, FORM as usize);
        strings(&mut out, self.command());
        string(&mut out, self.dir().as_os_str().as_bytes());
        strings(&mut out, self.environment());
        out
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
        if rest.number()? != FORM as usize {
            return Err(EncodedError::Form);
        }
        let command = rest.strings(WORDS_MAX)?;
        let dir = PathBuf::from(OsStr::from_bytes(rest.string()?));
        let environment = rest.strings(WORDS_MAX + ADDED_MAX)?;
        if !rest.0.is_empty() {
            return Err(EncodedError::Length);
        }
        let is_right = command.first().is_some_and(|program| !program.is_empty())
            && is_absolute(&dir)
            && environment
                .iter()
                .all(|pair| pair.as_bytes().iter().position(|&byte| byte == b'=').is_some_and(|at| at > 0));
        if is_right { Ok(Self::of(command, dir, environment)) } else { Err(EncodedError::Content) }
    }
}

fn is_absolute(dir: &Path) -> bool {
    dir.is_absolute() && !dir.as_os_str().as_bytes().contains(&0)
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

    fn number(&mut self) -> Result<usize, EncodedError> {
        let bytes = self.take(4)?.try_into().map_err(|_| EncodedError::Length)?;
        usize::try_from(u32::from_be_bytes(bytes)).map_err(|_| EncodedError::Length)
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
    }

    #[test]
    fn what_is_no_launch_is_refused() {
        let encoded = launch().encode();
        for cut in 0..encoded.len() {
            assert!(Launch::decode(&encoded[..cut]).is_err(), "cut at {cut}");
        }
        let of = |bytes: &[u8]| Launch::decode(bytes).unwrap_err();
        assert_eq!(of(&[encoded.as_slice(), b"x"].concat()), EncodedError::Length);
        assert_eq!(of(b"\0\0\0\x02"), EncodedError::Form);
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
