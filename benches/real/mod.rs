//! What benchmarks of a running server share: the server, a process of its own, and a viewer's socket.

pub(crate) mod server;
pub(crate) mod socket;
