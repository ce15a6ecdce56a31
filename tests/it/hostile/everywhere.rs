//! What is tried on every route there is, taken from the server's own description: a new route, or a new field, is tried
//! without anyone thinking of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use fantail::auth::Right;
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use crate::support::document::{Document, Operation, is};
use crate::support::raw::handshake;
use crate::support::{Answer, Postgres, Raw, Server};

/// A server with one of everything that a path can name.
struct House {
    server: Arc<Server>,
    document: Document,
    session: String,
    account: String,
}

impl House {
    async fn on(server: Arc<Server>) -> Self {
        let document = Document::of(&server).await;
        // It survives the signals that it is sent.
        let session = server.open(&["sh", "-c", "trap '' INT; exec cat"]).await;
        let added = server.call("POST", "/api/users", Some(json!({ "username": "bob", "role": "member" }))).await;
        let account = added.1["id"].as_str().expect("an id").to_owned();
        Self { server, document, session, account }
    }

    /// The path of an operation, with this for one of its parts and what is there for the others.
    fn path(&self, operation: &Operation, part: &str, value: &str) -> String {
        let id = if operation.path.starts_with("/api/sessions/") { &self.session } else { &self.account };
        let there = [("id", id.as_str()), ("share", id), ("user", "nobody")];
        there.into_iter().fold(operation.path.clone(), |path, (name, there)| {
            let value = if name == part { value } else { there };
            path.replace(&format!("{{{name}}}"), value)
        })
    }
}

/// An API token with these scopes.
async fn token(server: &Server, scopes: &[Right]) -> String {
    let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
    let minted = server.call("POST", "/api/tokens", Some(json!({ "name": "try", "scopes": scopes }))).await;
    minted.1["token"].as_str().unwrap_or_else(|| panic!("no token: {minted:?}")).to_owned()
}

/// Asks a route with its least body. What it would end if it were allowed is made for it.
async fn ask(house: &House, operation: &Operation, bearer: &str) -> Answer {
    let server = &house.server;
    if operation.path.ends_with("/ws") {
        let authorization = format!("Bearer {bearer}");
        let request = handshake(server, &house.session, &[("authorization", &authorization)]);
        return Raw::connect(server).await.ask(&request).await;
    }
    let path = match operation.route().as_str() {
        "DELETE /api/sessions/{id}" => format!("/api/sessions/{}", server.open(&["cat"]).await),
        _ => house.path(operation, "", ""),
    };
    let body = operation.body.as_ref().map(|body| house.document.least(house.document.alternatives(body)[0]));
    server.ask(Some(bearer), &operation.method, &path, body).await
}

#[tokio::test]
async fn h41_every_route_takes_the_scopes_it_is_described_with_and_no_others() {
    let house = House::on(Server::start().await).await;
    let alone = Right::SCOPES.map(|scope| vec![scope]);
    let beside_view = Right::SCOPES.map(|scope| vec![Right::View, scope]);
    let all_but_one = Right::SCOPES.map(|left_out| {
        let mut scopes = Right::SCOPES.to_vec();
        scopes.retain(|scope| *scope != left_out);
        scopes
    });
    let mut asked = 0;
    for scopes in alone.into_iter().chain(beside_view).chain(all_but_one) {
        let bearer = token(&house.server, &scopes).await;
        for operation in house.document.operations().iter().filter(|operation| operation.is_guarded()) {
            let has = |needed: &String| scopes.iter().any(|scope| scope.as_str() == needed);
            // Where no API token has a way in, none is let in.
            let is_allowed = operation.scopes().is_some_and(|needed| needed.iter().all(has));
            let answer = ask(&house, operation, &bearer).await;
            let is_refused = answer.code() == (403, "not_allowed".into());
            assert_ne!(is_refused, is_allowed, "{} with {scopes:?}: {answer:?}", operation.route());
            asked += 1;
        }
    }
    println!("{asked} requests");
}

/// What ends a string, a statement or a pattern in SQL, or a string in C.
const METACHARACTERS: [&str; 10] = [
    "'",
    "\"",
    "\\'",
    "' or '1'='1",
    "'); delete from accounts; --",
    "'; drop table sessions; --",
    "%",
    "$1 ?1 :name",
    "/* ",
    "a\0b",
];

#[tokio::test]
async fn h77_sql_in_any_field_of_any_route_is_text_in_sqlite() {
    let server = Server::start().await;
    let file = format!("sqlite://{}", server.data().join("fantail.db").display());
    nothing_comes_of_sql(server, &file).await;
}

#[tokio::test]
async fn h77_sql_in_any_field_of_any_route_is_text_in_postgresql() {
    let postgres = Postgres::start();
    let database = postgres.schema().await;
    let data = tempfile::tempdir().expect("a directory");
    let server = Server::launch(data, &[], &[("FANTAIL_DATABASE_URL", &database)]).await;
    nothing_comes_of_sql(Arc::new(server), &database).await;
}

async fn nothing_comes_of_sql(server: Arc<Server>, database: &str) {
    let house = House::on(server).await;
    sqlx::any::install_default_drivers();
    let mut rows = AnyConnection::connect(database).await.expect("the database");
    let before = counted(&mut rows).await;
    let mut made = Made::default();
    for operation in house.document.operations() {
        for text in METACHARACTERS {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let usual = operation.body.as_ref().map(|body| house.document.least(house.document.alternatives(body)[0]));
            for part in operation.parameters("path") {
                made.by(&house, &operation, &house.path(&operation, &part, &encoded), usual.clone()).await;
            }
            let path = house.path(&operation, "", "");
            for parameter in operation.parameters("query") {
                made.by(&house, &operation, &format!("{path}?{parameter}={encoded}"), usual.clone()).await;
            }
            for alternative in operation.body.iter().flat_map(|body| house.document.alternatives(body)) {
                for (place, schema) in house.document.places(alternative) {
                    if is(house.document.resolved(&schema), "string") {
                        let body = house.document.with(alternative, &place, text.into());
                        made.by(&house, &operation, &path, Some(body)).await;
                    }
                }
            }
        }
    }
    println!("{} requests", made.requests);
    assert!(made.requests > 300, "{} requests", made.requests);
    let after = counted(&mut rows).await;
    for (table, before) in before {
        let expected = before + made.rows.get(table).copied().unwrap_or_default();
        assert_eq!(after[table], expected, "{table}");
    }
    let (_, sessions) = house.server.call("GET", "/api/sessions", None).await;
    assert_eq!(sessions.as_array().map(Vec::len), Some(1), "each that was opened was closed: {sessions}");
}

/// What came of the requests.
#[derive(Default)]
struct Made {
    requests: u32,
    /// Rows that a request was meant to make.
    rows: BTreeMap<&'static str, i64>,
}

impl Made {
    async fn by(&mut self, house: &House, operation: &Operation, path: &str, body: Option<Value>) {
        let (server, route) = (&house.server, operation.route());
        if route == "DELETE /api/sessions/{id}" && path.ends_with(&house.session) {
            return;
        }
        let answer = server.ask(Some(&server.token), &operation.method, path, body.clone()).await;
        assert!(answer.status < 500, "{route} at {path} with {body:?}: {answer:?}");
        self.requests += 1;
        if answer.status != 201 {
            return;
        }
        let table = match route.as_str() {
            "POST /api/users" => "accounts",
            "POST /api/tokens" => {
                // An account has a hundred at most that are not revoked.
                let id = answer.json()["id"].as_str().expect("an id").to_owned();
                assert_eq!(server.call("DELETE", &format!("/api/tokens/{id}"), None).await.0, 204);
                "api_tokens"
            }
            "POST /api/sessions/{id}/shares" => "shares",
            "POST /api/sessions" => return server.close(answer.json()["id"].as_str().expect("an id")).await,
            "POST /api/users/{id}/link" => return,
            _ => panic!("{route} made something"),
        };
        *self.rows.entry(table).or_default() += 1;
    }
}

/// How many rows there are of what requests can make. Sessions are counted over REST: they are written down later.
async fn counted(rows: &mut AnyConnection) -> BTreeMap<&'static str, i64> {
    let mut counted = BTreeMap::new();
    for table in ["accounts", "api_tokens", "devices", "grants", "logins", "refresh_tokens", "shares", "signing_keys"] {
        let count = sqlx::query(AssertSqlSafe(format!("select count(*) from {table}"))).fetch_one(&mut *rows).await;
        counted.insert(table, count.unwrap_or_else(|error| panic!("{table}: {error}")).get(0));
    }
    counted
}
