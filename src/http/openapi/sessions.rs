//! Sessions: opened, listed, changed, typed into, closed.

use axum::http::StatusCode;

use super::operation::{Operation, delete, get, patch, post};
use super::words;
use crate::auth::Right::{Control, Open, Users, View};
use crate::http::error::ApiError::{
    CommandNotAllowed, ControlHeld, InputQueueFull, NoTerminalsLeft, NotAllowed, NotOwner, NotRunning, SpawnFailed,
    StillRunning, TooManySessions, ViewOnly,
};
use crate::http::parameters::SWITCH;
use crate::http::sessions::{
    Again, Input, OpenRequest, Opened, Rename, Resize, Resized, SessionObject, Signalling, Taken,
};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        get("/api/sessions", "sessions", "One's sessions and those one was granted access to, newest first")
            .by(&[View])
            .query("all", "Everyone's, for those who run the server.", words::one_of(&SWITCH))
            .lists::<SessionObject>("The sessions")
            .refuses([NotAllowed(Users)]),
        opens(post("/api/sessions", "open", "Open a session").by(&[Open]).takes::<OpenRequest>()),
        get("/api/sessions/{id}", "session", "A session")
            .of_session(&[])
            .answers::<SessionObject>(StatusCode::OK, "The session"),
        patch("/api/sessions/{id}", "rename", "Name a session")
            .of_session(&[Control])
            .takes::<Rename>()
            .answers::<SessionObject>(StatusCode::OK, "The session as it is now")
            .refuses([NotOwner]),
        delete("/api/sessions/{id}", "close", "End a session, its program and all that it started")
            .of_session(&[Control])
            .answers_nothing(StatusCode::NO_CONTENT, "All of it is gone")
            .refuses([NotOwner]),
        opens(
            post("/api/sessions/{id}/reopen", "reopen", "Open a session again in place of one that has exited")
                .of_session(&[Open, Control])
                .may_take::<Again>()
                .refuses([NotOwner, StillRunning]),
        ),
        types(
            post("/api/sessions/{id}/resize", "resize", "Set a session's size")
                .takes::<Resize>()
                .answers::<Resized>(StatusCode::OK, "Its size"),
        )
        .refuses([ControlHeld]),
        types(
            post("/api/sessions/{id}/input", "input", "Type into a session")
                .takes::<Input>()
                .answers::<Taken>(StatusCode::OK, "Written to the terminal")
                .answers::<Taken>(StatusCode::ACCEPTED, "To be written when the program reads"),
        )
        .refuses([ControlHeld, InputQueueFull]),
        types(
            post("/api/sessions/{id}/signal", "signal", "Send a signal to a session's foreground processes")
                .takes::<Signalling>()
                .answers_nothing(StatusCode::NO_CONTENT, "Sent"),
        )
        .refuses([ControlHeld]),
    ]
}

/// What may come of starting a program.
fn opens(operation: Operation) -> Operation {
    let failed = SpawnFailed { field: "", reason: String::new() };
    operation.answers::<Opened>(StatusCode::CREATED, "The session").refuses([
        CommandNotAllowed,
        failed,
        TooManySessions,
        NoTerminalsLeft,
    ])
}

/// What is refused to who may only look, and when there is no program.
fn types(operation: Operation) -> Operation {
    operation.of_session(&[Control]).refuses([ViewOnly, NotRunning])
}
