//! Getting in, staying in, going, and one's own account.

use axum::http::StatusCode;

use super::Description;
use super::operation::{delete, get, patch, post};
use crate::auth::Right::{Account, View};
use crate::http::auth::{
    EnterRequest, LinkRequest, LoggedIn, LoginObject, LoginRequest, Me, MeChange, RefreshRequest, RenewRequest, Ticket,
    TicketRequest,
};
use crate::http::error::ApiError::{
    InvalidLogin, InvalidShare, InvalidToken, MailTaken, NoSuchSession, NoSuchThing, RefreshRaced,
    TooManyConnections, TooManyLogins, ViewOnly,
};
use crate::http::users::UserObject;

pub(super) fn describe(description: &mut Description) {
    description.route("/api/auth/login", [post("logIn", "Name and password for tokens")
        .takes::<LoginRequest>()
        .answers::<LoggedIn>(StatusCode::OK, "Tokens, and cookies for browsers")
        .refuses([InvalidLogin, InvalidToken, TooManyLogins])]);
    description.route("/api/auth/link", [post("logInByLink", "The token of a login link for tokens")
        .takes::<LinkRequest>()
        .answers::<LoggedIn>(StatusCode::OK, "Tokens, and cookies for browsers")
        .refuses([InvalidLogin, InvalidToken])]);
    description.route("/api/auth/refresh", [post("refresh", "A refresh token for its successor")
        .explained("In the body or in a cookie. It changes at every use.")
        .by_refresh_token()
        .may_take::<RefreshRequest>()
        .answers::<LoggedIn>(StatusCode::OK, "New tokens")
        .refuses([RefreshRaced])]);
    description.route("/api/auth/logout", [post("logOut", "End a login")
        .explained("That of the refresh token in the body or in a cookie, else that of the access token.")
        .by(&[])
        .by_refresh_token()
        .may_take::<RefreshRequest>()
        .answers_nothing(StatusCode::NO_CONTENT, "It has ended")]);
    description.route("/api/auth/me", [
        get("me", "Who one is, and what the credential allows").by(&[]).answers::<Me>(StatusCode::OK, "This"),
        patch("changeMe", "Change one's mail address or password")
            .explained("A new password ends every other login.")
            .by(&[Account])
            .takes::<MeChange>()
            .answers::<UserObject>(StatusCode::OK, "The account as it is now")
            .refuses([InvalidLogin, MailTaken, TooManyLogins]),
    ]);
    description.route("/api/auth/logins", [
        get("logins", "Where one is logged in").by(&[Account]).lists::<LoginObject>("One's logins"),
        delete("endOtherLogins", "End every login but this")
            .by(&[Account])
            .answers_nothing(StatusCode::NO_CONTENT, "They have ended"),
    ]);
    description.route("/api/auth/logins/{id}", [delete("endLogin", "End one of one's logins")
        .by(&[Account])
        .answers_nothing(StatusCode::NO_CONTENT, "It has ended")
        .refuses([NoSuchThing("login")])]);
    description.route("/api/auth/ticket", [post("ticket", "A ticket for one WebSocket")
        .by(&[View])
        .takes::<TicketRequest>()
        .answers::<Ticket>(StatusCode::OK, "The ticket")
        .refuses([NoSuchSession, ViewOnly, TooManyConnections])]);
    description.route("/api/shares/enter", [post("enterShare", "The secret of a share for tokens of its session")
        .takes::<EnterRequest>()
        .answers::<LoggedIn>(StatusCode::OK, "Tokens, and a cookie for browsers")
        .refuses([InvalidShare])]);
    description.route("/api/shares/renew", [post("renewShare", "The refresh token of a share for its successor")
        .by_refresh_token()
        .takes::<RenewRequest>()
        .answers::<LoggedIn>(StatusCode::OK, "New tokens")
        .refuses([RefreshRaced])]);
}
