//! The way back from a provider: a link of another site that is followed here. Whatever comes of it, the browser ends on
//! our page; why it is not logged in stands behind `#login-error=`, as a code.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};

use super::provider::{Provider, Word};
use super::redirect;
use crate::auth::audit::{Entry, Event};
use crate::auth::oidc::{Proofs, Refused};
use crate::auth::seal::{NONCE_BYTES, Place};
use crate::auth::{AccountId, Digest, IdentityId};
use crate::http::App;
use crate::http::auth::entry;
use crate::http::connection::Connection;
use crate::http::cookie::Cookie;
use crate::http::error::ApiError;
use crate::http::extract::Named;
use crate::store::{Account, Identity, LoginBy, LoginHolder, OidcState, StoreError};

/// The answer of a provider, as it stands in the address. What else stands there is to be ignored (RFC 6749 section
/// 4.1.2).
#[derive(Default)]
struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    /// RFC 9207: which provider it is from.
    issuer: Option<String>,
}

/// What a browser goes on with.
struct Back {
    to: String,
    cookies: Vec<HeaderValue>,
}

/// What somebody comes back with from a provider.
pub(in crate::http) async fn callback(
    State(app): State<App>,
    Named(provider): Named,
    RawQuery(query): RawQuery,
    connection: Connection,
    headers: HeaderMap,
) -> Response {
    let back = come_back(&app, &provider, query.as_deref().unwrap_or_default(), &connection, headers).await;
    let Back { to, cookies } = back.unwrap_or_else(|refused| {
        tracing::info!(code = refused.code(), "a login by a provider is refused");
        // What is no answer at all costs whoever sends it nothing, and must not fill the audit log.
        if refused != Refused::State {
            let entry = Entry::new(app.now(), Event::LoginFailed, "stranger").from(connection.client);
            app.audit().note(entry.with(refused.code()));
        }
        Back { to: format!("/#login-error={}", refused.code()), cookies: Vec::new() }
    });
    let cookies = cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie));
    (AppendHeaders(cookies), Redirect::to(&to)).into_response()
}

async fn come_back(
    app: &App,
    name: &str,
    query: &str,
    connection: &Connection,
    mut headers: HeaderMap,
) -> Result<Back, Refused> {
    let answer = Answer::read(query)?;
    let provider = app.oidc().named(name).ok_or(Refused::State)?;
    let state = answer.state.ok_or(Refused::State)?;
    // Taken out before anything is looked at: whatever is wrong with it, it does not come a second time.
    let begun = app.store().take_oidc(Digest::of(&state), app.now()).await?;
    let begun = begun.filter(|begun| begun.provider == name).ok_or(Refused::State)?;
    // A link that is followed says nothing of the page it leads to: it is the one that has begun.
    let origin = HeaderValue::from_str(&begun.origin).map_err(|_| Refused::Internal)?;
    headers.insert(header::ORIGIN, origin);
    let secret = Cookie::Oidc.read(&headers).map_err(|_| Refused::State)?.ok_or(Refused::State)?;
    if !begun.browser.matches(secret) {
        return Err(Refused::State);
    }
    if answer.issuer.is_some_and(|issuer| issuer != provider.settings.issuer) {
        return Err(Refused::Invalid);
    }
    if answer.error.is_some() {
        return Err(Refused::Denied);
    }
    let (code, proofs) = (answer.code.ok_or(Refused::State)?, Proofs::of(&state, secret));
    let word = provider.exchange(code, proofs, &redirect(&begun), app.now()).await?;
    if !word.person.is_of(&provider.settings.allowed_domains) {
        return Err(Refused::Domain);
    }
    let mut cookies = vec![Cookie::Oidc.clear(&headers).map_err(internal_error)?];
    match begun.account {
        Some(account) => link(app, provider, &word, account, connection).await?,
        None => cookies.extend(log_in(app, provider, &word, &begun, connection, &headers).await?),
    }
    Ok(Back { to: begun.next, cookies })
}

impl Answer {
    /// Reads what is known of it. What stands there twice is nobody's answer.
    fn read(query: &str) -> Result<Self, Refused> {
        let uri = format!("/?{query}").parse().map_err(|_| Refused::State)?;
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).map_err(|_| Refused::State)?.0;
        let mut answer = Self::default();
        for (name, value) in pairs {
            let place = match name.as_str() {
                "state" => &mut answer.state,
                "code" => &mut answer.code,
                "error" => &mut answer.error,
                "iss" => &mut answer.issuer,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Refused::State);
            }
        }
        Ok(answer)
    }
}

/// Binds who was found there to an account that has asked for it.
async fn link(
    app: &App,
    provider: &Provider,
    word: &Word,
    account: AccountId,
    connection: &Connection,
) -> Result<(), Refused> {
    let identity = identity(app, provider, word, account)?;
    let id = app.store().link_identity(&identity).await.map_err(|error| match error {
        StoreError::IdentityTaken => Refused::Taken,
        StoreError::NoSuchAccount => Refused::Disabled,
        StoreError::TooMany { .. } => Refused::Busy,
        other => other.into(),
    })?;
    keep_tokens(app, id, word).await?;
    let entry = Entry::new(app.now(), Event::IdentityLinked, format!("user {account}")).from(connection.client);
    app.audit().note(entry.of(id).with(&provider.settings.name));
    Ok(())
}

/// Starts a login as with a password. Returns the cookies that come of it.
async fn log_in(
    app: &App,
    provider: &Provider,
    word: &Word,
    begun: &OidcState,
    connection: &Connection,
    headers: &HeaderMap,
) -> Result<Vec<HeaderValue>, Refused> {
    let known = app.store().identity(&provider.settings.name, &word.person.subject).await?;
    let identity = match known {
        Some(known) => known,
        None => sign_up(app, provider, word, connection).await?,
    };
    let account = app.store().account(identity.account).await?.ok_or(Refused::Unknown)?;
    let (by, holder) = (LoginBy::Identity(account.id, identity.id), LoginHolder::Account(account.clone()));
    let started = entry::begin(app, connection, headers, by, &holder).await.map_err(internal_error)?;
    let started = started.ok_or(if account.disabled.is_some() { Refused::Disabled } else { Refused::Unknown })?;
    keep_tokens(app, identity.id, word).await?;
    let mut cookies = vec![Cookie::Refresh.set(&started.secret.reveal(), headers).map_err(internal_error)?];
    match begun.device {
        // Its cookie does not come with a link of another site, and stays as it is.
        Some(device) => app.store().remember_device(account.id, device, app.now()).await?,
        None => {
            let cookie = entry::know_again(app, headers, &account, app.now()).await;
            cookies.push(cookie.map_err(internal_error)?);
        }
    }
    Ok(cookies)
}

/// Makes an account for somebody unknown, where the provider's settings let everybody in. Never by a mail address that an
/// account has: who else has it at the provider is not for us to know.
async fn sign_up(app: &App, provider: &Provider, word: &Word, connection: &Connection) -> Result<Identity, Refused> {
    let role = provider.settings.sign_up.ok_or(Refused::Unknown)?;
    let id = AccountId(app.outside().id().map_err(internal_error)?);
    let identity = identity(app, provider, word, id)?;
    let tail = id.0.simple().to_string();
    let mut mail = word.person.mail().map(|mail| mail.to_string());
    let mut names = word.person.usernames(&tail[..8]);
    let mut name = names.next().ok_or(Refused::Internal)?;
    loop {
        let account = Account { mail: mail.clone(), ..Account::new(id, &name, role, app.now()) };
        match app.store().sign_up(&account, &identity).await {
            Ok(()) => break,
            Err(StoreError::NameTaken) => name = names.next().ok_or(Refused::Internal)?,
            Err(StoreError::MailTaken) if mail.is_some() => mail = None,
            // The same person in another tab.
            Err(StoreError::IdentityTaken) => {
                let known = app.store().identity(&identity.provider, &identity.subject).await?;
                return known.ok_or(Refused::Unknown);
            }
            Err(error) => return Err(error.into()),
        }
    }
    let actor = format!("provider {}", provider.settings.name);
    app.audit().note(Entry::new(app.now(), Event::UserAdded, actor).from(connection.client).of(id).with(role));
    Ok(identity)
}

fn identity(app: &App, provider: &Provider, word: &Word, account: AccountId) -> Result<Identity, Refused> {
    Ok(Identity {
        id: IdentityId(app.outside().id().map_err(internal_error)?),
        provider: provider.settings.name.clone(),
        subject: word.person.subject.clone(),
        account,
        label: word.person.label(),
        created: app.now(),
        used: app.now(),
    })
}

/// Keeps what the provider has given for asking it again, sealed.
async fn keep_tokens(app: &App, id: IdentityId, word: &Word) -> Result<(), Refused> {
    let nonce = app.outside().bytes::<NONCE_BYTES>().map_err(internal_error)?;
    let tokens = serde_json::to_vec(&word.tokens).map_err(|_| Refused::Internal)?;
    let sealed = app.seals().seal(&Place::IdentityTokens(id), &tokens, nonce).map_err(|error| {
        tracing::error!(%error, "a provider's tokens could not be sealed");
        Refused::Internal
    })?;
    Ok(app.store().keep_tokens(id, &sealed).await?)
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::Internal
    }
}

/// What it was is in the log already.
fn internal_error(_: ApiError) -> Refused {
    Refused::Internal
}
