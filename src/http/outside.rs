//! Time and randomness, handed in by `server`, so that tests can hand in their own.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::error::ApiError;
use crate::auth::{SECRET_BYTES, Secret};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Fills bytes with randomness nobody can predict, or says that it cannot.
pub type Random = Arc<dyn Fn(&mut [u8]) -> bool + Send + Sync>;

/// Time and randomness.
#[derive(Clone)]
pub struct Outside {
    clock: Clock,
    random: Random,
}

impl Outside {
    /// Takes both.
    #[must_use]
    pub const fn new(clock: Clock, random: Random) -> Self {
        Self { clock, random }
    }

    /// What tells the time.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Arc::clone(&self.clock)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Bytes nobody can predict.
    ///
    /// # Errors
    /// When the system has none: nothing secret must be made then.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], ApiError> {
        let mut bytes = [0; N];
        if (self.random)(&mut bytes) {
            return Ok(bytes);
        }
        tracing::error!("the system gives no randomness");
        Err(ApiError::Internal)
    }

    /// A secret nobody can guess.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn secret(&self) -> Result<Secret, ApiError> {
        self.bytes::<SECRET_BYTES>().map(Secret::new)
    }

    /// An id nobody can guess (version 4).
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn id(&self) -> Result<Uuid, ApiError> {
        self.bytes().map(|bytes| uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}
