//! The server as a black box, through its real sockets. One module a promise.
#![allow(unreachable_pub, reason = "one binary: nothing in it is reachable from outside")]
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a test fails, and tells its seed, like this")]
#![allow(clippy::type_complexity, reason = "tables of cases are typed where they stand")]
#![allow(clippy::cast_possible_truncation, clippy::large_futures, reason = "sizes are the tests' own")]

mod layers;
mod support;

mod abuse;
mod attach;
mod auth;
mod encrypted;
mod fan_out;
mod hand_over;
mod holder;
mod hostile;
mod hygiene;
mod lifecycle;
mod limits;
mod openapi;
mod other_sizes;
mod outlive;
mod profiles;
mod reconnect;
mod reopen;
mod screen_laws;
mod screens;
mod screens_over_rest;
mod sessions;
mod unix_socket;
mod upgrade;
