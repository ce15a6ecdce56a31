//! Who gets in, and who does not.

mod accounts;
mod credentials;
mod expiry;
mod oidc;
mod open_door;
mod passwords;
mod renewal;
mod sealing;
mod tickets;

use std::time::Duration;

use fantail::protocol::Event;
use tokio_tungstenite::tungstenite::Error;

use crate::support::{Answer, Client, Join, Login, Server};

/// An id that no session has.
pub(crate) const NO_SESSION: &str = "00000000-0000-4000-8000-000000000000";
/// A password that is taken.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// How soon a refresh token is used again for certain that is only raced: ten seconds after its first use the server takes
/// it for stolen. Where this machine takes longer, a test begins anew.
pub(crate) const RACED_WITHIN: Duration = Duration::from_secs(8);

/// The status an attachment is refused with, and the refusal's code.
pub(crate) async fn refused(server: &Server, session: &str, join: Join) -> (u16, String) {
    match Client::try_join(server, session, join).await {
        Err(Error::Http(answer)) => {
            let (status, body) = (answer.status().as_u16(), answer.body().clone().unwrap_or_default());
            Answer { status, headers: answer.headers().clone(), body }.code()
        }
        Err(error) => panic!("neither attached nor refused: {error}"),
        Ok(_) => (101, String::new()),
    }
}

/// A viewer that came with this access token.
pub(crate) fn by_bearer(login: &Login) -> Join {
    Join { bearer: Some(login.access.clone()), ..Join::default() }
}

/// A viewer that came with this ticket.
pub(crate) fn by_ticket(ticket: &str) -> Join {
    Join { ticket: Some(ticket.to_owned()), ..Join::default() }
}

/// How a ticket is refused that is none, or no longer.
pub(crate) fn invalid_ticket() -> (u16, String) {
    (401, "invalid_ticket".into())
}

/// Types a line and waits until it has come back: this viewer is served.
pub(crate) async fn echoes(client: &mut Client, line: &str) {
    client.typed(&format!("{line}\n")).await;
    client.until_shown(&format!("{line}\r\n{line}\r\n")).await;
}

/// Whether somebody types; for what must change nothing.
fn is_refusal(event: &Event) -> Option<()> {
    matches!(event, Event::Refused { .. }).then_some(())
}
