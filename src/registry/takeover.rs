//! Sessions that outlive their server: left to whoever keeps them, taken up by the next, or, when nothing kept them,
//! listed as lost.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio_util::sync::CancellationToken;

use super::{Place, Registry};
use crate::session::{End, Exit, Kept, LastShown, Lost, Record, Session, SessionId};
use crate::store::{SessionRow, StoreError};
use crate::terminal::{Offset, Size};

impl Registry {
    /// Has every session's task end where it stands, and waits for that. Nothing ends for the programs. No session is
    /// listed or can be opened any more, unless they are taken up again.
    pub async fn leave(&self) {
        let shared = &self.shared;
        // Every session hears it, those that are closed already and those that are still being opened, too.
        self.leaving().cancel();
        // At once: what does not end in time finds nothing here to change when they are taken up again.
        shared.places.fetch_sub(shared.sessions.clear(), Ordering::AcqRel);
        shared.exited.lock().clear();
        shared.tasks.close();
        shared.tasks.wait().await;
        shared.archive.leave().await;
    }

    /// Takes up sessions that another server, or this one, left or was killed in. Returns those that cannot be: their
    /// memory cannot be used, which is told of in the log, and they are left where they are.
    pub async fn adopt(&self, kept: Vec<Kept>) -> HashSet<SessionId> {
        if self.leaving().is_cancelled() {
            *self.shared.leaving.lock() = CancellationToken::new();
            self.shared.tasks.reopen();
            self.shared.archive.resume();
            self.begin_reaping();
        }
        let mut left = HashSet::new();
        for kept in kept {
            let id = kept.session;
            let taken_up = match Session::adopt(kept, &self.settings(), Arc::clone(&self.shared.spawner)) {
                Ok(opened) => {
                    let admitted = self.admit(opened, self.place_for_what_is_there(), None).await;
                    admitted.map(drop).map_err(|error| error.to_string())
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(reason) = taken_up {
                tracing::error!(session = %id, reason, "a session cannot be taken up");
                left.insert(id);
            }
        }
        left
    }

    /// Lists the sessions that the store knows and nobody kept, as ended; those in `left` are kept. To be called when all
    /// that can be are taken up. Returns how many.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list_lost(&self, left: &HashSet<SessionId>) -> Result<usize, StoreError> {
        let mut count = 0;
        let mut after = None;
        loop {
            let rows = self.shared.archive.sessions(after).await?;
            let Some(last) = rows.last() else { return Ok(count) };
            after = Some(last.id);
            for row in rows.into_iter().filter(|row| !left.contains(&SessionId::from_uuid(row.id))) {
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
        match Session::restore(record, shown, &self.settings(), Arc::clone(&self.shared.spawner)) {
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
        Place { shared: Arc::clone(&self.shared), _opening: self.shared.tasks.token() }
    }
}
