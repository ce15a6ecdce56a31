//! The page, this document, and whether the server is well.

use axum::http::StatusCode;

use super::operation::{Operation, content, get, json};
use super::words;
use crate::http::health::Health;

pub(super) fn operations() -> Vec<Operation> {
    let document = json("It", words::object());
    vec![
        health("/health", "health"),
        health("/api/health", "apiHealth"),
        get("/openapi.json", "openApi", "This document").answer(StatusCode::OK, document),
        page("/", "page"),
        page("/account", "pageOfAccount"),
        page("/users", "pageOfUsers"),
        page("/audit", "pageOfAudit"),
        page("/s/{id}", "pageOfSession"),
    ]
}

fn health(path: &'static str, id: &str) -> Operation {
    get(path, id, "Whether the server is well")
        .answers::<Health>(StatusCode::OK, "It is")
        .answers::<Health>(StatusCode::SERVICE_UNAVAILABLE, "It is going away")
}

fn page(path: &'static str, id: &str) -> Operation {
    get(path, id, "The page for people")
        .header("If-None-Match", "The ETag of the page one has.", words::text())
        .answer(StatusCode::OK, content("The page", "text/html", words::text()))
        .answers_nothing(StatusCode::NOT_MODIFIED, "One has it")
}
