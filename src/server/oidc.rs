//! Providers of logins, from the settings.

use std::io::Read as _;
use std::path::Path;

use super::ServerError;
use crate::auth::Role;
use crate::config::{Config, OidcConfig, OidcSecret, SignUp};
use crate::http::{ProviderSettings, Providers};

/// Longest secret read from a file, in bytes: as in the settings, with a line's end.
const SECRET_MAX: u64 = 514;

/// The providers there are.
pub(super) fn of(config: &Config) -> Result<Providers, ServerError> {
    let settings = config.oidc.iter().map(|(name, provider)| one(name, provider)).collect::<Result<_, _>>()?;
    Providers::new(settings).map_err(|reason| ServerError::Provider { key: "oidc".into(), reason })
}

fn one(name: &str, config: &OidcConfig) -> Result<ProviderSettings, ServerError> {
    let client_secret = match &config.client_secret {
        Some(OidcSecret::Text(text)) => Some(text.clone()),
        Some(OidcSecret::File(path)) => Some(read(path).map_err(|reason| ServerError::Provider {
            key: format!("oidc.{name}.client_secret_file"),
            reason: format!("{}: {reason}", path.display()),
        })?),
        None => None,
    };
    Ok(ProviderSettings {
        name: name.to_owned(),
        label: config.label.clone(),
        issuer: config.issuer.clone(),
        client_id: config.client_id.clone(),
        client_secret,
        scopes: config.scopes.clone(),
        sign_up: match config.sign_up {
            SignUp::Nobody => None,
            SignUp::Guest => Some(Role::Guest),
            SignUp::Member => Some(Role::Member),
        },
        allowed_domains: config.allowed_domains.clone(),
    })
}

fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(SECRET_MAX).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let secret = text.trim_end_matches(['\r', '\n']);
    let fits = !secret.is_empty() && (text.len() as u64) < SECRET_MAX && !secret.chars().any(char::is_control);
    if fits { Ok(secret.to_owned()) } else { Err("must hold one line, the secret".into()) }
}
