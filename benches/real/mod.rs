//! What benchmarks share: CPU time and, where one runs, the server, a process of its own, and a viewer's socket.

pub(crate) mod cpu;
pub(crate) mod server;
pub(crate) mod socket;
