//! The server as a black box, through its real sockets. One module a promise.

mod layers;
mod support;

mod abuse;
mod attach;
mod fan_out;
mod hygiene;
mod lifecycle;
mod reconnect;
mod sessions;
