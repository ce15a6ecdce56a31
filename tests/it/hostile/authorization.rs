//! Who may do what: roles, grants and shares, tried on every way into a session.

use serde_json::{Value, json};

use crate::support::{Answer, Client, Closed, Join, Login, Raw, Server, until};

const PASSWORD: &str = "correct horse battery";
/// A session that nobody has opened.
const NOBODYS: &str = "00000000-0000-4000-8000-000000000000";

/// Three people on one server: Ann runs it, Bob is a member, Cem a guest. The session is Bob's.
struct House {
    server: std::sync::Arc<Server>,
    ann: Login,
    bob: Login,
    cem: Login,
    session: String,
}

impl House {
    async fn new() -> Self {
        let server = Server::start().await;
        let (ann, bob) = (Login::by_link(&server).await, Login::of_new(&server, "bob", PASSWORD).await);
        let added = server.fantail(&["user", "add", "cem", "--role", "guest"], PASSWORD).await;
        assert!(added.status.success(), "{added:?}");
        let cem = Login::by_password(&server, "cem", PASSWORD).await;
        let session = bob.open(&server, &["cat"]).await;
        Self { server, ann, bob, cem, session }
    }

    /// Has Bob grant Cem access.
    async fn grant(&self, access: &str) {
        let path = format!("/api/sessions/{}/grants/cem", self.session);
        let granted = self.bob.ask(&self.server, "PUT", &path, Some(json!({ "access": access }))).await;
        assert_eq!(granted.status, 200, "{granted:?}");
    }

    async fn take_back(&self) {
        let path = format!("/api/sessions/{}/grants/cem", self.session);
        assert_eq!(self.bob.ask(&self.server, "DELETE", &path, None).await.status, 204);
    }

    /// Has Bob share it; the share.
    async fn share(&self, body: Value) -> Value {
        let path = format!("/api/sessions/{}/shares", self.session);
        let shared = self.bob.ask(&self.server, "POST", &path, Some(body)).await;
        assert_eq!(shared.status, 201, "{shared:?}");
        shared.json()
    }

    async fn enter(&self, secret: &str) -> Answer {
        self.server.ask(None, "POST", "/api/shares/enter", Some(json!({ "secret": secret }))).await
    }

    /// Somebody who came by that share.
    async fn guest(&self, share: &Value) -> Login {
        Login::from_answer(&self.enter(share["secret"].as_str().expect("a secret")).await)
    }

    async fn join(&self, login: &Login) -> Client {
        Client::join(&self.server, &self.session, by(login)).await
    }
}

fn by(login: &Login) -> Join {
    Join { bearer: Some(login.access.clone()), ..Join::default() }
}

/// What each of these is answered on a session: to look, to type, and what only its owner may.
async fn tried(server: &Server, login: &Login, session: &str) -> [u16; 3] {
    let mut worst = [0; 3];
    let looking = ["", "/output", "/screen", "/text", "/snapshot"].map(|rest| ("GET", rest, None));
    let typing = [
        ("POST", "/input", Some(json!({ "text": "x" }))),
        ("POST", "/resize", Some(json!({ "cols": 80, "rows": 24 }))),
        ("POST", "/signal", Some(json!({ "signal": "WINCH" }))),
    ];
    let owning = [("PATCH", "", Some(json!({ "name": "n" }))), ("GET", "/shares", None), ("GET", "/grants", None)];
    for (kind, requests) in [&looking[..], &typing[..], &owning[..]].into_iter().enumerate() {
        for (method, rest, body) in requests {
            let path = format!("/api/sessions/{session}{rest}");
            let answer = login.ask(server, method, &path, body.clone()).await;
            // A program may not have written all by then: that counts as done.
            let status = if answer.status == 202 || answer.status == 204 { 200 } else { answer.status };
            assert!(worst[kind] == 0 || worst[kind] == status, "{method} {rest}: {status}, others {}", worst[kind]);
            worst[kind] = status;
        }
    }
    worst
}

#[tokio::test]
async fn h44_nobody_does_more_with_a_session_than_they_were_granted() {
    let house = House::new().await;
    let House { server, ann, bob, cem, session } = &house;
    assert_eq!(tried(server, bob, session).await, [200, 200, 200], "its owner");
    assert_eq!(tried(server, ann, session).await, [200, 200, 200], "who runs the server");
    assert_eq!(tried(server, cem, session).await, [404, 404, 404], "a stranger");
    assert_eq!(tried(server, cem, NOBODYS).await, [404, 404, 404], "as of one that is not there");
    house.grant("view").await;
    assert_eq!(tried(server, cem, session).await, [200, 403, 403]);
    house.grant("control").await;
    assert_eq!(tried(server, cem, session).await, [200, 200, 403]);
    let listed = cem.ask(server, "GET", "/api/sessions", None).await.json();
    assert_eq!((&listed[0]["id"], &listed[0]["access"]), (&json!(session), &json!("control")));
    house.take_back().await;
    assert_eq!(tried(server, cem, session).await, [404, 404, 404]);
    assert_eq!(cem.ask(server, "GET", "/api/sessions", None).await.json(), json!([]));
    for (login, wanted) in [(cem, 403), (bob, 403), (ann, 200)] {
        assert_eq!(login.ask(server, "GET", "/api/users", None).await.status, wanted);
        assert_eq!(login.ask(server, "GET", "/api/audit", None).await.status, wanted);
    }
    let opened = cem.ask(server, "POST", "/api/sessions", Some(json!({}))).await;
    assert_eq!(opened.code(), (403, "not_allowed".into()), "a guest opens nothing");
    for access in ["own", "", "Control"] {
        let path = format!("/api/sessions/{session}/grants/cem");
        let refused = bob.ask(server, "PUT", &path, Some(json!({ "access": access }))).await;
        assert_eq!(refused.code(), (400, "invalid_field".into()), "{access}");
    }
}

#[tokio::test]
async fn h45_who_may_only_look_types_nothing_whatever_way_they_try_and_it_is_noted() {
    use fantail::protocol::{ClientMessage, Command, Event};
    let house = House::new().await;
    house.grant("view").await;
    let mut cem = house.join(&house.cem).await;
    let refused = |event: &Event| matches!(event, Event::Refused { .. }).then_some(());
    let commands = [
        Command::TakeControl,
        Command::RequestControl,
        Command::GiveControl { client: cem.welcome.client_id.clone() },
        Command::Fit,
        Command::Signal { signal: "KILL".into() },
        Command::Paste { text: "stolen".into(), submit: true },
    ];
    for command in commands {
        cem.command(command).await;
        cem.until_event("a refusal", refused).await;
    }
    // What a terminal answers is typed like all else.
    for bytes in [&b"stolen\r"[..], b"\x1b[1;1R", b"\x1b]11;rgb:00/00/00\x07", b"\x1b[<0;1;1M"] {
        cem.send(&ClientMessage::Input { seq: 0, bytes }).await;
        cem.until_event("a refusal", refused).await;
    }
    cem.send(&ClientMessage::Resize { cols: 10, rows: 10 }).await;
    cem.until_event("a refusal", refused).await;
    assert_eq!(house.server.output(&house.session, 0).await, b"", "cat has read nothing");
    let session = house.server.session(&house.session).await;
    assert_eq!((&session["cols"], &session["status"]), (&json!(80), &json!("running")));
    let noted = until("the note", async || {
        let log = house.ann.ask(&house.server, "GET", "/api/audit", None).await.json();
        let of_cem = |entry: &Value| entry["event"] == "view-only-tried" && entry["subject"] == json!(house.session);
        let tried: Vec<_> = log.as_array().expect("a list").iter().filter(|entry| of_cem(entry)).cloned().collect();
        (!tried.is_empty()).then_some(tried)
    });
    assert_eq!(noted.await.len(), 1, "once, however often they try");
}

#[tokio::test]
async fn h46_what_a_client_says_of_its_own_rights_is_not_believed() {
    let house = House::new().await;
    house.grant("view").await;
    let ticket = house.cem.ask(
        &house.server,
        "POST",
        "/api/auth/ticket",
        Some(json!({ "sessionId": house.session, "access": "control" })),
    );
    assert_eq!(ticket.await.code(), (403, "view_only".into()));
    let asked = Join { query: "&access=control", ..by(&house.cem) };
    let joined = Client::try_join(&house.server, &house.session, asked).await;
    assert!(joined.is_err(), "more than it has");
    for field in ["role", "scopes", "access", "account"] {
        let body = json!({ "sessionId": house.session, (field): "admin" });
        let refused = house.cem.ask(&house.server, "POST", "/api/auth/ticket", Some(body)).await;
        assert_eq!(refused.code(), (400, "invalid_field".into()), "{field}");
    }
}

#[tokio::test]
async fn h47_a_share_lets_in_whoever_has_it_for_what_it_says_and_nothing_else() {
    let house = House::new().await;
    let House { server, ann, session, .. } = &house;
    let share = house.share(json!({ "access": "view", "label": "review", "uses": 2 })).await;
    let link = share["link"].as_str().expect("a link");
    assert!(link.starts_with(&format!("/s/{session}#share=")), "only in the fragment: {link}");
    let guest = house.guest(&share).await;
    assert_eq!(tried(server, &guest, session).await, [200, 403, 403]);
    let other = ann.open(server, &["cat"]).await;
    assert_eq!(tried(server, &guest, &other).await, [404, 404, 404], "another session");
    for (method, path) in
        [("GET", "/api/tokens"), ("GET", "/api/users"), ("GET", "/api/auth/logins"), ("POST", "/api/sessions")]
    {
        let body = (method == "POST").then(|| json!({}));
        assert_eq!(guest.ask(server, method, path, body).await.status, 403, "{method} {path}");
    }
    let listed = guest.ask(server, "GET", "/api/sessions", None).await.json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    let mut viewer = house.join(&guest).await;
    house.server.input(session, "hello\n").await;
    viewer.until_shown("hello").await;

    let secret = share["secret"].as_str().expect("a secret");
    Login::from_answer(&house.enter(secret).await);
    assert_eq!(house.enter(secret).await.code(), (401, "invalid_share".into()), "used up");
    for guess in ["", "x", &secret[1..], &secret.to_uppercase(), share["id"].as_str().expect("an id")] {
        assert_eq!(house.enter(guess).await.code(), (401, "invalid_share".into()), "{guess}");
    }
    let renewed = server.ask(
        None,
        "POST",
        "/api/shares/renew",
        Some(json!({ "sessionId": session, "refreshToken": guest.refresh })),
    );
    let renewed = Login::from_answer(&renewed.await);
    assert_eq!(tried(server, &renewed, session).await, [200, 403, 403]);

    let path = format!("/api/sessions/{session}/shares/{}", share["id"].as_str().expect("an id"));
    assert_eq!(house.cem.ask(server, "DELETE", &path, None).await.status, 404, "not theirs");
    assert_eq!(house.bob.ask(server, "DELETE", &path, None).await.status, 204);
    assert_eq!(viewer.until_closed().await, Closed::With(4403));
    for login in [&guest, &renewed] {
        assert_eq!(login.ask(server, "GET", "/api/sessions", None).await.code(), (401, "invalid_token".into()));
    }
}

#[tokio::test]
async fn h47_an_expired_share_lets_nobody_in_and_its_end_is_that_of_those_who_came_by_it() {
    let house = House::new().await;
    let share = house.share(json!({ "access": "control", "expiresIn": 5 })).await;
    let guest = house.guest(&share).await;
    let mut viewer = house.join(&guest).await;
    let secret = share["secret"].as_str().expect("a secret");
    until("the share's end", async || {
        (house.enter(secret).await.code() == (401, "invalid_share".into())).then_some(())
    })
    .await;
    assert_eq!(viewer.until_closed().await, Closed::With(4401));
    let renewal = json!({ "sessionId": house.session, "refreshToken": guest.refresh });
    let renewed = house.server.ask(None, "POST", "/api/shares/renew", Some(renewal)).await;
    assert_eq!(renewed.status, 401, "{renewed:?}");
    for body in [
        json!({ "expiresIn": 0 }),
        json!({ "expiresIn": -1 }),
        json!({ "expiresIn": 30 * 24 * 3600 + 1 }),
        json!({ "uses": 0 }),
        json!({ "access": "own" }),
        json!({ "label": "x".repeat(101) }),
        json!({ "label": "a\u{7}" }),
    ] {
        let path = format!("/api/sessions/{}/shares", house.session);
        let refused = house.bob.ask(&house.server, "POST", &path, Some(body.clone())).await;
        assert_eq!(refused.code(), (400, "invalid_field".into()), "{body}");
    }
}

#[tokio::test]
async fn h28_whatever_a_socket_hangs_on_it_is_closed_when_that_ends() {
    let house = House::new().await;
    let House { server, bob, .. } = &house;
    let closed = async |mut client: Client, what: &str| {
        assert_eq!(client.until_closed().await, Closed::With(4403), "{what}");
    };
    house.grant("control").await;
    let viewer = house.join(&house.cem).await;
    house.take_back().await;
    closed(viewer, "what was granted is taken back").await;

    house.grant("control").await;
    let viewer = house.join(&house.cem).await;
    house.grant("view").await;
    closed(viewer, "it is less than it was").await;

    let watching = house.join(&house.cem).await;
    let raised = server.fantail(&["user", "role", "cem", "member"], "").await;
    assert!(raised.status.success(), "{raised:?}");
    closed(watching, "the role is another").await;
    let cem = Login::from_answer(&house.cem.renew(server).await);
    assert_eq!(cem.ask(server, "GET", "/api/auth/me", None).await.json()["user"]["role"], "member");

    let minted = bob
        .ask(
            server,
            "POST",
            "/api/tokens",
            Some(json!({ "name": "t", "scopes": ["sessions:view", "sessions:control"] })),
        )
        .await;
    assert_eq!(minted.status, 201, "{minted:?}");
    let minted = minted.json();
    let by_token = Join { bearer: minted["token"].as_str().map(ToOwned::to_owned), ..Join::default() };
    let viewer = Client::join(server, &house.session, by_token).await;
    let path = format!("/api/tokens/{}", minted["id"].as_str().expect("an id"));
    assert_eq!(bob.ask(server, "DELETE", &path, None).await.status, 204);
    closed(viewer, "the API token is revoked").await;

    let viewer = house.join(bob).await;
    let disabled = server.fantail(&["user", "disable", "bob"], "").await;
    assert!(disabled.status.success(), "{disabled:?}");
    closed(viewer, "the account is disabled").await;
    assert_eq!(bob.renew(server).await.code(), (401, "invalid_token".into()));
    assert_eq!(server.log_in("bob", PASSWORD).await.code(), (401, "invalid_login".into()));
}

#[tokio::test]
async fn h41_an_api_token_does_what_its_scopes_say_and_makes_no_other() {
    let house = House::new().await;
    let House { server, ann, bob, session, .. } = &house;
    let mint = async |login: &Login, scopes: &[&str]| {
        login.ask(server, "POST", "/api/tokens", Some(json!({ "name": "ci", "scopes": scopes }))).await
    };
    let token = async |login: &Login, scopes: &[&str]| {
        let minted = mint(login, scopes).await;
        assert_eq!(minted.status, 201, "{minted:?}");
        minted.json()["token"].as_str().expect("a token").to_owned()
    };
    let requests = [
        ("sessions:view", "GET", format!("/api/sessions/{session}"), None),
        ("sessions:control", "POST", format!("/api/sessions/{session}/input"), Some(json!({ "text": "x" }))),
        ("sessions:share", "GET", format!("/api/sessions/{session}/shares"), None),
        ("sessions:open", "POST", "/api/sessions".to_owned(), Some(json!({ "command": ["true"] }))),
        ("users:manage", "GET", "/api/users".to_owned(), None),
        ("audit:read", "GET", "/api/audit".to_owned(), None),
    ];
    for (scope, ..) in &requests {
        // To reach a session one has to see it.
        let had = token(ann, &["sessions:view", scope]).await;
        for (needed, method, path, body) in &requests {
            let answer = server.ask(Some(&had), method, path, body.clone()).await;
            let is_allowed = needed == scope || *needed == "sessions:view";
            let refused = (403, "not_allowed".to_owned());
            assert_eq!(answer.code() != refused, is_allowed, "{scope}: {method} {path}: {answer:?}");
        }
        for (method, path) in
            [("GET", "/api/tokens"), ("POST", "/api/tokens"), ("PATCH", "/api/auth/me"), ("GET", "/api/auth/logins")]
        {
            let body = (method != "GET").then(|| json!({ "name": "more", "scopes": ["sessions:view"] }));
            let answer = server.ask(Some(&had), method, path, body).await;
            assert_eq!(answer.code(), (403, "not_allowed".into()), "{method} {path}");
        }
    }
    assert_eq!(mint(bob, &["users:manage"]).await.code(), (403, "not_allowed".into()), "more than its maker may");
    for scopes in [&[][..], &["account"], &["everything"]] {
        assert_eq!(mint(ann, scopes).await.code(), (400, "invalid_field".into()), "{scopes:?}");
    }
    let good = token(bob, &["sessions:view"]).await;
    for at in [4, 12, 20, good.len() - 1] {
        let mut forged = good.clone().into_bytes();
        forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
        let forged = String::from_utf8(forged).expect("ASCII");
        assert_eq!(server.ask(Some(&forged), "GET", "/api/sessions", None).await.code(), (401, "invalid_token".into()));
    }
    let made = server.fantail(&["token", "add", "by hand", "--user", "bob", "--scope", "sessions:view"], "").await;
    let by_hand = String::from_utf8(made.stdout).expect("UTF-8").trim_end().to_owned();
    assert_eq!(server.ask(Some(&by_hand), "GET", "/api/sessions", None).await.status, 200);
    let beyond = server.fantail(&["token", "add", "x", "--user", "bob", "--scope", "audit:read"], "").await;
    assert!(!beyond.status.success(), "{beyond:?}");
    let id = by_hand.split('_').nth(1).expect("an id");
    let revoked = server.fantail(&["token", "revoke", id, "--user", "bob"], "").await;
    assert!(revoked.status.success(), "{revoked:?}");
    until("its end", async || {
        let answer = server.ask(Some(&by_hand), "GET", "/api/sessions", None).await;
        (answer.code() == (401, "invalid_token".into())).then_some(())
    })
    .await;
    let listed = bob.ask(server, "GET", "/api/tokens", None).await.json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    assert!(!listed.to_string().contains(&good), "shown once");
    let short = json!({ "name": "short", "scopes": ["sessions:view"], "expiresIn": 1 });
    let short = bob.ask(server, "POST", "/api/tokens", Some(short)).await.json();
    let short = short["token"].as_str().expect("a token").to_owned();
    until("its end", async || {
        let answer = server.ask(Some(&short), "GET", "/api/sessions", None).await;
        (answer.code() == (401, "expired_token".into())).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_socket_that_asks_for_more_than_its_token_allows_is_refused_before_it_opens() {
    let house = House::new().await;
    let minted = json!({ "name": "watch", "scopes": ["sessions:open"] });
    let minted = house.bob.ask(&house.server, "POST", "/api/tokens", Some(minted)).await.json();
    let bearer = format!("Bearer {}", minted["token"].as_str().expect("a token"));
    let mut raw = Raw::connect(&house.server).await;
    let request = crate::support::raw::handshake(&house.server, &house.session, &[("authorization", &bearer)]);
    assert_eq!(raw.ask(&request).await.code(), (403, "not_allowed".into()));
}

#[tokio::test]
async fn h70_who_may_not_name_commands_opens_what_the_server_offers() {
    let server = Server::start_with(&["--any-command", "admin"]).await;
    let (ann, bob) = (Login::by_link(&server).await, Login::of_new(&server, "bob", PASSWORD).await);
    let open = async |login: &Login, body: Value| login.ask(&server, "POST", "/api/sessions", Some(body)).await;
    let command = json!({ "command": ["cat"] });
    assert_eq!(open(&bob, command.clone()).await.code(), (403, "command_not_allowed".into()));
    assert_eq!(open(&ann, command).await.status, 201);
    assert_eq!(open(&bob, json!({})).await.status, 201, "the login shell");
    let profiles = bob.ask(&server, "GET", "/api/profiles", None).await.json();
    assert_eq!(profiles[0]["name"], "shell");
}
