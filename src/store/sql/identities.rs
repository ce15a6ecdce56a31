//! Identities and logins begun at providers, in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use super::read::{column, digest, maybe_time, time, uuid};
use super::{SqlStore, Statement, accounts, changes};
use crate::auth::seal::Sealed;
use crate::auth::{AccountId, Digest, IdentityId};
use crate::store::{
    Account, IDENTITIES_MAX, Identities, Identity, OIDC_STATES_MAX, OidcState, StoreError, TOKENS_AT_ONCE,
};

/// The columns of an identity; each read of one names them so.
macro_rules! identity {
    ($rest:literal) => {
        concat!("select id, provider, subject, account, label, created, used from identities ", $rest)
    };
}

#[async_trait]
impl Identities for SqlStore {
    async fn begin_oidc(&self, state: &OidcState, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query("delete from oidc_states where expires <= $1")
            .bind(now.as_millisecond())
            .execute(&mut *transaction)
            .await?;
        let count = sqlx::query("select count(*) as count from oidc_states").fetch_one(&mut *transaction).await?;
        at_most("logins in progress", column(&count, "count")?, OIDC_STATES_MAX)?;
        sqlx::query(
            "insert into oidc_states (digest, provider, browser, device, origin, next, account, expires)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(state.digest.0.as_slice())
        .bind(&state.provider)
        .bind(state.browser.0.as_slice())
        .bind(state.device.map(|device| device.0.to_vec()))
        .bind(&state.origin)
        .bind(&state.next)
        .bind(state.account.map(|id| id.0.as_bytes().to_vec()))
        .bind(state.expires.as_millisecond())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn take_oidc(&self, digest: Digest, now: Timestamp) -> Result<Option<OidcState>, StoreError> {
        let row = sqlx::query(
            "delete from oidc_states where digest = $1
             returning digest, provider, browser, device, origin, next, account, expires",
        )
        .bind(digest.0.as_slice())
        .fetch_optional(&self.pool)
        .await?;
        let state = row.as_ref().map(read_state).transpose()?;
        Ok(state.filter(|state| now < state.expires))
    }

    async fn identity(&self, provider: &str, subject: &str) -> Result<Option<Identity>, StoreError> {
        let row = of_subject(provider, subject).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    async fn identities(&self, account: AccountId) -> Result<Vec<Identity>, StoreError> {
        let rows = sqlx::query(identity!("where account = $1 order by created, id"))
            .bind(account.0.as_bytes().as_slice())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    async fn link_identity(&self, identity: &Identity) -> Result<IdentityId, StoreError> {
        let mut transaction = self.begin().await?;
        check_account(&mut transaction, identity.account).await?;
        let found = of_subject(&identity.provider, &identity.subject).fetch_optional(&mut *transaction).await?;
        if let Some(found) = found.as_ref().map(read).transpose()? {
            return if found.account == identity.account { Ok(found.id) } else { Err(StoreError::IdentityTaken) };
        }
        let count = sqlx::query("select count(*) as count from identities where account = $1")
            .bind(identity.account.0.as_bytes().as_slice())
            .fetch_one(&mut *transaction)
            .await?;
        at_most("identities", column(&count, "count")?, IDENTITIES_MAX)?;
        insert(identity).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(identity.id)
    }

    async fn sign_up(&self, account: &Account, identity: &Identity) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        accounts::insert(account).execute(&mut *transaction).await?;
        insert(identity).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn unlink_identity(&self, id: IdentityId, account: AccountId) -> Result<bool, StoreError> {
        let gone = sqlx::query("delete from identities where id = $1 and account = $2")
            .bind(id.0.as_bytes().as_slice())
            .bind(account.0.as_bytes().as_slice())
            .execute(&self.pool)
            .await?;
        Ok(gone.rows_affected() > 0)
    }

    async fn keep_tokens(&self, id: IdentityId, tokens: &Sealed) -> Result<(), StoreError> {
        sqlx::query("update identities set tokens = $1 where id = $2")
            .bind(tokens.bytes())
            .bind(id.0.as_bytes().as_slice())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn tokens(&self, id: IdentityId) -> Result<Option<Sealed>, StoreError> {
        let row = sqlx::query("select tokens from identities where id = $1 and tokens is not null")
            .bind(id.0.as_bytes().as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| column::<Vec<u8>>(&row, "tokens").map(Sealed::kept)).transpose()
    }

    async fn all_tokens(&self, after: Option<IdentityId>) -> Result<Vec<(IdentityId, Sealed)>, StoreError> {
        let rows =
            sqlx::query("select id, tokens from identities where tokens is not null and id > $1 order by id limit $2")
                .bind(after.map(|id| id.0.as_bytes().to_vec()).unwrap_or_default())
                .bind(i64::from(TOKENS_AT_ONCE))
                .fetch_all(&self.pool)
                .await?;
        let read = |row: &AnyRow| Ok((IdentityId(uuid(row, "id")?), Sealed::kept(column(row, "tokens")?)));
        rows.iter().map(read).collect()
    }

    async fn reseal_tokens(&self, id: IdentityId, from: &Sealed, to: &Sealed) -> Result<bool, StoreError> {
        let resealed = sqlx::query("update identities set tokens = $1 where id = $2 and tokens = $3")
            .bind(to.bytes())
            .bind(id.0.as_bytes().as_slice())
            .bind(from.bytes())
            .execute(&self.pool)
            .await?;
        Ok(resealed.rows_affected() > 0)
    }
}

/// Notes that an identity lets its account in. Returns whether it still is that account's.
pub(super) async fn use_identity(
    transaction: &mut Transaction<'_, Any>,
    id: IdentityId,
    account: AccountId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let used = sqlx::query("update identities set used = $1 where id = $2 and account = $3")
        .bind(now.as_millisecond())
        .bind(id.0.as_bytes().as_slice())
        .bind(account.0.as_bytes().as_slice())
        .execute(&mut **transaction)
        .await?;
    Ok(used.rows_affected() > 0)
}

/// An account that is disabled is as good as none: nothing is bound to it.
async fn check_account(transaction: &mut Transaction<'_, Any>, id: AccountId) -> Result<(), StoreError> {
    if !changes::lock_account(transaction, id).await? {
        return Err(StoreError::NoSuchAccount);
    }
    let row = sqlx::query("select disabled from accounts where id = $1")
        .bind(id.0.as_bytes().as_slice())
        .fetch_one(&mut **transaction)
        .await?;
    if maybe_time(&row, "disabled")?.is_some() { Err(StoreError::NoSuchAccount) } else { Ok(()) }
}

fn at_most(what: &'static str, count: i64, max: u32) -> Result<(), StoreError> {
    if count < i64::from(max) { Ok(()) } else { Err(StoreError::TooMany { what, max }) }
}

fn of_subject<'q>(provider: &str, subject: &str) -> Statement<'q> {
    let statement = sqlx::query(identity!("where provider = $1 and subject = $2"));
    statement.bind(provider.to_owned()).bind(subject.to_owned())
}

fn insert(identity: &Identity) -> Statement<'_> {
    let statement = "insert into identities (id, provider, subject, account, label, created, used)
                     values ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(statement)
        .bind(identity.id.0.as_bytes().as_slice())
        .bind(&identity.provider)
        .bind(&identity.subject)
        .bind(identity.account.0.as_bytes().as_slice())
        .bind(&identity.label)
        .bind(identity.created.as_millisecond())
        .bind(identity.used.as_millisecond())
}

fn read(row: &AnyRow) -> Result<Identity, StoreError> {
    Ok(Identity {
        id: IdentityId(uuid(row, "id")?),
        provider: column(row, "provider")?,
        subject: column(row, "subject")?,
        account: AccountId(uuid(row, "account")?),
        label: column(row, "label")?,
        created: time(row, "created")?,
        used: time(row, "used")?,
    })
}

fn read_state(row: &AnyRow) -> Result<OidcState, StoreError> {
    let device = column::<Option<&[u8]>>(row, "device")?.map(|_| digest(row, "device")).transpose()?;
    let account = column::<Option<&[u8]>>(row, "account")?.map(|_| uuid(row, "account")).transpose()?;
    Ok(OidcState {
        digest: digest(row, "digest")?,
        provider: column(row, "provider")?,
        browser: digest(row, "browser")?,
        device,
        origin: column(row, "origin")?,
        next: column(row, "next")?,
        account: account.map(AccountId),
        expires: time(row, "expires")?,
    })
}
