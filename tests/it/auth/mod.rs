//! Who gets in, and who does not.

mod accounts;
mod credentials;
mod expiry;
mod logging_in;
mod oidc;
mod open_door;
mod passwords;
mod renewal;
mod sealing;
mod tickets;

use fantail::protocol::Event;
use tokio_tungstenite::tungstenite::Error;

use crate::support::{Answer, Client, Join, Login, Server};

/// An id that no session has.
const NO_SESSION: &str = "00000000-0000-4000-8000-000000000000";
/// A password that is taken.
const PASSWORD: &str = "correct horse battery";

/// The status an attachment is refused with, and the refusal's code.
async fn refused(server: &Server, session: &str, join: Join) -> (u16, String) {
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
fn by_bearer(login: &Login) -> Join {
    Join { bearer: Some(login.access.clone()), ..Join::default() }
}

/// A viewer that came with this ticket.
fn by_ticket(ticket: &str) -> Join {
    Join { ticket: Some(ticket.to_owned()), ..Join::default() }
}

/// Types a line and waits until it has come back: this viewer is served.
async fn echoes(client: &mut Client, line: &str) {
    client.typed(&format!("{line}\n")).await;
    client.until_shown(&format!("{line}\r\n{line}\r\n")).await;
}

/// Whether somebody types; for what must change nothing.
fn is_refusal(event: &Event) -> Option<()> {
    matches!(event, Event::Refused { .. }).then_some(())
}
