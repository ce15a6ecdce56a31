//! What a hostile or broken peer does is refused with its code, and nobody else is disturbed.

mod bodies;
mod frames;
mod handshake;
mod leaving;
mod messages;
mod origin;
mod slow;
mod unread;
