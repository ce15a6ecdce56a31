//! What is kept of a session, as the store sees it: its record is text that only the core reads.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::StoreError;

/// Most bytes of a screen that is kept: a full one of 1,000 by 500 cells in many colours. Whoever has a larger one asks
/// for fewer lines above it.
pub const SCREEN_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most bytes of a record: the largest command there may be, every byte of it escaped.
pub const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most sessions read at once, with their screens: a few megabytes of ordinary ones, 256 MiB at worst.
pub const SESSIONS_AT_ONCE: u32 = 64;

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id.
    pub id: Uuid,
    /// Its account.
    pub owner: Uuid,
    /// What the machine calls the time between two of its starts: the one it ran in.
    pub boot: String,
    /// What the core wrote down, as JSON.
    pub record: String,
    /// What was last seen of it, if anything was kept.
    pub screen: Option<LastScreen>,
    /// When any of this was last written.
    pub updated: Timestamp,
}

/// What a session showed when it was last looked at.
#[derive(Clone, PartialEq, Eq)]
pub struct LastScreen {
    /// The output before this is what it shows.
    pub offset: u64,
    /// Its columns.
    pub cols: u16,
    /// Its rows.
    pub rows: u16,
    /// What to feed to a blank terminal of that size.
    pub bytes: Vec<u8>,
}

impl SessionRow {
    /// # Errors
    /// When it is larger than what is kept.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.record.len() > RECORD_BYTES_MAX {
            return Err(StoreError::TooLarge { what: "record", max: RECORD_BYTES_MAX });
        }
        self.screen.as_ref().map_or(Ok(()), LastScreen::check)
    }
}

impl LastScreen {
    /// # Errors
    /// When it is larger than what is kept.
    pub(super) const fn check(&self) -> Result<(), StoreError> {
        if self.bytes.len() > SCREEN_BYTES_MAX {
            return Err(StoreError::TooLarge { what: "screen", max: SCREEN_BYTES_MAX });
        }
        Ok(())
    }
}

/// Without the bytes: they are what a terminal showed.
impl std::fmt::Debug for LastScreen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { offset, cols, rows, bytes } = self;
        write!(formatter, "{} bytes of {cols}x{rows} at {offset}", bytes.len())
    }
}

/// Sessions, for when their terminals are gone.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Writes a session down, over what was written of it before; a screen that is none leaves the one that is kept.
    async fn keep_session(&self, session: &SessionRow) -> Result<(), StoreError>;
    /// Writes a session's screen down, if the session is.
    async fn keep_screen(&self, session: Uuid, screen: &LastScreen, now: Timestamp) -> Result<(), StoreError>;
    /// The sessions that are written down, in the order of their ids, from the one after `after` on: at most
    /// [`SESSIONS_AT_ONCE`], and none only when there are no more.
    async fn sessions(&self, after: Option<Uuid>) -> Result<Vec<SessionRow>, StoreError>;
    /// Forgets these sessions in one step: what was written down of them, and who else may reach them.
    async fn forget_sessions(&self, sessions: &[Uuid], now: Timestamp) -> Result<(), StoreError>;
}
