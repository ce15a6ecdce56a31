//! What a hostile or broken peer does is refused with its code, and nobody else is disturbed.

mod bodies;
mod messages;
mod unread;
