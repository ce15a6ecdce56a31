//! Providers of logins, as the tables `[oidc.NAME]` of the configuration file say it.

use std::path::PathBuf;

use axum::http::Uri;

use super::Environment;
use super::check::{Wrong, named_path, wrong};
use super::raw::{RawOidc, SignUp};

/// Longest name of a provider, in bytes: it stands in addresses.
const NAME_MAX: usize = 32;
/// Longest label, in characters: it stands on a button.
const LABEL_CHARS_MAX: usize = 40;
/// Longest of the texts a provider is told, in bytes.
const TEXT_MAX: usize = 512;
/// Most scopes and domains, far beyond use.
const ITEMS_MAX: usize = 64;
/// Hosts that are this machine: a provider there may be spoken to in clear.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// A provider of logins, checked. No `Debug`: it can hold a secret.
#[derive(Clone)]
pub struct OidcConfig {
    /// Its address.
    pub issuer: String,
    /// What it calls this server.
    pub client_id: String,
    /// By what it knows that it is this server; none where it asks for none.
    pub client_secret: Option<OidcSecret>,
    /// What people call it.
    pub label: String,
    /// What it is asked for.
    pub scopes: Vec<String>,
    /// What somebody becomes who has no account.
    pub sign_up: SignUp,
    /// Domains of the mail addresses that may come in by it; all, where there are none.
    pub allowed_domains: Vec<String>,
}

/// Where the secret of a client is. No `Debug`.
#[derive(Clone)]
pub enum OidcSecret {
    /// Here.
    Text(String),
    /// In this file.
    File(PathBuf),
}

/// Checks the provider `name`.
pub(super) fn check(name: &str, raw: RawOidc, environment: &Environment) -> Result<OidcConfig, Wrong> {
    let key = |field: &str| format!("oidc.{name}.{field}");
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(is_plain) {
        return wrong(format!("oidc.{name}"), format!("a name is 1 to {NAME_MAX} of a-z, 0-9, - and _"));
    }
    if !is_issuer(&raw.issuer) {
        let rule = "must be the provider's https address without query, as it writes it itself (http on loopback only)";
        return wrong(key("issuer"), rule);
    }
    let is_text = |text: &str| !text.is_empty() && text.len() <= TEXT_MAX && !text.chars().any(char::is_control);
    if !is_text(&raw.client_id) {
        return wrong(key("client_id"), format!("must be 1 to {TEXT_MAX} bytes without control characters"));
    }
    let file = named_path("oidc", &raw.client_secret_file, environment)?;
    let client_secret = match (raw.client_secret.0, file) {
        (text, Some(_)) if !text.is_empty() => {
            return wrong(key("client_secret_file"), "not together with `client_secret`");
        }
        (_, Some(file)) => Some(OidcSecret::File(file)),
        (text, None) if text.is_empty() => None,
        (text, None) if is_text(&text) => Some(OidcSecret::Text(text)),
        _ => {
            return wrong(key("client_secret"), format!("must be at most {TEXT_MAX} bytes without control characters"));
        }
    };
    let label = if raw.label.is_empty() { name.to_owned() } else { raw.label };
    if label.chars().count() > LABEL_CHARS_MAX || label.chars().any(char::is_control) {
        return wrong(
            key("label"),
            format!("must be at most {LABEL_CHARS_MAX} characters, none of them control characters"),
        );
    }
    // RFC 6749 section 3.3.
    let is_scope =
        |scope: &String| !scope.is_empty() && scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    if raw.scopes.len() > ITEMS_MAX || !raw.scopes.iter().all(is_scope) {
        return wrong(
            key("scopes"),
            format!("must be at most {ITEMS_MAX} words without blanks, quotes and backslashes"),
        );
    }
    if raw.allowed_domains.len() > ITEMS_MAX || !raw.allowed_domains.iter().all(|domain| is_domain(domain)) {
        return wrong(key("allowed_domains"), format!("must be at most {ITEMS_MAX} domains such as example.org"));
    }
    Ok(OidcConfig {
        issuer: raw.issuer,
        client_id: raw.client_id,
        client_secret,
        label,
        scopes: raw.scopes,
        sign_up: raw.sign_up,
        allowed_domains: raw.allowed_domains,
    })
}

fn is_issuer(written: &str) -> bool {
    let Ok(uri) = written.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    let is_encrypted = scheme == "https" || (scheme == "http" && LOOPBACK.contains(&authority.host()));
    let is_bare = uri.query().is_none() && !written.contains('#') && !authority.as_str().contains('@');
    is_encrypted && is_bare && !authority.host().is_empty() && written.len() <= TEXT_MAX
}

fn is_domain(domain: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.');
    !domain.is_empty() && domain.chars().all(is_plain) && !domain.starts_with('.') && !domain.ends_with('.')
}
