//! API tokens that were presented lately, so that a program that asks often does not cost a look into the store each
//! time. What was revoked counts at once all the same.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use super::App;
use super::caller::{Caller, How};
use super::error::ApiError;
use crate::auth::api_token::{ApiTokenId, Presented, USE_GRAIN};
use crate::auth::revocation::{Bond, Root};
use crate::auth::{AccountId, Digest, Rights, Role, Who};

/// How long what was read of a token counts. Revocations and changes of its account are told.
const READ_LASTS: SignedDuration = SignedDuration::from_secs(60);
/// Most tokens remembered: some for every program. Beyond it all are forgotten, which costs each of them one look.
const REMEMBERED_MAX: usize = 1024;

/// What was read of the tokens presented lately.
#[derive(Default)]
pub(super) struct ApiTokensRead(Mutex<HashMap<ApiTokenId, Read>>);

#[derive(Clone, Copy)]
struct Read {
    digest: Digest,
    account: AccountId,
    role: Role,
    epoch: u64,
    scopes: Rights,
    expires: Timestamp,
    read: Timestamp,
    /// When its use was last noted.
    used: Option<Timestamp>,
}

impl ApiTokensRead {
    /// Who presents this token.
    pub(super) async fn caller(
        &self,
        app: &App,
        presented: Presented<'_>,
        address: IpAddr,
    ) -> Result<Caller, ApiError> {
        let now = app.now();
        let token = match self.remembered(presented, now) {
            Some(token) => token,
            None => read(app, presented, now).await?.ok_or(ApiError::InvalidToken)?,
        };
        // By id it was found, by its secret it is proved.
        if !presented.proves(&token.digest) {
            return Err(ApiError::InvalidToken);
        }
        if token.expires <= now {
            return Err(ApiError::ExpiredToken);
        }
        self.note_use(app, presented.id, token, now).await;
        Ok(token.caller(presented.id, address))
    }

    fn remembered(&self, presented: Presented<'_>, now: Timestamp) -> Option<Read> {
        let known = self.0.lock().get(&presented.id).copied();
        known.filter(|known| {
            let age = now.duration_since(known.read);
            SignedDuration::ZERO <= age && age < READ_LASTS
        })
    }

    async fn note_use(&self, app: &App, id: ApiTokenId, mut token: Read, now: Timestamp) {
        let is_due = token.used.is_none_or(|used| now.duration_since(used) >= USE_GRAIN);
        if is_due {
            token.used = Some(now);
        }
        {
            let mut remembered = self.0.lock();
            if remembered.len() >= REMEMBERED_MAX && !remembered.contains_key(&id) {
                remembered.clear();
            }
            remembered.insert(id, token);
        }
        // When it was last used is for people to read; a request does not fail for it.
        if is_due && let Err(error) = app.store().used_api_token(id, now).await {
            tracing::warn!(token = %id, %error, "the use of an API token could not be noted");
        }
    }
}

impl Read {
    fn caller(&self, id: ApiTokenId, address: IpAddr) -> Caller {
        Caller {
            who: Who::Account { id: self.account, role: self.role },
            rights: Rights::of(self.role).narrowed_to(self.scopes),
            bond: Some(Bond { account: Some((self.account, self.epoch)), root: Root::ApiToken(id), issued: self.read }),
            expires: Some(self.expires),
            how: How::ApiToken,
            address,
        }
    }
}

/// What the store knows of a token, if its account may still log in.
async fn read(app: &App, presented: Presented<'_>, now: Timestamp) -> Result<Option<Read>, ApiError> {
    let found = app.store().api_token(presented.id).await?;
    Ok(found.filter(|(_, account)| account.disabled.is_none()).map(|(token, account)| Read {
        digest: token.digest,
        account: account.id,
        role: account.role,
        epoch: account.epoch,
        scopes: token.scopes,
        expires: token.expires,
        read: now,
        used: token.used,
    }))
}
