//! What becomes of the sessions when this server goes and they do not: left to their keeper, and taken up again.

use crate::registry::Registry;

/// Why sessions cannot be left.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeaveError {
    /// Nobody else keeps them.
    #[error("this server keeps its sessions itself, and {0} would be lost")]
    WouldBeLost(usize),
}

/// The sessions of this server, and who keeps them.
pub(super) struct Sessions {
    registry: Registry,
}

impl Sessions {
    pub(super) const fn new(registry: Registry) -> Self {
        Self { registry }
    }

    /// Whether they outlive this server.
    #[expect(clippy::unused_self, reason = "depends on who keeps them")]
    pub(super) const fn outlive_us(&self) -> bool {
        false
    }

    /// Whether another server could take them up.
    pub(super) fn could_be_left(&self) -> Result<(), LeaveError> {
        match self.registry.list().len() {
            0 => Ok(()),
            _ if self.outlive_us() => Ok(()),
            sessions => Err(LeaveError::WouldBeLost(sessions)),
        }
    }

    /// Lets go of them: nothing of them is read or written by this server from then on. Viewers have been told.
    #[expect(clippy::unused_async, reason = "their tasks are waited for")]
    pub(super) async fn leave(&self) -> Result<(), LeaveError> {
        self.could_be_left()
    }

    /// Takes up what is kept, as at a start or after [`Self::leave`].
    #[expect(clippy::unused_async, reason = "their records are read")]
    pub(super) async fn adopt(&self) -> Result<(), LeaveError> {
        tracing::debug!(sessions = self.registry.list().len(), "the sessions are this server's");
        Ok(())
    }
}
