//! The command line: one file per command, and what they share. Everything here may end the process's patience with
//! an error for people; nothing here is used by the server.

pub mod attach;
pub mod client;
pub mod close;
pub mod ls;
pub mod open;
pub mod place;
pub mod print;
pub mod session;
