//! Logging in with the word of a provider (OpenID Connect, authorization code with PKCE): which there are, and how a login
//! is begun. What comes back is `callback`'s, what an account has of it `identities`'.

mod callback;
mod fetch;
mod identities;
mod provider;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{AppendHeaders, IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::oidc::{Proofs, Refused, STATE_LIFETIME, next};
use crate::auth::{AccountId, Digest, Secret};
use crate::http::App;
use crate::http::cookie::Cookie;
use crate::http::error::ApiError;
use crate::http::extract::{Named, OptionalBody};
use crate::http::openapi::words;
use crate::http::users::invalid;
use crate::store::OidcState;
pub(in crate::http) use callback::callback;
pub(in crate::http) use identities::{IdentityObject, LinkIdentity, link, list as identities, unlink};
use provider::Provider;
pub use provider::ProviderSettings;

/// The providers there are, by name.
#[derive(Default)]
pub struct Providers(BTreeMap<String, Provider>);

impl Providers {
    /// Those of the settings. Nobody is asked before somebody logs in.
    ///
    /// # Errors
    /// When the system's certificates cannot be read, or an address makes no sense.
    pub fn new(settings: Vec<ProviderSettings>) -> Result<Self, String> {
        let each = settings.into_iter().map(|settings| Ok((settings.name.clone(), Provider::new(settings)?)));
        each.collect::<Result<_, _>>().map(Self)
    }

    fn named(&self, name: &str) -> Option<&Provider> {
        self.0.get(name)
    }
}

/// A provider, for a page that asks which there are.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ProviderObject {
    name: String,
    label: String,
}

/// How a login is begun.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct BeginRequest {
    /// Where the browser goes when it is logged in.
    #[schema(schema_with = words::page_or_null, required = false)]
    next: Option<String>,
}

/// Where the browser goes now.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Begun {
    url: String,
}

/// The providers one can log in with.
pub(in crate::http) async fn providers(State(app): State<App>) -> Json<Vec<ProviderObject>> {
    let object = |provider: &Provider| ProviderObject {
        name: provider.settings.name.clone(),
        label: provider.settings.label.clone(),
    };
    Json(app.oidc().0.values().map(object).collect())
}

/// Begins a login: answers with the address at the provider. Asked by a page of ours, whose browser is given the cookie
/// without which the answer counts for nothing.
pub(in crate::http) async fn begin(
    State(app): State<App>,
    Named(provider): Named,
    uri: Uri,
    headers: HeaderMap,
    OptionalBody(asked): OptionalBody<BeginRequest>,
) -> Result<impl IntoResponse, ApiError> {
    begun(&app, &provider, &uri, &headers, asked, None).await
}

/// Begins a login, or the linking of an identity to `account`.
async fn begun(
    app: &App,
    provider: &str,
    uri: &Uri,
    headers: &HeaderMap,
    asked: BeginRequest,
    account: Option<AccountId>,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let to = asked.next.as_deref().unwrap_or("/");
    let to = next(to).ok_or_else(|| invalid("next", "must be the path of a page of this server"))?;
    let provider = app.oidc().named(provider).ok_or(ApiError::NoSuchThing("provider"))?;
    let origin = own_origin(uri, headers).ok_or(ApiError::ForeignOrigin)?;
    let (state, secret, now) = (app.outside().secret()?.reveal(), app.outside().secret()?.reveal(), app.now());
    let device = Cookie::Device.read(headers)?.filter(|text| Secret::is_well_formed(text)).map(Digest::of);
    let begun = OidcState {
        digest: Digest::of(&state),
        provider: provider.settings.name.clone(),
        browser: Digest::of(&secret),
        device,
        next: to.to_owned(),
        account,
        expires: now.saturating_add(STATE_LIFETIME).map_err(|_| ApiError::Internal)?,
        origin,
    };
    let redirect = redirect(&begun);
    let url = provider.address(&state, Proofs::of(&state, &secret), &redirect).await.map_err(refusal)?;
    app.store().begin_oidc(&begun, now).await?;
    let cookie = Cookie::Oidc.set(&secret, headers)?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(Begun { url })))
}

/// Where the provider sends the browser back to, which it compares with what it was told before.
fn redirect(state: &OidcState) -> String {
    format!("{}/api/auth/oidc/{}/callback", state.origin, state.provider)
}

/// The origin of the page that asks, if it is the place that was asked. One of another site that may call the API does
/// not log in so: its browser would keep no cookie.
fn own_origin(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).or_else(|| uri.authority().map(axum::http::uri::Authority::as_str))?;
    let origin = text(header::ORIGIN)?;
    let (scheme, its_host) = origin.split_once("://")?;
    let is_own = matches!(scheme, "http" | "https") && its_host.eq_ignore_ascii_case(without_usual_port(scheme, host));
    is_own.then(|| origin.to_owned())
}

/// Origins leave out the scheme's own port, which a `Host` need not.
fn without_usual_port<'a>(scheme: &str, host: &'a str) -> &'a str {
    host.strip_suffix(if scheme == "https" { ":443" } else { ":80" }).unwrap_or(host)
}

/// To a page that has only begun.
const fn refusal(refused: Refused) -> ApiError {
    match refused {
        Refused::Unavailable => ApiError::ProviderUnavailable,
        _ => ApiError::Internal,
    }
}
