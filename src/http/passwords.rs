//! Password checks, each a fifth of a second of pure computation: few at once, a short queue, and the rest refused, so
//! that a storm of logins delays no terminal.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::error::ApiError;
use super::users::invalid;
use crate::auth::password::{self, SALT_BYTES};

/// Logins that may wait for their turn: at two at a time the last waits about seven seconds.
const QUEUE_MAX: usize = 64;

/// The bound on password checks.
pub(super) struct PasswordChecks {
    /// Places to be checked or to wait.
    places: Arc<Semaphore>,
    /// Turns to be checked.
    turns: Arc<Semaphore>,
}

impl PasswordChecks {
    /// Half of the machine's processors may check passwords; the other half serves terminals.
    pub(super) fn new(cores: usize) -> Self {
        let at_once = (cores / 2).max(1);
        Self { places: Arc::new(Semaphore::new(at_once + QUEUE_MAX)), turns: Arc::new(Semaphore::new(at_once)) }
    }

    /// Whether the password is the one kept.
    pub(super) async fn verify(&self, presented: String, kept: Option<String>) -> Result<bool, ApiError> {
        self.compute(move || password::verify(&presented, kept.as_deref())).await
    }

    /// What is kept of a new password, if it is one that is taken.
    pub(super) async fn hash(&self, new: String, salt: [u8; SALT_BYTES]) -> Result<String, ApiError> {
        let hashed = self.compute(move || password::hash(&new, salt)).await?;
        hashed.map_err(|rule| invalid("password", rule))
    }

    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| ApiError::TooManyLogins)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| ApiError::Internal)?;
        // Place and turn go with the computation: a client that hangs up does not end it.
        let computation = move || {
            let _held = (place, turn);
            work()
        };
        tokio::task::spawn_blocking(computation).await.map_err(|_| ApiError::Internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn when_the_queue_is_full_a_login_is_refused_at_once() {
        let checks = PasswordChecks::new(1);
        let everything = u32::try_from(QUEUE_MAX + 1).unwrap();
        let taken = Arc::clone(&checks.places).try_acquire_many_owned(everything).unwrap();
        assert_eq!(checks.verify("x".into(), None).await, Err(ApiError::TooManyLogins));
        drop(taken);
        assert_eq!(checks.verify("x".into(), None).await, Ok(false));
    }
}
