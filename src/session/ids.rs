//! Names of things: random where a guess must not find one, opaque where the core must not know more.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::{Builder, Uuid};

/// A session's name on the wire: a random UUID, so 122 bits that cannot be guessed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SessionId(Uuid);

/// A client's name within one session, kept by the client across its reconnects: a random UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ClientId(Uuid);

/// One attachment of one connection. Never reused within a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ViewerId(pub u64);

/// Whoever a credential speaks for, as the edge names them. The core only compares it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Principal(pub Uuid);

macro_rules! random_id {
    ($name:ident) => {
        impl $name {
            /// An id made of random bytes.
            #[must_use]
            pub fn from_random(bytes: [u8; 16]) -> Self {
                Self(Builder::from_random_bytes(bytes).into_uuid())
            }

            /// The id that this UUID is.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The id as a UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

random_id!(SessionId);
random_id!(ClientId);

/// Written down as a UUID's text.
macro_rules! written_as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Uuid::parse_str(&text).map(Self).map_err(D::Error::custom)
            }
        }
    )*};
}

written_as_text!(SessionId, Principal);
