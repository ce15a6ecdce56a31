//! Who else may reach a session.

use axum::http::StatusCode;

use super::operation::{Operation, delete, get, post, put};
use crate::auth::Right::Share;
use crate::http::error::ApiError::{NoSuchThing, NoSuchUser, NotOwner, TooManyKept};
use crate::http::sessions::{GrantObject, MadeShare, NewGrant, NewShare, ShareObject};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        said_by_owner(get("/api/sessions/{id}/shares", "shares", "The links of a session"))
            .lists::<ShareObject>("Without their secrets"),
        said_by_owner(post("/api/sessions/{id}/shares", "share", "Make a link of a session"))
            .takes::<NewShare>()
            .answers::<MadeShare>(StatusCode::CREATED, "With its secret, which is shown this once")
            .refuses([TooManyKept { what: "", max: 0 }]),
        said_by_owner(delete("/api/sessions/{id}/shares/{share}", "revokeShare", "Revoke a link"))
            .answers_nothing(StatusCode::NO_CONTENT, "Whoever came by it is gone within a second")
            .refuses([NoSuchThing("share")]),
        said_by_owner(get("/api/sessions/{id}/grants", "grants", "Who was granted access to a session"))
            .lists::<GrantObject>("The grants"),
        said_by_owner(put("/api/sessions/{id}/grants/{user}", "grant", "Grant an account access to a session"))
            .takes::<NewGrant>()
            .answers::<GrantObject>(StatusCode::OK, "In place of what it was granted before")
            .refuses([NoSuchUser, TooManyKept { what: "", max: 0 }]),
        said_by_owner(delete("/api/sessions/{id}/grants/{user}", "takeBack", "Take back what an account was granted"))
            .answers_nothing(StatusCode::NO_CONTENT, "It is gone within a second")
            .refuses([NoSuchUser, NoSuchThing("grant")]),
    ]
}

fn said_by_owner(operation: Operation) -> Operation {
    operation.of_session(&[Share]).refuses([NotOwner])
}
