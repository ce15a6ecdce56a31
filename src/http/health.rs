//! Whether the server is well, for load balancers and people. Open to everyone who may talk to it at all.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::openapi::words;

#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    #[schema(schema_with = words::health)]
    status: &'static str,
    version: &'static str,
    uptime: i64,
}

/// 200 while well, 503 while going away.
pub(super) async fn health(State(app): State<App>) -> impl IntoResponse {
    let (code, status) = if app.draining().is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else {
        (StatusCode::OK, "ok")
    };
    (code, Json(Health { status, version: env!("CARGO_PKG_VERSION"), uptime: app.uptime().as_secs() }))
}
