//! The server's own files that the schedules look into, taken by path: they are nobody's interface. What they name
//! besides each other is the server's.
#![expect(dead_code, reason = "the rest of these files is used elsewhere in the server")]

pub(crate) use fantail::session::{ClientId, Principal, Record, ViewerId};

#[path = "../../../src/session/bell.rs"]
mod bell;
#[path = "../../../src/session/clients.rs"]
mod clients;
#[path = "../../../src/session/input.rs"]
mod input;
#[path = "../../../src/session/ledger/mod.rs"]
mod ledger;
#[path = "../../../src/session/line.rs"]
mod line;
#[path = "../../../src/session/schedules/mod.rs"]
pub(crate) mod schedules;
