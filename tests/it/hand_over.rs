//! Control passes from one person to another: asked for, given, turned down and taken back.

use fantail::protocol::{Asking, Command, Event, RefusalCode};
use serde_json::json;

use crate::support::{Client, Join, Login, Server, until};

const PASSWORD: &str = "correct horse battery";

/// A session of Bob's, open in two windows of his, in which Cem and Dan may type.
struct Shared {
    server: std::sync::Arc<Server>,
    session: String,
    bob: Client,
    bobs_other: Client,
    cem: Client,
    dan: Client,
}

impl Shared {
    async fn new() -> Self {
        let server = Server::start().await;
        let bob = Login::of_new(&server, "bob", PASSWORD).await;
        let session = bob.open(&server, &["cat"]).await;
        let mut guests = Vec::new();
        for name in ["cem", "dan"] {
            let login = Login::of_new(&server, name, PASSWORD).await;
            let path = format!("/api/sessions/{session}/grants/{name}");
            let granted = bob.ask(&server, "PUT", &path, Some(json!({ "access": "control" }))).await;
            assert_eq!(granted.status, 200, "{granted:?}");
            guests.push(join(&server, &session, &login).await);
        }
        let (bobs_other, dan, cem) =
            (join(&server, &session, &bob).await, guests.pop().expect("dan"), guests.pop().expect("cem"));
        let bob = join(&server, &session, &bob).await;
        Self { server, session, bob, bobs_other, cem, dan }
    }
}

async fn join(server: &Server, session: &str, login: &Login) -> Client {
    Client::join(server, session, Join { bearer: Some(login.access.clone()), ..Join::default() }).await
}

fn id(client: &Client) -> String {
    client.welcome.client_id.clone()
}

/// Waits until `client` is told that `holder` has control and that these ask for it.
async fn until_control(client: &mut Client, holder: Option<(&str, &str)>, asks: &[(&str, &str)]) {
    let wanted = Event::Control {
        holder: holder.map(|(id, _)| id.to_owned()),
        name: holder.map(|(_, name)| name.to_owned()),
        asking: asks
            .iter()
            .map(|(client, name)| Asking { client: (*client).to_owned(), name: Some((*name).to_owned()) })
            .collect(),
    };
    client.until_event("who has control", |event| (*event == wanted).then_some(())).await;
    client.events.clear();
}

async fn until_refused(client: &mut Client, code: RefusalCode) {
    let refused = |event: &Event| matches!(event, Event::Refused { code: with, .. } if *with == code).then_some(());
    client.until_event("a refusal", refused).await;
    client.events.clear();
}

#[tokio::test]
async fn who_asks_is_given_control_by_its_holder_and_the_owner_takes_it_back() {
    let Shared { server, session, mut bob, mut cem, mut dan, .. } = Shared::new().await;
    let (bob_id, cem_id, dan_id) = (id(&bob), id(&cem), id(&dan));
    cem.command(Command::TakeControl).await;
    until_control(&mut dan, Some((&cem_id, "cem")), &[]).await;
    dan.command(Command::TakeControl).await;
    until_refused(&mut dan, RefusalCode::ControlHeld).await;
    dan.command(Command::RequestControl).await;
    until_control(&mut cem, Some((&cem_id, "cem")), &[(&dan_id, "dan")]).await;
    cem.command(Command::GiveControl { client: dan_id.clone() }).await;
    until_control(&mut dan, Some((&dan_id, "dan")), &[]).await;
    // Only what Dan types is heard.
    let seq = cem.typed("cem\n").await;
    cem.until_acked(seq).await;
    dan.typed("dan\n").await;
    dan.until_shown("dan\r\ndan\r\n").await;
    bob.command(Command::TakeControl).await;
    until_control(&mut dan, Some((&bob_id, "bob")), &[]).await;
    bob.typed("bob\n").await;
    bob.until_shown("bob\r\nbob\r\n").await;
    assert_eq!(bob.shown(), "dan\r\ndan\r\nbob\r\nbob\r\n");
    let admin = Login::by_link(&server).await;
    let words = ["control-taken", "control-asked", "control-given", "control-taken"];
    until("the audit log", async || {
        let log = admin.ask(&server, "GET", "/api/audit", None).await.json();
        let entries = log.as_array().expect("a list").iter();
        let mut noted: Vec<_> = entries
            .filter(|entry| entry["subject"] == json!(session))
            .filter_map(|entry| entry["event"].as_str().filter(|event| event.starts_with("control-")))
            .collect();
        if log[0]["seq"].as_u64() > log[1]["seq"].as_u64() {
            noted.reverse();
        }
        (noted == words).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_window_of_the_owner_answers_for_another_and_who_is_turned_down_is_told() {
    let Shared { server: _server, mut bob, mut bobs_other, mut cem, mut dan, .. } = Shared::new().await;
    let (bob_id, cem_id, dan_id) = (id(&bob), id(&cem), id(&dan));
    bob.command(Command::TakeControl).await;
    until_control(&mut dan, Some((&bob_id, "bob")), &[]).await;
    for asking in [&mut cem, &mut dan] {
        asking.command(Command::RequestControl).await;
    }
    let mut told = vec![cem_id.clone(), dan_id.clone()];
    told.sort();
    let both = |event: &Event| match event {
        Event::Control { asking, .. } => {
            let mut clients: Vec<_> = asking.iter().map(|asking| asking.client.clone()).collect();
            clients.sort();
            (clients == told).then_some(())
        }
        _ => None,
    };
    bobs_other.until_event("both ask", both).await;
    // Neither answers for the other, nor for itself.
    for client in [&dan_id, &cem_id] {
        cem.command(Command::GiveControl { client: client.clone() }).await;
        until_refused(&mut cem, RefusalCode::ControlHeld).await;
    }
    for client in ["", "nobody", &bob_id] {
        bobs_other.command(Command::GiveControl { client: client.into() }).await;
        until_refused(&mut bobs_other, RefusalCode::NotAsking).await;
    }
    bobs_other.command(Command::DenyControl { client: dan_id.clone() }).await;
    until_control(&mut dan, Some((&bob_id, "bob")), &[(&cem_id, "cem")]).await;
    // Who withdraws, or leaves, asks no longer.
    cem.command(Command::ReleaseControl).await;
    until_control(&mut bob, Some((&bob_id, "bob")), &[]).await;
    dan.command(Command::RequestControl).await;
    until_control(&mut bob, Some((&bob_id, "bob")), &[(&dan_id, "dan")]).await;
    drop(dan);
    until_control(&mut bob, Some((&bob_id, "bob")), &[]).await;
    drop(bob);
    until_control(&mut cem, None, &[]).await;
    cem.command(Command::RequestControl).await;
    until_control(&mut bobs_other, Some((&cem_id, "cem")), &[]).await;
}
