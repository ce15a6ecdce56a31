//! The parameters of a URL: taken by name, each at most once, and none that is not known, so that a misspelt one is
//! named and not ignored.

use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::App;
use super::error::ApiError;

/// The values a switch can have: on, then off.
pub(super) const SWITCH: [&str; 5] = ["", "1", "true", "0", "false"];

/// The parameters not taken yet.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The value of `name`.
    ///
    /// # Errors
    /// When it is given twice.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let mut values = self.0.extract_if(.., |(given, _)| given == name).map(|(_, value)| value);
        let value = values.next();
        if values.next().is_some() { Err(ApiError::parameter(name, "given twice")) } else { Ok(value) }
    }

    /// The value of `name` as one of the values a type has.
    ///
    /// # Errors
    /// When it is none of them, or given twice.
    pub(super) fn take_as<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str) -> Result<Option<T>, ApiError> {
        let value = self.take(name)?;
        value.map(|value| value.parse().map_err(|rule: T::Err| ApiError::parameter(name, rule))).transpose()
    }

    /// The value of `name` as a number of `range`.
    ///
    /// # Errors
    /// When it is none, or given twice.
    pub(super) fn take_number(&mut self, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, ApiError> {
        let Some(value) = self.take(name)? else { return Ok(None) };
        // A sign or a blank is no part of a number here, though Rust reads the plus.
        let digits = Some(&value).filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
        match digits.and_then(|digits| digits.parse().ok()).filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let rule = format!("must be a number between {} and {}", range.start(), range.end());
                Err(ApiError::parameter(name, rule))
            }
        }
    }

    /// Whether the switch `name` is given: alone, as `true` or as `1`.
    ///
    /// # Errors
    /// When it has another value than a switch may have, or is given twice.
    pub(super) fn take_switch(&mut self, name: &str) -> Result<bool, ApiError> {
        match self.take(name)?.as_deref() {
            Some("" | "1" | "true") => Ok(true),
            None | Some("0" | "false") => Ok(false),
            Some(_) => Err(ApiError::parameter(name, "must be true or false, or stand alone")),
        }
    }

    /// Whether that was all.
    ///
    /// # Errors
    /// With the first parameter that nobody took.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        match self.0.first() {
            Some((name, _)) => Err(ApiError::parameter(name, "unknown")),
            None => Ok(()),
        }
    }
}

impl FromRequestParts<App> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let pairs = Query::try_from_uri(&parts.uri);
        pairs.map(|Query(pairs)| Self(pairs)).map_err(|_| ApiError::InvalidQuery("not name=value&…".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(query: &str) -> Parameters {
        let uri = format!("/?{query}").parse().unwrap();
        Parameters(Query::try_from_uri(&uri).unwrap().0)
    }

    fn refusal(name: &str, rule: &str) -> ApiError {
        ApiError::parameter(name, rule)
    }

    #[test]
    fn each_is_taken_once_and_none_is_overlooked() {
        let mut given = parameters("a=1&b=%20x&c");
        assert_eq!(given.take("b"), Ok(Some(" x".into())));
        assert_eq!(given.take("b"), Ok(None));
        assert_eq!(given.take_switch("c"), Ok(true));
        assert_eq!(given.finish(), Err(refusal("a", "unknown")));
        assert_eq!(parameters("a=1&a=1").take("a"), Err(refusal("a", "given twice")));
        assert_eq!(parameters("").finish(), Ok(()));
    }

    #[test]
    fn a_number_is_digits_within_its_range() {
        let number = |query: &str| parameters(query).take_number("n", 0..=10);
        assert_eq!(number("n=0"), Ok(Some(0)));
        assert_eq!(number("n=10"), Ok(Some(10)));
        assert_eq!(number("m=1"), Ok(None));
        for wrong in ["n=11", "n=-1", "n=%2B1", "n=", "n", "n=1.0", "n=99999999999999999999"] {
            assert_eq!(number(wrong), Err(refusal("n", "must be a number between 0 and 10")), "{wrong}");
        }
    }

    #[test]
    fn a_switch_is_on_or_off() {
        let switch = |query: &str| parameters(query).take_switch("s");
        assert_eq!((switch("s"), switch("s=true"), switch("s=1")), (Ok(true), Ok(true), Ok(true)));
        assert_eq!((switch(""), switch("s=false"), switch("s=0")), (Ok(false), Ok(false), Ok(false)));
        assert!(switch("s=maybe").is_err());
    }
}
