//! The schemas of values: their words, lengths and ranges, from the constants that they are checked by.
//!
//! Where JSON Schema cannot say the rule (bytes of UTF-8, what goes with what) it says less, and the description says the
//! rest: no value that is taken breaks its schema.

use std::ops::RangeInclusive;

use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, SchemaType, Type};
use utoipa::openapi::{Array, KnownFormat, Object, ObjectBuilder, OneOfBuilder, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::auth::oidc::NEXT_MAX;
use crate::auth::password::{PASSWORD_MAX, PASSWORD_MIN};
use crate::auth::{Access, Mail, Right, Role, Username, api_token};
use crate::http::sessions::{Input, LABEL_CHARS_MAX, NAME_CHARS_MAX, SHARE_LIFETIME_MAX};
use crate::session::{Launch, Signal};
use crate::terminal::Size;

/// Control characters (C0, DEL, C1), as a part of a class of a pattern.
const CONTROL: &str = "\\u0000-\\u001f\\u007f-\\u009f";
/// Blanks that are no control characters, as Unicode has them (`White_Space`).
const BLANK: &str = "\\u0020\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
/// Text without NUL.
const NO_NUL: &str = "^[^\\u0000]*$";
/// Base64 with padding whose unused bits are zero (RFC 4648 section 4).
const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";

pub(in crate::http) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn text_or_null() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// An object that may have other properties than those that are named.
pub(in crate::http) fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object)
}

pub(in crate::http) fn boolean() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

pub(in crate::http) fn id() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
}

/// A number of something: from 0 on.
pub(in crate::http) fn count() -> ObjectBuilder {
    number(0..=u64::MAX)
}

pub(in crate::http) fn number<N: Into<u64> + Copy>(range: RangeInclusive<N>) -> ObjectBuilder {
    ranged(Type::Integer.into(), range)
}

pub(in crate::http) fn number_or_null<N: Into<u64> + Copy>(range: RangeInclusive<N>) -> ObjectBuilder {
    ranged(SchemaType::from_iter([Type::Integer, Type::Null]), range)
}

fn ranged<N: Into<u64> + Copy>(kind: SchemaType, range: RangeInclusive<N>) -> ObjectBuilder {
    let (least, most): (u64, u64) = ((*range.start()).into(), (*range.end()).into());
    ObjectBuilder::new().schema_type(kind).minimum(Some(least)).maximum(Some(most))
}

pub(in crate::http) fn one_of<T: Into<Value> + Clone>(words: &[T]) -> ObjectBuilder {
    text().enum_values(Some(words.iter().cloned()))
}

/// A part of a path.
pub(super) fn part(name: &str, of_session: bool) -> &'static str {
    match name {
        "id" if of_session => "The session's id.",
        "user" => "The name of an account.",
        "share" => "The share's id.",
        "provider" => "The provider's name.",
        _ => "Its id.",
    }
}

/// Bytes as they are.
pub(super) fn bytes() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
}

// What people call things.

fn shown_name(most: usize) -> ObjectBuilder {
    let pattern = format!("^[^{CONTROL}]*[^{CONTROL}{BLANK}][^{CONTROL}]*$");
    text().min_length(Some(1)).max_length(Some(most)).pattern(Some(pattern))
}

pub(in crate::http) fn session_name() -> Object {
    shown_name(NAME_CHARS_MAX).build()
}

pub(in crate::http) fn session_name_or_null() -> Object {
    let kind = SchemaType::from_iter([Type::String, Type::Null]);
    shown_name(NAME_CHARS_MAX).schema_type(kind).description(Some("Left out: that of the program.")).build()
}

pub(in crate::http) fn token_name() -> Object {
    shown_name(api_token::NAME_CHARS_MAX).build()
}

pub(in crate::http) fn share_label() -> Object {
    text().max_length(Some(LABEL_CHARS_MAX)).pattern(Some(format!("^[^{CONTROL}]*$"))).build()
}

// Accounts.

pub(in crate::http) fn username() -> Object {
    let rest = Username::MAX - 1;
    text().pattern(Some(format!("^[A-Za-z0-9._@][A-Za-z0-9._@-]{{0,{rest}}}$"))).max_length(Some(Username::MAX)).build()
}

pub(in crate::http) fn mail_or_null() -> Object {
    let plain = format!("[^{CONTROL}{BLANK}<>\"(),:;\\\\\\[\\]@]");
    let about = format!("At most {} bytes.", Mail::MAX);
    text_or_null()
        .max_length(Some(Mail::MAX))
        .pattern(Some(format!("^{plain}+@{plain}+$")))
        .description(Some(about))
        .build()
}

fn password_of(kind: ObjectBuilder) -> Object {
    // A character takes up to four bytes.
    let least = PASSWORD_MIN.div_ceil(4);
    let about = format!("{PASSWORD_MIN} to {PASSWORD_MAX} bytes of UTF-8.");
    kind.min_length(Some(least)).max_length(Some(PASSWORD_MAX)).pattern(Some(NO_NUL)).description(Some(about)).build()
}

pub(in crate::http) fn password() -> Object {
    password_of(text())
}

pub(in crate::http) fn password_or_null() -> Object {
    password_of(text_or_null())
}

pub(in crate::http) fn page_or_null() -> Object {
    let page = "^/([A-Za-z0-9_-]+/)*[A-Za-z0-9_-]*$";
    let about = "The path of the page to come back to.";
    text_or_null().max_length(Some(NEXT_MAX)).pattern(Some(page)).description(Some(about)).build()
}

// Sessions.

pub(in crate::http) fn side() -> Object {
    number(Size::MIN..=Size::MAX).build()
}

pub(in crate::http) fn side_or_null() -> Object {
    number_or_null(Size::MIN..=Size::MAX).build()
}

pub(in crate::http) fn command_or_null() -> Array {
    let program = text().min_length(Some(1)).pattern(Some(NO_NUL)).build();
    ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .prefix_items([Schema::Object(program)])
        .items(text().pattern(Some(NO_NUL)))
        .min_items(Some(1))
        .max_items(Some(Launch::WORDS_MAX))
        .description(Some("Not together with `profile`, and for who may name commands. At most 512 KiB."))
        .build()
}

pub(in crate::http) fn appended_words() -> Array {
    let word = text().pattern(Some(format!("^(?!-)[^{CONTROL}]*$")));
    let about = "Words to append to the profile's command, where it takes some.";
    ArrayBuilder::new().items(word).max_items(Some(Launch::WORDS_MAX)).description(Some(about)).build()
}

pub(in crate::http) fn additions_to_environment() -> Object {
    let name = text().pattern(Some("^(?!FANTAIL_)[^=\\u0000]+$")).build();
    let about = "Who may not name commands sets TERM, COLORTERM, LANG, LC_… and TZ only. At most 512 KiB.";
    object()
        .property_names(Some(Schema::Object(name)))
        .additional_properties(Some(RefOr::T(Schema::Object(text().pattern(Some(NO_NUL)).build()))))
        .max_properties(Some(Launch::WORDS_MAX))
        .description(Some(about))
        .build()
}

pub(in crate::http) fn directory_or_null() -> Object {
    let about = "Below the profile's roots, if it has some. Left out: home, or the first root.";
    text_or_null().pattern(Some("^(/|~$|~/)[^\\u0000]*$")).description(Some(about)).build()
}

pub(in crate::http) fn signal() -> Object {
    let long = Signal::NAMES.map(|name| format!("SIG{name}"));
    one_of(&[Signal::NAMES.map(str::to_owned), long].concat()).build()
}

// What the session object calls things by.

pub(in crate::http) fn status() -> Object {
    one_of(&["starting", "running", "exited"]).build()
}

pub(in crate::http) fn spawn() -> Object {
    one_of(&["now", "onAttach"]).build()
}

pub(in crate::http) fn pace() -> Object {
    one_of(&["free", "fastest", "lossless"]).build()
}

pub(in crate::http) fn sizes() -> Object {
    one_of(&["latest", "owner", "smallest", "fixed"]).build()
}

pub(in crate::http) fn health() -> Object {
    one_of(&["ok", "draining"]).build()
}

impl ToSchema for Input {}

/// It is given in one of two ways.
impl PartialSchema for Input {
    fn schema() -> RefOr<Schema> {
        let one = |name: &str, given: ObjectBuilder, other: &str| {
            let nothing = ObjectBuilder::new().schema_type(Type::Null);
            let either = object().property(name, given).required(name).property(other, nothing);
            either.additional_properties(Some(AdditionalProperties::FreeForm(false)))
        };
        let base64 = text().pattern(Some(BASE64));
        OneOfBuilder::new().item(one("text", text(), "base64")).item(one("base64", base64, "text")).into()
    }
}

// Who may do what.

/// What can be asked for or given: nobody asks to own.
const ASKED: [&str; 2] = ["view", "control"];

pub(in crate::http) fn asked_access() -> Object {
    one_of(&ASKED).build()
}

pub(in crate::http) fn asked_access_or_null() -> Object {
    let words = ASKED.into_iter().map(Value::from).chain([Value::Null]);
    text_or_null().enum_values(Some(words)).build()
}

pub(in crate::http) fn scopes() -> Array {
    Array::new(one_of(&Right::SCOPES.map(Right::as_str)))
}

pub(in crate::http) fn some_scopes() -> Array {
    ArrayBuilder::new().items(one_of(&Right::SCOPES.map(Right::as_str))).min_items(Some(1)).build()
}

pub(in crate::http) fn token_lifetime() -> Object {
    lifetime(api_token::LIFETIME_MAX, "Seconds; 90 days unless said.")
}

pub(in crate::http) fn share_lifetime() -> Object {
    lifetime(SHARE_LIFETIME_MAX, "Seconds; an hour unless said.")
}

fn lifetime(most: jiff::SignedDuration, about: &str) -> Object {
    number_or_null(1..=most.as_secs().unsigned_abs()).description(Some(about)).build()
}

pub(in crate::http) fn uses() -> Object {
    number_or_null(1..=u32::MAX).description(Some("How often it can be used; without end unless said.")).build()
}

impl PartialSchema for Access {
    fn schema() -> RefOr<Schema> {
        one_of(&[Self::View, Self::Control, Self::Own].map(|access| access.to_string())).into()
    }
}

impl ToSchema for Access {}

impl PartialSchema for Role {
    fn schema() -> RefOr<Schema> {
        one_of(&[Self::Guest, Self::Member, Self::Admin].map(Self::as_str)).into()
    }
}

impl ToSchema for Role {}
