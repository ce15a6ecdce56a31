//! Renderings of screens kept for the next who asks: a crowd that waits for one screen costs one rendering, and one
//! copy in memory.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;

use super::tag::Tag;

/// Most bytes kept. One rendering alone may be larger by a quarter (see `terminal::render`); it is not kept.
const KEPT_BYTES_MAX: usize = 12 * 1024 * 1024;
/// Most renderings kept: they are looked through one by one.
const KEPT_MAX: usize = 64;

/// The newest renderings, in the order they were made in.
#[derive(Default)]
pub(crate) struct Renderings(Mutex<VecDeque<(Tag, Bytes)>>);

impl Renderings {
    /// The rendering of this tag, if it is kept.
    pub(super) fn find(&self, tag: Tag) -> Option<Bytes> {
        self.0.lock().iter().find(|(kept, _)| *kept == tag).map(|(_, bytes)| bytes.clone())
    }

    /// Keeps a rendering, and none that shows what the same screen no longer shows.
    pub(super) fn keep(&self, tag: Tag, bytes: &Bytes) {
        let mut kept = self.0.lock();
        let shows_the_same = |old: Tag| Tag { part: tag.part, ..old } == tag;
        kept.retain(|(old, _)| old.session != tag.session || (shows_the_same(*old) && *old != tag));
        if bytes.len() <= KEPT_BYTES_MAX {
            kept.push_back((tag, bytes.clone()));
        }
        while kept.len() > KEPT_MAX || kept.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > KEPT_BYTES_MAX {
            kept.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::tag::Part;
    use super::*;
    use crate::session::SessionId;

    fn tag(session: u8, revision: u64, form: &'static str) -> Tag {
        Tag {
            session: SessionId::from_random([session; 16]),
            since: Timestamp::UNIX_EPOCH,
            revision,
            part: Part { form, scrollback: 0 },
        }
    }

    #[test]
    fn what_is_shown_is_kept_and_what_was_shown_is_not() {
        let kept = Renderings::default();
        kept.keep(tag(1, 1, "text"), &Bytes::from_static(b"a"));
        kept.keep(tag(1, 1, "html"), &Bytes::from_static(b"b"));
        kept.keep(tag(2, 9, "text"), &Bytes::from_static(b"c"));
        assert_eq!(kept.find(tag(1, 1, "text")).unwrap(), "a");
        assert_eq!(kept.find(tag(1, 1, "html")).unwrap(), "b");
        kept.keep(tag(1, 2, "text"), &Bytes::from_static(b"d"));
        assert_eq!(kept.find(tag(1, 1, "html")), None);
        assert_eq!(kept.find(tag(1, 2, "text")).unwrap(), "d");
        assert_eq!(kept.find(tag(2, 9, "text")).unwrap(), "c");
    }

    #[test]
    fn no_more_is_kept_than_fits() {
        let kept = Renderings::default();
        let half = Bytes::from(vec![b'x'; KEPT_BYTES_MAX / 2]);
        for session in 0..3 {
            kept.keep(tag(session, 1, "text"), &half);
        }
        assert_eq!([0, 1, 2].map(|session| kept.find(tag(session, 1, "text")).is_some()), [false, true, true]);
        kept.keep(tag(3, 1, "text"), &Bytes::from(vec![b'x'; KEPT_BYTES_MAX + 1]));
        assert!(kept.find(tag(3, 1, "text")).is_none());
        assert!(kept.find(tag(2, 1, "text")).is_some());
        for session in 4..=255 {
            kept.keep(tag(session, 1, "text"), &Bytes::from_static(b"x"));
        }
        assert_eq!(kept.0.lock().len(), KEPT_MAX);
    }
}
