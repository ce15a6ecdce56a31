//! The page, this document, and whether the server is well.

use axum::http::StatusCode;

use super::operation::{Operation, content, get};
use super::{Description, words};
use crate::http::health::Health;

pub(super) fn describe(description: &mut Description) {
    for (path, id) in [("/health", "health"), ("/api/health", "apiHealth")] {
        let well = get(id, "Whether the server is well").answers::<Health>(StatusCode::OK, "It is");
        description.route(path, [well.answers::<Health>(StatusCode::SERVICE_UNAVAILABLE, "It is going away")]);
    }
    description.route("/openapi.json", [
        get("openApi", "This document").answer(StatusCode::OK, super::operation::json("It", words::object())),
    ]);
    for (path, id) in [("/", "page"), ("/s/{id}", "pageOfSession")] {
        description.route(path, [page(id)]);
    }
}

fn page(id: &str) -> Operation {
    get(id, "The page for people")
        .header("If-None-Match", "The ETag of the page one has.", words::text())
        .answer(StatusCode::OK, content("The page", "text/html", words::text()))
        .answers_nothing(StatusCode::NOT_MODIFIED, "One has it")
}
