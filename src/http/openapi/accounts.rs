//! Accounts and the audit log, for those who run the server; API tokens and profiles, for everyone.

use axum::http::StatusCode;

use super::operation::{Operation, delete, get, patch, post};
use super::words;
use crate::auth::Right::{Account, Audit, Users};
use crate::http::audit::EntryObject;
use crate::http::error::ApiError::{
    LastAdmin, MailTaken, NameTaken, NoSuchThing, NoSuchUser, TooManyKept, TooManyLogins,
};
use crate::http::profiles::ProfileObject;
use crate::http::tokens::{MintedObject, NewToken, TokenObject};
use crate::http::users::{LinkObject, NewUser, UserChange, UserObject};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        get("/api/tokens", "tokens", "One's API tokens").by(&[Account]).lists::<TokenObject>("Without their secrets"),
        post("/api/tokens", "mintToken", "Make an API token")
            .explained("It may do what its scopes and its maker's role both allow. No scope that its maker lacks.")
            .by(&[Account])
            .takes::<NewToken>()
            .answers::<MintedObject>(StatusCode::CREATED, "With its text, which is shown this once")
            .refuses([TooManyKept { what: "", max: 0 }]),
        delete("/api/tokens/{id}", "revokeToken", "Revoke one of one's API tokens")
            .by(&[Account])
            .answers_nothing(StatusCode::NO_CONTENT, "What was opened with it is closed")
            .refuses([NoSuchThing("API token")]),
        get("/api/users", "users", "The accounts, in the order of their names")
            .by(&[Users])
            .query("after", "The last name of the page before.", words::text())
            .lists::<UserObject>("A page"),
        post("/api/users", "addUser", "Add an account")
            .by(&[Users])
            .takes::<NewUser>()
            .answers::<UserObject>(StatusCode::CREATED, "The account")
            .refuses([NameTaken, MailTaken, TooManyLogins]),
        get("/api/users/{id}", "user", "An account")
            .by(&[Users])
            .answers::<UserObject>(StatusCode::OK, "The account")
            .refuses([NoSuchUser]),
        patch("/api/users/{id}", "changeUser", "Change an account")
            .explained("What lets it do less ends its live connections; a new password all of its logins.")
            .by(&[Users])
            .takes::<UserChange>()
            .answers::<UserObject>(StatusCode::OK, "The account as it is now")
            .refuses([NoSuchUser, MailTaken, LastAdmin, TooManyLogins]),
        post("/api/users/{id}/link", "linkUser", "Make a login link for an account")
            .by(&[Users])
            .answers::<LinkObject>(StatusCode::CREATED, "It can be used once")
            .refuses([NoSuchUser]),
        delete("/api/users/{id}/logins", "logOutUser", "End all logins of an account")
            .by(&[Users])
            .answers_nothing(StatusCode::NO_CONTENT, "They have ended")
            .refuses([NoSuchUser]),
        get("/api/audit", "audit", "The audit log, in its order")
            .by(&[Audit])
            .query("after", "The last number of the page before.", words::number(0..=u32::MAX))
            .lists::<EntryObject>("A page"),
        get("/api/profiles", "profiles", "What the caller may open").by(&[]).lists::<ProfileObject>("By name"),
    ]
}
