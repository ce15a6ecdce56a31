//! `GET /openapi.json` is true: it has the routes that there are, and says of what they take what the server says.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Value, json};

use crate::support::document::{Document, Operation, Place, is, is_nullable, with_a_stranger};
use crate::support::{Server, routes_of_the_source};

/// What a schema cannot say, because it depends on something else: where it is so, only what is refused is tried.
const DEPENDS: [(&str, &str, &str); 2] = [
    ("POST /api/sessions", "args", "on whether the profile takes some"),
    ("PATCH /api/auth/me", "password", "on whether there is one so far, which must be given then"),
];

#[tokio::test]
async fn every_route_of_the_table_is_described_and_nothing_else_is() {
    let server = Server::start().await;
    let document = Document::of(&server).await;
    let described: BTreeSet<_> = document.operations().iter().map(Operation::route).collect();
    assert_eq!(described, routes_of_the_source(), "a new route is described in src/http/openapi");
    let operations = document.operations();
    let ids: HashSet<_> =
        operations.iter().filter_map(|operation| operation.described["operationId"].as_str()).collect();
    assert_eq!(ids.len(), operations.len(), "each has its own name");
    let text = document.json().to_string();
    let references = text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().expect("closed"));
    for reference in references {
        assert!(document.json().pointer(reference).is_some(), "nothing at {reference}");
    }
}

#[tokio::test]
async fn every_code_of_the_contract_is_one_that_some_route_answers() {
    let server = Server::start().await;
    let document = Document::of(&server).await.json().to_string();
    let contract = include_str!("../../docs/PROTOCOL.md");
    let table =
        contract.split("| status | codes |").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a table");
    let cells = table.lines().filter_map(|line| line.split('|').nth(2));
    // In parentheses stand details, which are no codes.
    let codes = cells.flat_map(|cell| cell.split('·')).filter_map(|code| code.split('`').nth(1));
    let mut checked = 0;
    for code in codes {
        let is_described = document.contains(&format!("\"{code}\""));
        // What is not described has no description.
        assert_eq!(is_described, code != "method_not_allowed", "{code}");
        checked += 1;
    }
    assert!(checked > 40, "{checked} codes are in the contract");
}

#[tokio::test]
async fn what_breaks_a_schema_is_refused_and_what_just_keeps_it_is_taken() {
    let tried = Tried::new().await;
    let mut checked = 0;
    for operation in tried.document.operations() {
        let Some(body) = &operation.body else { continue };
        for alternative in tried.document.alternatives(body) {
            for (place, raw) in tried.document.places(alternative) {
                checked += tried.place(&operation, alternative, &place, &raw).await;
            }
        }
    }
    println!("{checked} bodies");
    assert!(checked > 200, "{checked} bodies were tried");
}

/// A server, and what its routes need to be reached.
struct Tried {
    server: std::sync::Arc<Server>,
    document: Document,
    session: String,
    account: String,
}

impl Tried {
    async fn new() -> Self {
        let server = Server::start().await;
        let document = Document::of(&server).await;
        let session = server.open(&["cat"]).await;
        let added = server.call("POST", "/api/users", Some(json!({ "username": "bob", "role": "guest" }))).await;
        let account = added.1["id"].as_str().expect("an id").to_owned();
        Self { server, document, session, account }
    }

    /// Tries what a schema forbids, and what it just allows, at one place of a body. How many bodies these were.
    async fn place(&self, operation: &Operation, body: &Value, place: &Place, raw: &Value) -> usize {
        let schema = self.document.resolved(raw);
        let route = operation.route();
        let at = format!("{route} .{}", place.join("."));
        let refused = self.forbidden(schema, is_nullable(raw));
        for value in &refused {
            let status = self.ask(operation, self.document.with(body, place, value.clone())).await;
            assert_eq!(status, 400, "{at} is described as {schema}, but {} is not refused", shortened(value));
        }
        let depends =
            DEPENDS.iter().any(|(its, first, _)| *its == route && place.first().is_some_and(|name| name == first));
        let taken = if depends || place.is_empty() { Vec::new() } else { allowed(schema) };
        for alternatives in &taken {
            let mut statuses = Vec::new();
            for value in alternatives {
                statuses.push(self.ask(operation, self.document.with(body, place, value.clone())).await);
            }
            let shown: Vec<_> = alternatives.iter().map(shortened).collect();
            assert!(
                statuses.iter().any(|status| *status != 400),
                "{at} is described as {schema}, but refused: {shown:?}"
            );
        }
        refused.len() + taken.len()
    }

    /// Values that break a schema, each in one way.
    fn forbidden(&self, schema: &Value, is_nullable: bool) -> Vec<Value> {
        let mut values = Vec::new();
        values.push(if is(schema, "object") { json!([]) } else { json!({ "a": 1 }) });
        values.extend((!is_nullable).then_some(Value::Null));
        if let Some(least) = schema["minimum"].as_i64() {
            values.push((least - 1).into());
        }
        if let Some(most) = schema["maximum"].as_u64().and_then(|most| most.checked_add(1)) {
            values.push(most.into());
        }
        if is(schema, "string") {
            values.push(1.into());
            values.extend(schema["maxLength"].as_u64().map(|most| text("a", most + 1)));
            values.extend(schema["minLength"].as_u64().map(|least| text("a", least - 1)));
            values.extend((schema["enum"].is_array() || schema["format"] == "uuid").then(|| "no such word".into()));
            // No pattern of ours lets one through.
            values.extend(schema["pattern"].is_string().then(|| "a\0a".into()));
        }
        if is(schema, "array") {
            let items = |n: u64| Value::Array(vec![self.document.least(&schema["items"]); n as usize]);
            values.extend(schema["maxItems"].as_u64().map(|most| items(most + 1)));
            values.extend(schema["minItems"].as_u64().map(|least| items(least - 1)));
        }
        if is(schema, "object") {
            let whole = self.document.least(schema);
            values.extend((schema["additionalProperties"] == false).then(|| with_a_stranger(&whole)));
            if let Some(most) = schema["maxProperties"].as_u64() {
                let many = (0..=most).map(|n| (format!("A{n}"), Value::from("")));
                values.push(Value::Object(many.collect()));
            }
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let mut without = whole.clone();
                without.as_object_mut().expect("an object").remove(name);
                values.push(without);
            }
        }
        values
    }

    async fn ask(&self, operation: &Operation, body: Value) -> u16 {
        let of_session = operation.path.starts_with("/api/sessions/");
        let id = if of_session { &self.session } else { &self.account };
        let path = operation.path.replace("{id}", id).replace("{user}", "bob").replace("{share}", id);
        self.server.ask(Some(&self.server.token), &operation.method, &path, Some(body)).await.status
    }
}

/// Values at the limits of a schema. Of each list one at least must be taken: a schema counts characters where a rule
/// may count bytes, and says by a pattern what a limit is of.
fn allowed(schema: &Value) -> Vec<Vec<Value>> {
    let mut values: Vec<Vec<Value>> = Vec::new();
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| vec![word.clone()]).collect();
    }
    if is(schema, "integer") {
        values.extend([schema["minimum"].clone(), schema["maximum"].clone()].map(|limit| vec![limit]));
        values.retain(|limits| limits[0].is_number());
    }
    for limit in ["minLength", "maxLength"] {
        if let Some(length) = schema[limit].as_u64() {
            let below = |less: u64| text("a", length.saturating_sub(less)).as_str().expect("a text").to_owned();
            let (mail, path) = (format!("{}@b", below(2)), format!("/{}", below(1)));
            values.push(vec![text("a", length), text("\u{10000}", length), mail.into(), path.into()]);
        }
    }
    values
}

fn text(letter: &str, length: u64) -> Value {
    letter.repeat(length as usize).into()
}

fn shortened(value: &Value) -> String {
    value.to_string().chars().take(80).collect()
}

#[tokio::test]
async fn a_path_that_is_no_text_names_nothing() {
    let tried = Tried::new().await;
    for operation in tried.document.operations() {
        for part in operation.parameters("path") {
            let path = operation.path.replace(&format!("{{{part}}}"), "%ff");
            let path = path.replace("{id}", &tried.session);
            let body = operation.body.as_ref().map(|body| tried.document.least(tried.document.alternatives(body)[0]));
            let answer = tried.server.ask(Some(&tried.server.token), &operation.method, &path, body).await;
            // These look at something else first, or at nothing.
            if ["/s/{id}", "/ws", "/callback"].iter().any(|end| operation.path.ends_with(end)) {
                continue;
            }
            assert_eq!(answer.status, 404, "{}: {answer:?}", operation.route());
            assert!(answer.json()["code"].is_string(), "{}: {answer:?}", operation.route());
        }
    }
}
