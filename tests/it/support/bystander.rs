//! Somebody who is doing nothing wrong while others do.

use std::sync::Arc;

use super::{Client, Server};

/// A server, a session that echoes, and a viewer of it who expects to be served whatever happens beside it.
pub struct Bystander {
    pub server: Arc<Server>,
    /// The session, which runs `cat`.
    pub session: String,
    client: Client,
    turn: u32,
}

impl Bystander {
    pub async fn arrive() -> Self {
        Self::beside(Server::start().await).await
    }

    pub async fn beside(server: Arc<Server>) -> Self {
        let session = server.open(&["cat"]).await;
        let client = Client::attach(&server, &session).await;
        let mut bystander = Self { server, session, client, turn: 0 };
        bystander.is_served("nothing").await;
        bystander
    }

    /// Lets the server hear that there is somebody, while nothing is typed for longer than silence is allowed.
    pub async fn is_there(&mut self) {
        self.client.is_there().await;
    }

    /// Types and gets its echo, once again.
    pub async fn is_served(&mut self, after: &str) {
        self.turn += 1;
        let mark = format!("bystander-{}", self.turn);
        self.client.output.clear();
        let seq = self.client.typed(&format!("{mark}\n")).await;
        // Once as echo, once from the program.
        self.client.until_shown(&format!("{mark}\r\n{mark}\r\n")).await;
        assert!(self.client.gaps.is_empty(), "missed something after {after}");
        self.client.until_acked(seq).await;
    }
}
