//! Getting in, staying in, going, and one's own account.

use axum::http::StatusCode;

use super::operation::{Operation, delete, get, patch, post};
use crate::auth::Right::{Account, View};
use crate::http::auth::{
    EnterRequest, LinkRequest, LoggedIn, LoginObject, LoginRequest, Me, MeChange, RefreshRequest, RenewRequest, Ticket,
    TicketRequest,
};
use crate::http::error::ApiError::{
    InvalidLogin, InvalidShare, InvalidToken, MailTaken, NoSuchSession, NoSuchThing, RefreshRaced, TooManyConnections,
    TooManyLogins, ViewOnly,
};
use crate::http::users::UserObject;

/// Getting in, staying in, going.
pub(super) fn ways_in() -> Vec<Operation> {
    vec![
        post("/api/auth/login", "logIn", "Name and password for tokens")
            .takes::<LoginRequest>()
            .answers::<LoggedIn>(StatusCode::OK, "Tokens, and cookies for browsers")
            .refuses([InvalidLogin, InvalidToken, TooManyLogins]),
        post("/api/auth/link", "logInByLink", "The token of a login link for tokens")
            .takes::<LinkRequest>()
            .answers::<LoggedIn>(StatusCode::OK, "Tokens, and cookies for browsers")
            .refuses([InvalidLogin, InvalidToken]),
        post("/api/auth/refresh", "refresh", "A refresh token for its successor")
            .explained("In the body or in a cookie. It changes at every use.")
            .by_refresh_token()
            .may_take::<RefreshRequest>()
            .answers::<LoggedIn>(StatusCode::OK, "New tokens")
            .refuses([RefreshRaced]),
        post("/api/auth/logout", "logOut", "End a login")
            .explained("That of the refresh token in the body or in a cookie, else that of the access token.")
            .by(&[])
            .by_refresh_token()
            .may_take::<RefreshRequest>()
            .answers_nothing(StatusCode::NO_CONTENT, "It has ended"),
        post("/api/shares/enter", "enterShare", "The secret of a share for tokens of its session")
            .takes::<EnterRequest>()
            .answers::<LoggedIn>(StatusCode::OK, "Tokens, and a cookie for browsers")
            .refuses([InvalidShare]),
        post("/api/shares/renew", "renewShare", "The refresh token of a share for its successor")
            .by_refresh_token()
            .takes::<RenewRequest>()
            .answers::<LoggedIn>(StatusCode::OK, "New tokens")
            .refuses([RefreshRaced]),
    ]
}

/// One's own account, and what one attaches with.
pub(super) fn oneself() -> Vec<Operation> {
    vec![
        get("/api/auth/me", "me", "Who one is, and what the credential allows")
            .by(&[])
            .answers::<Me>(StatusCode::OK, "This"),
        patch("/api/auth/me", "changeMe", "Change one's mail address or password")
            .explained("A new password ends every other login.")
            .by(&[Account])
            .takes::<MeChange>()
            .answers::<UserObject>(StatusCode::OK, "The account as it is now")
            .refuses([InvalidLogin, MailTaken, TooManyLogins]),
        get("/api/auth/logins", "logins", "Where one is logged in").by(&[Account]).lists::<LoginObject>("One's logins"),
        delete("/api/auth/logins", "endOtherLogins", "End every login but this")
            .by(&[Account])
            .answers_nothing(StatusCode::NO_CONTENT, "They have ended"),
        delete("/api/auth/logins/{id}", "endLogin", "End one of one's logins")
            .by(&[Account])
            .answers_nothing(StatusCode::NO_CONTENT, "It has ended")
            .refuses([NoSuchThing("login")]),
        post("/api/auth/ticket", "ticket", "A ticket for one WebSocket")
            .by(&[View])
            .takes::<TicketRequest>()
            .answers::<Ticket>(StatusCode::OK, "The ticket")
            .refuses([NoSuchSession, ViewOnly, TooManyConnections]),
    ]
}
