//! One method of one route: who may call it, with what, and what comes back.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{
    self, Array, Components, ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
    SecurityRequirement,
};

use super::{ACCESS_TOKEN, API_TOKEN, REFRESH_COOKIE, TICKET, refusals, words};
use crate::auth::Right;
use crate::http::error::ApiError;

pub(super) const JSON: &str = "application/json";
pub(super) const BYTES: &str = "application/octet-stream";

/// What can be refused on every route, whatever it is.
const EVERYWHERE: [ApiError; 6] = [
    ApiError::CredentialInUrl,
    ApiError::ForeignOrigin,
    ApiError::ForeignHost,
    ApiError::Internal,
    ApiError::Draining,
    ApiError::OutOfResources,
];

/// An operation while it is described.
pub(super) struct Operation {
    path: &'static str,
    method: HttpMethod,
    written: OperationBuilder,
    refusals: Vec<ApiError>,
    answers: BTreeMap<u16, Response>,
    schemas: Vec<(String, RefOr<Schema>)>,
}

pub(super) fn get(path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(HttpMethod::Get, path, id, summary)
}

pub(super) fn post(path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(HttpMethod::Post, path, id, summary)
}

pub(super) fn put(path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(HttpMethod::Put, path, id, summary)
}

pub(super) fn patch(path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(HttpMethod::Patch, path, id, summary)
}

pub(super) fn delete(path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(HttpMethod::Delete, path, id, summary)
}

impl Operation {
    fn new(method: HttpMethod, path: &'static str, id: &str, summary: &str) -> Self {
        let written = OperationBuilder::new().operation_id(Some(id)).summary(Some(summary));
        Self { path, method, written, refusals: EVERYWHERE.into(), answers: BTreeMap::new(), schemas: Vec::new() }
    }

    /// More than the summary says.
    pub(super) fn explained(mut self, description: &str) -> Self {
        self.written = self.written.description(Some(description));
        self
    }

    /// It needs a credential with these rights. One of them that no API token can have leaves access tokens only.
    pub(super) fn by(mut self, rights: &[Right]) -> Self {
        self.written = self.written.security(SecurityRequirement::new(ACCESS_TOKEN, [] as [&str; 0]));
        if !rights.contains(&Right::Account) {
            let scopes = rights.iter().map(|right| right.as_str());
            self.written = self.written.security(SecurityRequirement::new(API_TOKEN, scopes));
        }
        self.refuses(rights.iter().map(|right| ApiError::NotAllowed(*right))).refuses([
            ApiError::Unauthenticated,
            ApiError::InvalidToken,
            ApiError::ExpiredToken,
        ])
    }

    /// It is of a session that the caller must know of, with these rights beside that to see it.
    pub(super) fn of_session(self, rights: &[Right]) -> Self {
        self.by(&[&[Right::View], rights].concat()).refuses([ApiError::NoSuchSession])
    }

    /// It needs a refresh token, in the body or in a cookie.
    pub(super) fn by_refresh_token(mut self) -> Self {
        let cookie = SecurityRequirement::new(REFRESH_COOKIE, [] as [&str; 0]);
        self.written = self.written.security(cookie).security(SecurityRequirement::default());
        self.refuses([ApiError::Unauthenticated, ApiError::InvalidToken, ApiError::ExpiredToken])
    }

    /// A ticket does as well.
    pub(super) fn or_by_ticket(mut self) -> Self {
        self.written = self.written.security(SecurityRequirement::new(TICKET, [] as [&str; 0]));
        self.refuses([ApiError::InvalidTicket])
    }

    /// It takes a JSON body.
    pub(super) fn takes<T: ToSchema>(self) -> Self {
        self.body::<T>(Required::True)
    }

    /// It takes one, and does without.
    pub(super) fn may_take<T: ToSchema>(self) -> Self {
        self.body::<T>(Required::False)
    }

    fn body<T: ToSchema>(mut self, required: Required) -> Self {
        let content = ContentBuilder::new().schema(Some(self.schema::<T>())).build();
        let body = RequestBodyBuilder::new().content(JSON, content).required(Some(required)).build();
        self.written = self.written.request_body(Some(body));
        self.refuses([
            ApiError::InvalidJson(String::new()),
            ApiError::InvalidField { field: String::new(), rule: String::new(), got: None },
            ApiError::TooLarge(0),
            ApiError::UnsupportedMediaType,
        ])
    }

    /// It has a parameter in its query, which may be left out.
    pub(super) fn query(self, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        let unknown = [ApiError::InvalidQuery(String::new())];
        self.parameter(ParameterIn::Query, name, description, schema).refuses(unknown)
    }

    /// It looks at a header, which may be left out.
    pub(super) fn header(self, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.parameter(ParameterIn::Header, name, description, schema)
    }

    fn parameter(
        mut self,
        place: ParameterIn,
        name: &str,
        description: &str,
        schema: impl Into<RefOr<Schema>>,
    ) -> Self {
        let required = if place == ParameterIn::Path { Required::True } else { Required::False };
        let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
        self.written = self.written.parameter(parameter.description(Some(description)).schema(Some(schema)).build());
        self
    }

    /// It answers with a JSON value.
    pub(super) fn answers<T: ToSchema>(mut self, status: StatusCode, description: &str) -> Self {
        let schema = self.schema::<T>();
        self.answer(status, json(description, schema))
    }

    /// It answers with a JSON array.
    pub(super) fn lists<T: ToSchema>(mut self, description: &str) -> Self {
        let items = self.schema::<T>();
        self.answer(StatusCode::OK, json(description, Array::new(items)))
    }

    /// It answers without a body.
    pub(super) fn answers_nothing(self, status: StatusCode, description: &str) -> Self {
        self.answer(status, ResponseBuilder::new().description(description))
    }

    /// It answers with this.
    pub(super) fn answer(mut self, status: StatusCode, response: ResponseBuilder) -> Self {
        self.answers.insert(status.as_u16(), response.build());
        self
    }

    /// It refuses like this, beside what every route does.
    pub(super) fn refuses(mut self, refusals: impl IntoIterator<Item = ApiError>) -> Self {
        self.refusals.extend(refusals);
        self
    }

    /// A reference to the schema of a type, which is described once.
    fn schema<T: ToSchema>(&mut self) -> Ref {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        Ref::from_schema_name(T::name())
    }

    pub(super) const fn path(&self) -> &'static str {
        self.path
    }

    pub(super) fn method(&self) -> HttpMethod {
        self.method.clone()
    }

    /// The operation, with what it refers to among the components.
    pub(super) fn finished(mut self, components: &mut Components) -> openapi::path::Operation {
        let path = self.path;
        for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            let of_session = name == "id" && path.starts_with("/api/sessions/");
            self = self.parameter(ParameterIn::Path, name, words::part(name, of_session), words::text());
        }
        if path.contains('{') {
            // Where a part is empty, or holds a slash, it is another path.
            self = self.refuses([ApiError::NoSuchRoute]);
        }
        let Self { mut written, refusals, answers, schemas, .. } = self;
        components.schemas.extend(schemas);
        for (status, refusals) in refusals::by_status(refusals) {
            // An answer of its own stands for the status.
            if !answers.contains_key(&status) {
                written = written.response(status.to_string(), refusals::response(status, &refusals, components));
            }
        }
        for (status, answer) in answers {
            written = written.response(status.to_string(), answer);
        }
        written.build()
    }
}

pub(super) fn json(description: &str, schema: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    content(description, JSON, schema)
}

/// An answer of another kind than JSON.
pub(super) fn content(description: &str, kind: &str, schema: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content(kind, content)
}

/// A header of an answer.
pub(super) fn told(
    response: ResponseBuilder,
    name: &str,
    description: &str,
    schema: impl Into<RefOr<Schema>>,
) -> ResponseBuilder {
    response.header(name, HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build())
}
