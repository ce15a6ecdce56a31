//! Sessions that outlive their server: left to whoever keeps them, taken up by the next, or, when nothing kept them,
//! listed as lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Place, Registry};
use crate::session::{End, Exit, Kept, LastShown, Lost, Record, Session, SessionId};
use crate::store::{SessionRow, StoreError};
use crate::terminal::{Offset, Size};

impl Registry {
    /// Has every session's task end where it stands, and waits for that. Nothing ends for the programs; no session can be
    /// opened any more.
    pub async fn leave(&self) {
        self.shared.leaving.cancel();
        for session in self.list() {
            session.leave();
        }
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.archive.finish().await;
    }

    /// Takes up sessions that another server left or was killed in. Returns how many; one whose memory cannot be used is
    /// told of in the log and left where it is.
    pub async fn adopt(&self, kept: Vec<Kept>) -> usize {
        let mut count = 0;
        for kept in kept {
            let id = kept.session;
            match Session::adopt(kept, &self.shared.settings, Arc::clone(&self.shared.spawner)) {
                Ok(opened) => {
                    count += usize::from(self.admit(opened, self.place_for_what_is_there(), None).await.is_ok());
                }
                Err(error) => tracing::error!(session = %id, %error, "a session cannot be taken up"),
            }
        }
        count
    }

    /// Lists the sessions that the store knows and nobody kept, as ended. To be called when all that were kept are taken
    /// up.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list_lost(&self) -> Result<usize, StoreError> {
        let mut count = 0;
        let mut after = None;
        loop {
            let rows = self.shared.archive.sessions(after).await?;
            let Some(last) = rows.last() else { return Ok(count) };
            after = Some(last.id);
            for row in rows {
                count += usize::from(self.restore(row).await);
            }
        }
    }

    async fn restore(&self, row: SessionRow) -> bool {
        let id = SessionId::from_uuid(row.id);
        if self.find(id).is_some() {
            return false;
        }
        let written = match Record::from_json(&row.record) {
            Ok(record) => record,
            Err(error) => {
                tracing::error!(session = %id, %error, "a session that was written down cannot be listed");
                return false;
            }
        };
        let mut record = written.clone();
        record.ended.get_or_insert_with(|| {
            let is_same_boot = self.shared.archive.boot() == row.boot;
            let reason = if is_same_boot { Lost::HolderKilled } else { Lost::MachineRestarted };
            End { exit: Exit::Lost { reason }, at: row.updated }
        });
        let shown = row.screen.and_then(|screen| {
            let size = Size::new(screen.cols.into(), screen.rows.into()).ok()?;
            Some(LastShown { offset: Offset(screen.offset), size, bytes: screen.bytes })
        });
        match Session::restore(record, shown, &self.shared.settings, Arc::clone(&self.shared.spawner)) {
            Ok(opened) => self.admit(opened, self.place_for_what_is_there(), Some(written)).await.is_ok(),
            Err(error) => {
                tracing::error!(session = %id, %error, "a session that ended cannot be listed");
                false
            }
        }
    }

    /// Room for a session that is there already, whatever the limit.
    fn place_for_what_is_there(&self) -> Place {
        self.shared.places.fetch_add(1, Ordering::AcqRel);
        Place(Arc::clone(&self.shared))
    }
}
