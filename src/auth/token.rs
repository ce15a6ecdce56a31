//! Access tokens: JWTs that only this server makes and only this server takes.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::verified::Verified;
use super::{Access, AccountId, LoginId, Role, ShareId, Who};

/// Bytes of a signing key: the seed of an Ed25519 key (RFC 8032).
pub const KEY_BYTES: usize = 32;
/// Longest token looked at, in bytes. Ours have about 550.
const TOKEN_MAX: usize = 4 * 1024;
/// How far two clocks may differ: the server's own may be set back a little between making and taking a token.
pub const LEEWAY: SignedDuration = SignedDuration::from_secs(5);
const ISSUER: &str = "fantail";
const AUDIENCE: &str = "fantail";
/// RFC 9068: tells an access token from any other JWT, whoever made it.
const TYPE: &str = "at+jwt";
const ALGORITHM: Algorithm = Algorithm::EdDSA;

/// Why a token was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was good; renew it.
    #[error("the access token has expired")]
    Expired,
    /// It never was one of ours.
    #[error("the access token is not valid")]
    Invalid,
    /// It could not be made.
    #[error("the access token could not be signed")]
    Unsigned,
}

/// What an access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Whose it is.
    pub who: Who,
    /// Of an account, how often what it may do had changed by then. A token from before the last change has lost its
    /// force.
    pub epoch: u64,
    /// The login it descends from.
    pub login: LoginId,
    /// Its own name.
    pub id: Uuid,
    /// When it was made.
    pub issued: Timestamp,
    /// When it stops.
    pub expires: Timestamp,
}

/// The claims as they stand in a token. The types are the first check: a time that is negative, a float or a string, a
/// list of audiences or a claim given twice does not become one of these.
#[derive(Serialize, Deserialize)]
struct Written {
    iss: String,
    aud: String,
    sub: UuidText,
    sid: UuidText,
    jti: UuidText,
    iat: u64,
    nbf: u64,
    exp: u64,
    /// Of an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// Of an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    /// Of a share: its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<UuidText>,
    /// Of a share: what it allows there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access: Option<Access>,
}

/// A UUID as text.
#[derive(Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[derive(Clone, Copy)]
struct UuidText(Uuid);

impl TryFrom<String> for UuidText {
    type Error = uuid::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Uuid::try_parse(&text).map(Self)
    }
}

impl From<UuidText> for String {
    fn from(id: UuidText) -> Self {
        id.0.to_string()
    }
}

/// One signing key. No `Debug`.
pub struct SigningKey {
    /// The encoded header of every token signed with this key.
    header: String,
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl SigningKey {
    /// A key named `kid` of bytes that came from the system's random source.
    ///
    /// # Errors
    /// When the crypto library cannot sign with it.
    pub fn new(kid: &str, seed: &[u8; KEY_BYTES]) -> Result<Self, TokenError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| TokenError::Unsigned)?;
        let document = pair.to_pkcs8v1().map_err(|_| TokenError::Unsigned)?;
        let mut key = Self {
            header: String::new(),
            kid: kid.to_owned(),
            encoding: EncodingKey::from_ed_der(document.as_ref()),
            decoding: DecodingKey::from_ed_der(pair.public_key().as_ref()),
        };
        let sample = key.sign(&serde_json::Map::new())?;
        sample.split('.').next().ok_or(TokenError::Unsigned)?.clone_into(&mut key.header);
        Ok(key)
    }

    fn sign<T: Serialize>(&self, claims: &T) -> Result<String, TokenError> {
        let header = Header { typ: Some(TYPE.into()), kid: Some(self.kid.clone()), ..Header::new(ALGORITHM) };
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(|_| TokenError::Unsigned)
    }
}

/// A key that signs no more, and until when what it has signed is taken.
pub struct RetiredKey {
    /// The key.
    pub key: SigningKey,
    /// From then on nothing it has signed is taken.
    pub ends: Timestamp,
}

/// Whose a token is, and what it hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Whose.
    pub who: Who,
    /// Of an account: see [`Claims::epoch`].
    pub epoch: u64,
    /// The login it descends from.
    pub login: LoginId,
}

/// The keys whose tokens are taken; the newest signs.
pub struct KeyRing {
    newest: SigningKey,
    older: Vec<RetiredKey>,
    lifetime: SignedDuration,
    rules: Validation,
    verified: Verified,
}

impl KeyRing {
    /// A ring that signs with `newest` tokens that live for `lifetime`, and still takes those signed by `older`.
    #[must_use]
    pub fn new(newest: SigningKey, older: Vec<RetiredKey>, lifetime: SignedDuration) -> Self {
        Self { newest, older, lifetime, rules: rules(), verified: Verified::default() }
    }

    /// How long a token lives.
    #[must_use]
    pub const fn lifetime(&self) -> SignedDuration {
        self.lifetime
    }

    /// Makes a token; `id` must be random.
    ///
    /// # Errors
    /// When the crypto library fails, or the clock is before 1970.
    pub fn mint(&self, holder: &Holder, id: Uuid, now: Timestamp) -> Result<String, TokenError> {
        self.mint_for(self.lifetime, holder, id, now)
    }

    /// The same, for a holder who may be gone sooner than others: the token lives for no more than `left`.
    ///
    /// # Errors
    /// As for [`KeyRing::mint`].
    pub fn mint_for(
        &self,
        left: SignedDuration,
        holder: &Holder,
        id: Uuid,
        now: Timestamp,
    ) -> Result<String, TokenError> {
        let seconds = |at: Timestamp| u64::try_from(at.as_second()).map_err(|_| TokenError::Unsigned);
        let expires = now.saturating_add(self.lifetime.min(left)).map_err(|_| TokenError::Unsigned)?;
        let (sub, role, epoch, session, access) = match holder.who {
            Who::Account { id, role } => (id.0, Some(role), Some(holder.epoch), None, None),
            Who::Share { id, session, access } => (id.0, None, None, Some(UuidText(session)), Some(access)),
        };
        self.newest.sign(&Written {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: UuidText(sub),
            sid: UuidText(holder.login.0),
            jti: UuidText(id),
            iat: seconds(now)?,
            nbf: seconds(now)?,
            exp: seconds(expires)?,
            role,
            epoch,
            session,
            access,
        })
    }

    /// Takes a token, or says whether renewing would help. Whether its login has ended is another question.
    ///
    /// # Errors
    /// [`TokenError::Expired`] only for a token that is ours in every other respect.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        if token.len() > TOKEN_MAX {
            return Err(TokenError::Invalid);
        }
        let claims = match self.verified.claims(token) {
            Some(claims) => claims,
            None => self.check(token, now)?,
        };
        if claims.issued > now.saturating_add(LEEWAY).unwrap_or(Timestamp::MAX) {
            return Err(TokenError::Invalid);
        }
        if now >= claims.expires.saturating_add(LEEWAY).unwrap_or(Timestamp::MAX) {
            return Err(TokenError::Expired);
        }
        Ok(claims)
    }

    /// What a token says that one of these keys has signed, whether or not its time has come or gone.
    fn check(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        let key = self.key_of(token, now).ok_or(TokenError::Invalid)?;
        let decoded = jsonwebtoken::decode::<Written>(token, &key.decoding, &self.rules);
        let claims = decoded.map_err(|_| TokenError::Invalid)?.claims.read()?;
        self.verified.remember(token, claims);
        Ok(claims)
    }

    /// The key that wrote this header. A header is compared as a whole, encoded: one that is not byte for byte what we
    /// write was not written by us, whatever algorithm, key address or extension it asks for.
    fn key_of(&self, token: &str, now: Timestamp) -> Option<&SigningKey> {
        let header = token.split('.').next()?;
        let older = self.older.iter().filter(|retired| now < retired.ends).map(|retired| &retired.key);
        std::iter::once(&self.newest).chain(older).find(|key| key.header == header)
    }
}

impl Written {
    fn read(&self) -> Result<Claims, TokenError> {
        let time = |seconds: u64| {
            i64::try_from(seconds)
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok())
                .ok_or(TokenError::Invalid)
        };
        let (who, epoch) = match (self.role, self.epoch, self.session, self.access) {
            (Some(role), Some(epoch), None, None) => (Who::Account { id: AccountId(self.sub.0), role }, epoch),
            (None, None, Some(UuidText(session)), Some(access)) => {
                (Who::Share { id: ShareId(self.sub.0), session, access }, 0)
            }
            _ => return Err(TokenError::Invalid),
        };
        Ok(Claims {
            who,
            epoch,
            login: LoginId(self.sid.0),
            id: self.jti.0,
            issued: time(self.iat.max(self.nbf))?,
            expires: time(self.exp)?,
        })
    }
}

/// What the library checks. Times are checked by us, because it would read the system's clock.
fn rules() -> Validation {
    let mut rules = Validation::new(ALGORITHM);
    rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[AUDIENCE]);
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
