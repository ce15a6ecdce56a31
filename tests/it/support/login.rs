//! Somebody logged in over REST.

use serde_json::{Value, json};

use super::{Answer, Server};

/// The tokens of a login.
#[derive(Clone, Debug)]
pub struct Login {
    pub access: String,
    pub refresh: String,
}

impl Login {
    /// A new account of this name, logged in.
    pub async fn of_new(server: &Server, name: &str, password: &str) -> Self {
        let added = server.fantail(&["user", "add", name], password).await;
        assert!(added.status.success(), "{added:?}");
        Self::by_password(server, name, password).await
    }

    pub async fn by_password(server: &Server, name: &str, password: &str) -> Self {
        Self::from_answer(&server.log_in(name, password).await)
    }

    /// The owner's, by the link the server printed.
    pub async fn by_link(server: &Server) -> Self {
        let link = server.login.clone().expect("a login link");
        Self::from_answer(&server.ask(None, "POST", "/api/auth/link", Some(json!({ "token": link }))).await)
    }

    pub fn from_answer(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        let text = |field: &str| body[field].as_str().unwrap_or_else(|| panic!("no {field}: {body}")).to_owned();
        Self { access: text("accessToken"), refresh: text("refreshToken") }
    }

    /// A request with the access token.
    pub async fn ask(&self, server: &Server, method: &str, path: &str, body: Option<Value>) -> Answer {
        server.ask(Some(&self.access), method, path, body).await
    }

    /// Presents the refresh token, as a program does.
    pub async fn renew(&self, server: &Server) -> Answer {
        server.ask(None, "POST", "/api/auth/refresh", Some(json!({ "refreshToken": self.refresh }))).await
    }

    /// Opens a session of its own.
    pub async fn open(&self, server: &Server, command: &[&str]) -> String {
        let opened = self.ask(server, "POST", "/api/sessions", Some(json!({ "command": command }))).await;
        assert_eq!(opened.status, 201, "{opened:?}");
        opened.json()["id"].as_str().expect("an id").to_owned()
    }

    /// A ticket for `session`.
    pub async fn ticket(&self, server: &Server, session: &str, access: Option<&str>) -> String {
        let mut body = json!({ "sessionId": session });
        if let Some(access) = access {
            body["access"] = access.into();
        }
        let answer = self.ask(server, "POST", "/api/auth/ticket", Some(body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["ticket"].as_str().expect("a ticket").to_owned()
    }
}
