//! One provider: what it says of itself, the address a browser is sent to, and what its code is exchanged for. Its word
//! counts only after every check of OpenID Connect Core 1.0 section 3.1.3.7.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGrantType, CoreIdToken,
    CoreIdTokenClaims, CoreIdTokenVerifier, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType, CoreTokenResponse,
};
use openidconnect::url::form_urlencoded;
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalProviderMetadata, AuthType, AuthenticationFlow, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, HttpRequest, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, Scope,
    SignatureVerificationError, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Semaphore};

use super::fetch::Fetch;
use crate::auth::Role;
use crate::auth::oidc::{Person, Proofs, Refused, SUBJECT_MAX};

/// How long is believed what a provider says of itself: its keys change every few days.
const BELIEVED: Duration = Duration::from_secs(60 * 60);
/// How soon it is asked again when a token is signed with a key it did not name: it may have a new one.
const ASKED_AGAIN: Duration = Duration::from_secs(60);
/// How soon after it could not be asked: who waits meanwhile is told at once.
const TRIED_AGAIN: Duration = Duration::from_secs(5);
/// Codes exchanged at once with one provider, each a connection and an answer in memory.
const EXCHANGES_MAX: usize = 16;
/// Signatures that are believed: no `none`, and none made with a secret that both sides have.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// A provider as it is configured. No `Debug`: it holds a secret.
pub struct ProviderSettings {
    /// What it is called in addresses, and in the store.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Its address, which is also how it signs.
    pub issuer: String,
    /// What it calls this server.
    pub client_id: String,
    /// By what it knows that it is this server.
    pub client_secret: Option<String>,
    /// What it is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// What somebody becomes who has no account; nobody does unless there is a role.
    pub sign_up: Option<Role>,
    /// Domains of the mail addresses that may come in by it; all, where there are none.
    pub allowed_domains: Vec<String>,
}

/// What OAuth 2.0 Authorization Server Metadata (RFC 8414) adds to what a provider says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct More {
    revocation_endpoint: Option<String>,
}

impl AdditionalProviderMetadata for More {}

type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What a provider has said of itself, when, and whether it could be asked.
struct Said {
    at: Instant,
    metadata: Result<Arc<Metadata>, Refused>,
}

/// What came of a code.
pub(super) struct Word {
    /// Of whom it is.
    pub(super) person: Person,
    /// What it has given for asking it again.
    pub(super) tokens: Tokens,
}

/// What a provider gives for asking it again. Kept sealed. No `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// A provider that can be asked.
pub(super) struct Provider {
    pub(super) settings: ProviderSettings,
    issuer: IssuerUrl,
    fetch: Fetch,
    /// One at a time asks; the others wait for what it learns.
    said: Mutex<Option<Said>>,
    exchanges: Semaphore,
}

impl Provider {
    pub(super) fn new(settings: ProviderSettings) -> Result<Self, String> {
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|error| error.to_string())?;
        let fetch = Fetch::of(&settings.issuer).map_err(|error| error.to_string())?;
        Ok(Self { settings, issuer, fetch, said: Mutex::default(), exchanges: Semaphore::new(EXCHANGES_MAX) })
    }

    /// Where a browser logs in for this state, to come back to `redirect`.
    pub(super) async fn address(&self, state: &str, proofs: Proofs, redirect: &str) -> Result<String, Refused> {
        let metadata = self.metadata(BELIEVED).await?;
        let endpoint = metadata.authorization_endpoint().as_str().parse();
        if !endpoint.is_ok_and(|endpoint| self.fetch.may_use(&endpoint)) {
            return Err(self.unavailable(&"its authorization endpoint is not encrypted"));
        }
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(proofs.verifier));
        let client = CoreClient::from_provider_metadata((*metadata).clone(), self.client_id(), None)
            .set_redirect_uri(redirect_url(redirect)?);
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let (state, nonce) = (state.to_owned(), proofs.nonce);
        let scopes = self.settings.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new);
        let request = client.authorize_url(flow, || CsrfToken::new(state), || Nonce::new(nonce));
        let (url, ..) = request.add_scopes(scopes).set_pkce_challenge(challenge).url();
        Ok(url.into())
    }

    /// Exchanges the code that a browser has brought for the provider's word on who is there.
    pub(super) async fn exchange(
        &self,
        code: String,
        proofs: Proofs,
        redirect: &str,
        now: Timestamp,
    ) -> Result<Word, Refused> {
        let _one_of_few = self.exchanges.try_acquire().map_err(|_| Refused::Busy)?;
        let metadata = self.metadata(BELIEVED).await?;
        let answer = self.redeem(&metadata, code, proofs.verifier, redirect).await?;
        let token = answer.id_token().ok_or_else(|| self.unavailable(&"it gives no id token"))?;
        let nonce = Nonce::new(proofs.nonce);
        let person = match self.verified(&metadata, token, answer.access_token(), &nonce, now) {
            Err(Bad::UnknownKey) => {
                let metadata = self.metadata(ASKED_AGAIN).await?;
                self.verified(&metadata, token, answer.access_token(), &nonce, now)
            }
            otherwise => otherwise,
        };
        let person = person.map_err(|_| Refused::Invalid)?;
        let tokens = Tokens {
            access_token: answer.access_token().secret().clone(),
            refresh_token: answer.refresh_token().map(|token| token.secret().clone()),
        };
        Ok(Word { person, tokens })
    }

    /// Tells the provider that its tokens are not needed any more, where it wants to know (RFC 7009).
    pub(super) async fn revoke(&self, tokens: Tokens) -> Result<(), Refused> {
        let metadata = self.metadata(BELIEVED).await?;
        let Some(endpoint) = &metadata.additional_metadata().revocation_endpoint else { return Ok(()) };
        let request = self.revocation(endpoint, &auth_type(&metadata), tokens)?;
        let answer = self.fetch.ask(request).await.map_err(|error| self.unavailable(&error))?;
        let heard = answer.status().is_success();
        heard.then_some(()).ok_or_else(|| self.unavailable(&"a token could not be revoked"))
    }

    fn revocation(&self, endpoint: &str, auth: &AuthType, tokens: Tokens) -> Result<HttpRequest, Refused> {
        // With the refresh token its access tokens end.
        let token = tokens.refresh_token.unwrap_or(tokens.access_token);
        let (id, secret) = (&self.settings.client_id, self.settings.client_secret.as_deref());
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", &token);
        let mut request = Request::post(endpoint).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        match (auth, secret) {
            (AuthType::BasicAuth, Some(secret)) => {
                let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
                request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
            }
            (_, secret) => {
                form.append_pair("client_id", id);
                secret.map(|secret| form.append_pair("client_secret", secret));
            }
        }
        request.body(form.finish().into_bytes()).map_err(|error| self.unavailable(&error))
    }

    /// What the provider says of itself, asked again when that is older than `believed`.
    async fn metadata(&self, believed: Duration) -> Result<Arc<Metadata>, Refused> {
        let mut said = self.said.lock().await;
        if let Some(Said { at, metadata }) = said.as_ref() {
            let lasts = if metadata.is_ok() { believed } else { TRIED_AGAIN };
            if at.elapsed() < lasts {
                return metadata.clone();
            }
        }
        let asked = Metadata::discover_async(self.issuer.clone(), &self.fetch).await;
        let metadata = asked.map(Arc::new).map_err(|error| self.unavailable(&error));
        *said = Some(Said { at: Instant::now(), metadata: metadata.clone() });
        metadata
    }

    async fn redeem(
        &self,
        metadata: &Metadata,
        code: String,
        verifier: String,
        redirect: &str,
    ) -> Result<CoreTokenResponse, Refused> {
        let client = CoreClient::from_provider_metadata(metadata.clone(), self.client_id(), self.client_secret())
            .set_auth_type(auth_type(metadata))
            .set_redirect_uri(redirect_url(redirect)?);
        let request = client.exchange_code(AuthorizationCode::new(code));
        let request = request.map_err(|error| self.unavailable(&error))?;
        // What went wrong can repeat what was sent: only that it did is written down.
        let answer = request.set_pkce_verifier(PkceCodeVerifier::new(verifier)).request_async(&self.fetch).await;
        answer.map_err(|_| self.unavailable(&"the code could not be exchanged"))
    }

    fn verified(
        &self,
        metadata: &Metadata,
        token: &CoreIdToken,
        access: &AccessToken,
        nonce: &Nonce,
        now: Timestamp,
    ) -> Result<Person, Bad> {
        // Of a public client: so the secret is no key with which anything could be signed.
        let keys = metadata.jwks().clone();
        let time = chrono::DateTime::from_timestamp(now.as_second(), 0).unwrap_or_default();
        let verifier = CoreIdTokenVerifier::new_public_client(self.client_id(), self.issuer.clone(), keys)
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || time);
        let claims = token.claims(&verifier, nonce).map_err(|error| self.bad(&error))?;
        if let Some(expected) = claims.access_token_hash() {
            let hash = token.signing_alg().and_then(|algorithm| {
                AccessTokenHash::from_token(access, algorithm, token.signing_key(&verifier)?)
                    .map_err(|error| SignatureVerificationError::Other(error.to_string()))
            });
            if hash.as_ref() != Ok(expected) {
                return Err(self.bad(&ClaimsVerificationError::Other("it is of another access token".into())));
            }
        }
        let person = person(claims);
        if person.subject.is_empty() || person.subject.len() > SUBJECT_MAX {
            return Err(self.bad(&ClaimsVerificationError::InvalidSubject("empty or too long".into())));
        }
        Ok(person)
    }

    /// The kind of fault is for the log; its text can repeat what the token says.
    fn bad(&self, error: &ClaimsVerificationError) -> Bad {
        let (kind, bad) = match error {
            ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
                ("signed with an unknown key", Bad::UnknownKey)
            }
            ClaimsVerificationError::SignatureVerification(_) => ("signature", Bad::Otherwise),
            ClaimsVerificationError::InvalidIssuer(_) => ("issuer", Bad::Otherwise),
            ClaimsVerificationError::InvalidAudience(_) => ("audience", Bad::Otherwise),
            ClaimsVerificationError::InvalidNonce(_) => ("nonce", Bad::Otherwise),
            ClaimsVerificationError::Expired(_) => ("expired", Bad::Otherwise),
            _ => ("other", Bad::Otherwise),
        };
        tracing::warn!(provider = self.settings.name, kind, "an id token is not good");
        bad
    }

    fn unavailable(&self, error: &dyn std::fmt::Display) -> Refused {
        tracing::warn!(provider = self.settings.name, %error, "a provider of logins does not answer as it should");
        Refused::Unavailable
    }

    fn client_id(&self) -> ClientId {
        ClientId::new(self.settings.client_id.clone())
    }

    fn client_secret(&self) -> Option<ClientSecret> {
        self.settings.client_secret.clone().map(ClientSecret::new)
    }
}

/// Why an id token does not count.
enum Bad {
    /// The provider has not named the key: it may have a new one.
    UnknownKey,
    Otherwise,
}

/// How the provider wants to be shown that it is us; in the header unless it says otherwise (RFC 6749 section 2.3.1).
fn auth_type(metadata: &Metadata) -> AuthType {
    let known = metadata.token_endpoint_auth_methods_supported();
    let only_in_body = known.is_some_and(|methods| {
        methods.contains(&CoreClientAuthMethod::ClientSecretPost)
            && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
    });
    if only_in_body { AuthType::RequestBody } else { AuthType::BasicAuth }
}

fn redirect_url(redirect: &str) -> Result<RedirectUrl, Refused> {
    RedirectUrl::new(redirect.to_owned()).map_err(|_| Refused::Internal)
}

fn person(claims: &CoreIdTokenClaims) -> Person {
    let mail = claims.email().filter(|_| claims.email_verified() == Some(true));
    let name = claims.name().and_then(|name| name.get(None));
    Person {
        subject: claims.subject().as_str().to_owned(),
        mail: mail.map(|mail| mail.as_str().to_owned()),
        username: claims.preferred_username().map(|name| name.as_str().to_owned()),
        name: name.map(|name| name.as_str().to_owned()),
    }
}
