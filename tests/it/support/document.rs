//! The server's own description of its routes (`GET /openapi.json`), and requests made from it.

use serde_json::{Map, Value, json};

use super::Server;

/// The description.
pub struct Document(Value);

/// One method of one route.
pub struct Operation {
    pub method: String,
    pub path: String,
    /// The schema of its body, if it takes one.
    pub body: Option<Value>,
    pub described: Value,
}

/// A place in a body: the names and indices that lead to it.
pub type Place = Vec<String>;

/// A text that fits nearly every schema: a name, a password, base64.
const PLAIN: &str = "aaaaaaaaaaaa";

/// An id that nothing has.
const NO_ID: &str = "00000000-0000-4000-8000-000000000000";

impl Document {
    pub async fn of(server: &Server) -> Self {
        let answer = server.ask(None, "GET", "/openapi.json", None).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Self(answer.json())
    }

    pub const fn json(&self) -> &Value {
        &self.0
    }

    pub fn operations(&self) -> Vec<Operation> {
        let paths = self.0["paths"].as_object().expect("paths");
        let of_path = |(path, item): (&String, &Value)| {
            let methods = item.as_object().expect("an item").iter();
            let operation = |(method, described): (&String, &Value)| Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                body: described.pointer("/requestBody/content/application~1json/schema").cloned(),
                described: described.clone(),
            };
            methods.map(operation).collect::<Vec<_>>()
        };
        paths.iter().flat_map(of_path).collect()
    }

    /// The schema that is meant where a reference may stand; the one that is not null, where null may stand as well.
    pub fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.strip_prefix('#').expect("within the document");
            return self.resolved(self.0.pointer(pointer).unwrap_or_else(|| panic!("nothing at {reference}")));
        }
        let alternatives = schema["oneOf"].as_array().into_iter().flatten();
        match alternatives.filter(|alternative| alternative["type"] != "null").collect::<Vec<_>>()[..] {
            [only] => self.resolved(only),
            _ => schema,
        }
    }

    /// The alternatives of a schema: itself, if it has none.
    pub fn alternatives<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        let schema = self.resolved(schema);
        match schema["oneOf"].as_array() {
            Some(alternatives) => alternatives.iter().map(|alternative| self.resolved(alternative)).collect(),
            None => vec![schema],
        }
    }

    /// The least value of a schema.
    pub fn least(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(word) = schema["enum"].as_array().and_then(|words| words.first()) {
            return word.clone();
        }
        if is(schema, "object") {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let named = required.map(|name| (name.to_owned(), self.least(&schema["properties"][name])));
            return Value::Object(named.collect());
        }
        if is(schema, "array") {
            let items = usize::try_from(schema["minItems"].as_u64().unwrap_or(0)).expect("few");
            return vec![self.least(&schema["items"]); items].into();
        }
        match () {
            () if is(schema, "integer") => schema["minimum"].as_i64().unwrap_or(0).into(),
            () if is(schema, "boolean") => false.into(),
            () if schema["format"] == "uuid" => NO_ID.into(),
            () if is(schema, "string") => PLAIN.into(),
            () => Value::Null,
        }
    }

    /// Every place of a body and its schema, as it stands there, however deep.
    pub fn places(&self, schema: &Value) -> Vec<(Place, Value)> {
        let mut found = Vec::new();
        self.collect(schema, &mut Vec::new(), &mut found);
        found
    }

    fn collect(&self, schema: &Value, at: &mut Place, found: &mut Vec<(Place, Value)>) {
        found.push((at.clone(), schema.clone()));
        let schema = self.resolved(schema);
        let mut below = |step: &str, schema: &Value| {
            at.push(step.to_owned());
            self.collect(schema, at, found);
            at.pop();
        };
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            below(name, property);
        }
        if schema["additionalProperties"].is_object() {
            below(PLAIN, &schema["additionalProperties"]);
        }
        if is(schema, "array") {
            below("0", &schema["items"]);
        }
    }

    /// The least body of a schema with `value` at a place: what is missing on the way is made.
    pub fn with(&self, schema: &Value, place: &[String], value: Value) -> Value {
        let mut body = self.least(schema);
        self.put(schema, &mut body, place, value);
        body
    }

    fn put(&self, schema: &Value, body: &mut Value, place: &[String], value: Value) {
        let Some((step, rest)) = place.split_first() else { return *body = value };
        let schema = self.resolved(schema);
        if is(schema, "array") {
            if !body.is_array() || body == &json!([]) {
                *body = json!([self.least(&schema["items"])]);
            }
            return self.put(&schema["items"], &mut body[0], rest, value);
        }
        if !body.is_object() {
            *body = self.least(schema);
        }
        let named = &schema["properties"][step];
        let its = if named.is_null() { &schema["additionalProperties"] } else { named };
        if body[step].is_null() {
            body[step] = self.least(its);
        }
        self.put(its, &mut body[step], rest, value);
    }
}

impl Operation {
    /// As the router's table has it.
    pub fn route(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The names of its parameters of a kind: `path`, `query` or `header`.
    pub fn parameters(&self, kind: &str) -> Vec<String> {
        let parameters = self.described["parameters"].as_array().into_iter().flatten();
        let names = parameters.filter(|parameter| parameter["in"] == kind).map(|parameter| &parameter["name"]);
        names.map(|name| name.as_str().expect("a name").to_owned()).collect()
    }

    /// The scopes that it needs an API token to have; none where no API token does.
    pub fn scopes(&self) -> Option<Vec<String>> {
        let security = self.described["security"].as_array()?.iter();
        let scopes = security.filter_map(|way| way.get("apiToken")?.as_array()).next()?;
        Some(scopes.iter().map(|scope| scope.as_str().expect("a scope").to_owned()).collect())
    }

    /// Whether an access token is a way in.
    pub fn is_guarded(&self) -> bool {
        let security = self.described["security"].as_array().into_iter().flatten();
        security.into_iter().any(|way| way.get("accessToken").is_some())
    }
}

/// Whether a schema takes values of a type.
pub fn is(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(only) => only == kind,
        Value::Array(kinds) => kinds.iter().any(|one| one == kind),
        _ => false,
    }
}

/// Whether null may stand where a schema stands.
pub fn is_nullable(schema: &Value) -> bool {
    is(schema, "null") || schema["oneOf"].as_array().is_some_and(|all| all.iter().any(|one| one["type"] == "null"))
}

/// An object with one more property, which no schema knows.
pub fn with_a_stranger(body: &Value) -> Value {
    let mut body: Map<String, Value> = body.as_object().expect("an object").clone();
    body.insert("stranger".into(), 1.into());
    body.into()
}
