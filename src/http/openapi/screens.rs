//! What a session shows and has printed, and the WebSocket.

use axum::http::StatusCode;
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{Array, ContentBuilder, Object, ObjectBuilder, ResponseBuilder};

use super::operation::{BYTES, JSON, Operation, content, get, told};
use super::words;
use crate::http::error::ApiError::{
    InvalidQuery, NoSuchSession, RangeNotHeld, ScreenTooLarge, TooManyViewers, UpgradeRequired, ViewOnly,
};
use crate::http::parameters::SWITCH;
use crate::http::sessions::{SCROLLBACK_ASKED_MAX, WAIT_MAX};
use crate::terminal::render::Format;

const PLAIN: &str = "text/plain";
/// One range of bytes (RFC 9110 section 14.2).
const RANGE: &str = "^bytes=([0-9]+-[0-9]*|-[0-9]*[1-9][0-9]*)$";

pub(super) fn operations() -> Vec<Operation> {
    vec![output(), screen(), text(), snapshot(), socket()]
}

fn output() -> Operation {
    let bytes = |about: &str| {
        let bytes = told(content(about, BYTES, words::bytes()), "Fantail-Offset", "Where it begins.", words::count());
        told(bytes, "Fantail-End", "Where it ends.", words::count())
    };
    let part = told(bytes("A range"), "Content-Range", "Which of what is held.", words::text());
    get("/api/sessions/{id}/output", "output", "What a session has printed")
        .explained("By `from` and `to`, or by `Range`, not both. Without `from` the oldest byte held.")
        .of_session(&[])
        .query("from", "The first byte's address.", words::count())
        .query("to", "The address behind the last byte.", words::count())
        .header("Range", "One range of bytes.", words::text().pattern(Some(RANGE)))
        .answer(StatusCode::OK, bytes("The bytes"))
        .answer(StatusCode::PARTIAL_CONTENT, part)
        .refuses([RangeNotHeld { start: 0, end: 0 }])
}

fn screen() -> Operation {
    let whole = content("The screen", JSON, screen_object())
        .content(PLAIN, ContentBuilder::new().schema(Some(words::text())).build())
        .content("text/html", ContentBuilder::new().schema(Some(words::text())).build());
    let wait = "Milliseconds to wait for another screen than that of `If-None-Match`.";
    shows(get("/api/sessions/{id}/screen", "screen", "What a session shows"))
        .query("format", "How it is written; `text` unless said.", words::one_of(&Format::ALL.map(Format::name)))
        .query("scrollback", "Lines above the screen.", words::number(0..=SCROLLBACK_ASKED_MAX))
        .query("wait", wait, words::number(0..=WAIT_MAX))
        .answer(StatusCode::OK, described(whole))
        .refuses([ScreenTooLarge])
}

fn text() -> Operation {
    shows(get("/api/sessions/{id}/text", "text", "The visible rows as text"))
        .query("styles", "With marks of style.", words::one_of(&SWITCH))
        .answer(StatusCode::OK, described(content("The rows", PLAIN, words::text())))
}

fn snapshot() -> Operation {
    let scrollback = "Lines above the screen; 1000 unless said.";
    let bytes = described(content("To be fed to a blank terminal", BYTES, words::bytes()));
    shows(get("/api/sessions/{id}/snapshot", "snapshot", "The bytes that show what is shown"))
        .query("scrollback", scrollback, words::number(0..=SCROLLBACK_ASKED_MAX))
        .answer(StatusCode::OK, told(bytes, "Fantail-Scrollback", "The lines in it.", words::count()))
}

fn shows(operation: Operation) -> Operation {
    operation
        .of_session(&[])
        .header("If-None-Match", "The ETag of what one has.", words::text())
        .answers_nothing(StatusCode::NOT_MODIFIED, "One has it")
}

/// The headers of all that a screen is answered as.
fn described(response: ResponseBuilder) -> ResponseBuilder {
    let response = told(response, "ETag", "Changes with what is shown.", words::text());
    let response = told(response, "Fantail-Offset", "All output before it is shown.", words::count());
    let response = told(response, "Fantail-Cols", "Its columns.", words::side());
    told(response, "Fantail-Rows", "Its rows.", words::side())
}

fn socket() -> Operation {
    let from = "Where to begin: an offset, `snapshot` or `start`.";
    get("/api/sessions/{id}/ws", "webSocket", "The native WebSocket, `fantail.v1`")
        .explained("Its messages are described in docs/PROTOCOL.md. Over HTTP/1.1.")
        .of_session(&[])
        .or_by_ticket()
        .query("from", from, words::text().pattern(Some("^([0-9]+|snapshot|start)$")))
        .query("scrollback", "Lines above the screen that a snapshot may hold.", words::count())
        .query("client", "An earlier client id of the same user.", words::text())
        .query("access", "No more than this.", words::asked_access())
        .query("cols", "The window's columns, together with `rows`.", words::side())
        .query("rows", "The window's rows, together with `cols`.", words::side())
        .answers_nothing(StatusCode::SWITCHING_PROTOCOLS, "The WebSocket")
        .refuses([UpgradeRequired, ViewOnly, NoSuchSession, TooManyViewers, InvalidQuery(String::new())])
}

/// A screen in JSON, as `terminal::render` writes it.
fn screen_object() -> Object {
    let nullable = |kind| ObjectBuilder::new().schema_type(SchemaType::from_iter([kind, Type::Null]));
    let shapes = words::one_of(&["default", "block", "underline", "bar"]);
    let cursor = required(
        words::object(),
        [
            ("col", words::count()),
            ("row", words::count()),
            ("visible", words::boolean()),
            ("shape", shapes),
            ("blink", nullable(Type::Boolean)),
        ],
    );
    let line = required(words::object(), [("wrapped", words::boolean())]);
    let line = line.property("runs", Array::new(run())).required("runs");
    required(
        words::object(),
        [
            ("cols", words::count()),
            ("rows", words::count()),
            ("offset", words::count()),
            ("cursor", cursor),
            ("title", words::text()),
            ("cwd", nullable(Type::String)),
            ("alternate", words::boolean()),
            ("scrollback", words::count().description(Some("How many of the lines are above the screen."))),
        ],
    )
    .property("lines", Array::new(line))
    .required("lines")
    .build()
}

/// Text of one look. What is as usual is left out.
fn run() -> ObjectBuilder {
    let lines = words::one_of(&["single", "double", "curly", "dotted", "dashed"]);
    let mut run = required(words::object(), [("text", words::text()), ("cols", words::count())]);
    for color in ["fg", "bg", "underlineColor"] {
        let number_or_rgb = SchemaType::from_iter([Type::Integer, Type::String]);
        let color_schema = ObjectBuilder::new().schema_type(number_or_rgb).minimum(Some(0)).maximum(Some(255));
        run = run.property(color, color_schema.pattern(Some("^#[0-9a-f]{6}$")));
    }
    for look in ["bold", "dim", "italic", "blink", "inverse", "invisible", "strikethrough", "overline"] {
        run = run.property(look, words::boolean());
    }
    run.property("underline", lines).property("link", words::text())
}

fn required<const N: usize>(object: ObjectBuilder, properties: [(&str, ObjectBuilder); N]) -> ObjectBuilder {
    properties.into_iter().fold(object, |object, (name, schema)| object.property(name, schema).required(name))
}
