//! How refusals are described: the one shape they have, with the codes that a route may answer at a status.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{AllOfBuilder, Components, ObjectBuilder, Ref, RefOr, Schema};

use super::operation::{json, told};
use super::words;
use crate::http::error::{ApiError, Refusal};

/// What the shape of refusals is called.
pub(super) const PROBLEM: &str = "Problem";

/// What every route answers at 429 to who asks too often.
const TOO_OFTEN: &str = "rate_limited";
/// What is told with it, beside when to come back.
const BUDGET: [(&str, &str); 3] = [
    ("X-RateLimit-Limit", "How many may be made at once."),
    ("X-RateLimit-Remaining", "How many of them are left."),
    ("X-RateLimit-Reset", "Seconds until all of them are there again."),
];

/// The shape of every refusal.
pub(super) fn problem() -> RefOr<Schema> {
    let details = ObjectBuilder::new().schema_type(Type::Object).description(Some("More of it, by the code."));
    words::object()
        .description(Some("Why something was refused."))
        .property("error", words::text().description(Some("For people.")))
        .required("error")
        .property("code", words::text().description(Some("For programs; it stays the same.")))
        .required("code")
        .property("status", words::number(400..=599_u16))
        .required("status")
        .property("requestId", words::id().description(Some("As the server's log has it.")))
        .required("requestId")
        .property("details", details)
        .into()
}

/// Refusals by the status they are answered with.
pub(super) fn by_status(refusals: Vec<ApiError>) -> BTreeMap<u16, Vec<Refusal>> {
    let mut sorted = BTreeMap::from([(StatusCode::TOO_MANY_REQUESTS.as_u16(), Vec::<Refusal>::new())]);
    for refusal in refusals.into_iter().map(ApiError::refusal) {
        sorted.entry(refusal.status.as_u16()).or_default().push(refusal);
    }
    sorted
}

/// A reference to the answer that is one of these, all of one status. Those that are alike are described once.
pub(super) fn response(status: u16, refusals: &[Refusal], components: &mut Components) -> Ref {
    let comes_too_often = status == StatusCode::TOO_MANY_REQUESTS.as_u16();
    let codes = refusals.iter().map(|refusal| refusal.code).chain(comes_too_often.then_some(TOO_OFTEN));
    let codes: BTreeSet<_> = codes.collect();
    let codes: Vec<_> = codes.into_iter().collect();
    let name = codes.join(".");
    let its_codes = words::object().property("code", words::one_of(&codes));
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(PROBLEM)).item(its_codes);
    let mut described = json(&format!("`{}`", codes.join("`, `")), RefOr::T(Schema::AllOf(schema.build())));
    for (name, description) in BUDGET.into_iter().filter(|_| comes_too_often) {
        described = told(described, name, description, words::count());
    }
    if comes_too_often || refusals.iter().any(|refusal| refusal.retry_after.is_some()) {
        described = told(described, "Retry-After", "Seconds after which it may be tried again.", words::count());
    }
    if status == StatusCode::UNAUTHORIZED.as_u16() {
        described = described.header("WWW-Authenticate", HeaderBuilder::new().schema(Some(words::text())).build());
    }
    let reference = Ref::from_response_name(&name);
    components.responses.insert(name, described.build().into());
    reference
}
