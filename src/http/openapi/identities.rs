//! Logging in with the word of a provider, and one's identities there.

use axum::http::StatusCode;
use utoipa::openapi::ResponseBuilder;

use super::operation::{Operation, delete, get, post, told};
use super::words;
use crate::auth::Right::Account;
use crate::http::auth::{BeginRequest, Begun, IdentityObject, LinkIdentity, ProviderObject};
use crate::http::error::ApiError::{InvalidToken, NoSuchThing, ProviderUnavailable, TooManyKept};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        get("/api/auth/oidc", "providers", "The providers one can log in with").lists::<ProviderObject>("By name"),
        begins(post("/api/auth/oidc/{provider}/begin", "beginLogin", "Begin to log in with a provider"))
            .may_take::<BeginRequest>(),
        callback(),
        get("/api/auth/me/identities", "identities", "Who one is at which provider")
            .by(&[Account])
            .lists::<IdentityObject>("One's identities"),
        begins(post("/api/auth/me/identities", "linkIdentity", "Begin to link an identity"))
            .by(&[Account])
            .takes::<LinkIdentity>(),
        delete("/api/auth/me/identities/{id}", "unlinkIdentity", "Forget an identity")
            .by(&[Account])
            .answers_nothing(StatusCode::NO_CONTENT, "Logins that it started go on")
            .refuses([NoSuchThing("identity")]),
    ]
}

/// Only a page of ours asks, whose browser goes to the provider then.
fn begins(operation: Operation) -> Operation {
    operation
        .header("Origin", "Must be this server's.", words::text())
        .answers::<Begun>(StatusCode::OK, "Where the browser goes, and a cookie that it comes back with")
        .refuses([NoSuchThing("provider"), InvalidToken, ProviderUnavailable, TooManyKept { what: "", max: 0 }])
}

fn callback() -> Operation {
    let on = ResponseBuilder::new().description("To the page, logged in, or to `/#login-error=CODE`");
    get("/api/auth/oidc/{provider}/callback", "callback", "What somebody comes back with from a provider")
        .query("state", "As it was sent there.", words::text())
        .query("code", "What the provider gives for it.", words::text())
        .query("error", "What the provider gives in its place.", words::text())
        .query("iss", "Which provider it is from (RFC 9207).", words::text())
        .answer(StatusCode::SEE_OTHER, told(on, "Location", "Where the browser goes.", words::text()))
}
