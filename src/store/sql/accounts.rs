//! Accounts in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use super::changes::{self, Ending};
use super::read::{column, maybe_time, number, time, uuid, word};
use super::{SqlStore, Statement};
use crate::auth::revocation::Revocation;
use crate::auth::{AccountId, Digest, LoginId, Role};
use crate::store::{ACCOUNTS_AT_ONCE, Account, AccountChange, Accounts, DEVICES_MAX, StoreError};

/// The columns of an account; each read of one names them so.
macro_rules! account {
    ($rest:literal) => {
        concat!(
            "select a.id as account_id, a.name as account_name, a.mail, a.role, a.password_hash, a.disabled, a.epoch, ",
            "a.created as account_created ",
            $rest
        )
    };
}
pub(super) use account;

#[async_trait]
impl Accounts for SqlStore {
    async fn add_account(&self, account: &Account) -> Result<(), StoreError> {
        insert(account).execute(&self.pool).await?;
        Ok(())
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let row = by_id(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    async fn account_named(&self, name: &str) -> Result<Option<Account>, StoreError> {
        // PostgreSQL has no text with a NUL, and fails when it is asked for one. Nobody is called so.
        if name.contains('\0') {
            return Ok(None);
        }
        let row = sqlx::query(account!("from accounts a where lower(a.name) = $1"))
            .bind(name.to_ascii_lowercase())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    async fn accounts(&self, after: Option<&str>) -> Result<Vec<Account>, StoreError> {
        // Names have no NUL: what comes behind one with a NUL comes behind what stands before that.
        let after = after.and_then(|after| after.split('\0').next()).unwrap_or_default();
        let rows = sqlx::query(account!("from accounts a where lower(a.name) > $1 order by lower(a.name) limit $2"))
            .bind(after.to_ascii_lowercase())
            .bind(i64::from(ACCOUNTS_AT_ONCE))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    async fn owner(&self) -> Result<Option<Account>, StoreError> {
        let first =
            account!("from accounts a where a.role = 'admin' and a.disabled is null order by a.created, a.id limit 1");
        let row = sqlx::query(first).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    async fn has_passwords(&self) -> Result<bool, StoreError> {
        let some = "select id from accounts where password_hash is not null and disabled is null limit 1";
        Ok(sqlx::query(some).fetch_optional(&self.pool).await?.is_some())
    }

    async fn change_account(
        &self,
        id: AccountId,
        change: &AccountChange,
        now: Timestamp,
    ) -> Result<Account, StoreError> {
        let mut transaction = self.begin().await?;
        // One at a time: of two administrators who demote each other one stays.
        self.writes_alone(&mut transaction, "accounts").await?;
        let before = locked(&mut transaction, id).await?;
        let mut after = before.clone();
        after.role = change.role.unwrap_or(before.role);
        if let Some(disabled) = change.disabled {
            after.disabled = disabled.then(|| before.disabled.unwrap_or(now));
        }
        if let Some(mail) = &change.mail {
            after.mail = mail.as_ref().map(ToString::to_string);
        }
        let runs_server = |account: &Account| account.role == Role::Admin && account.disabled.is_none();
        if runs_server(&before) && !runs_server(&after) && is_last_admin(&mut transaction, id).await? {
            return Err(StoreError::LastAdmin);
        }
        let changes_rights = (before.role, before.disabled) != (after.role, after.disabled);
        after.epoch += u64::from(changes_rights);
        update(&after).execute(&mut *transaction).await?;
        if changes_rights {
            self.revoke(&mut transaction, Revocation::Account { id, epoch: after.epoch }, now).await?;
        }
        if after.disabled.is_some() {
            self.end_all(&mut transaction, Ending::OfAccount { id, kept: None }, now).await?;
            self.end_all(&mut transaction, Ending::OfSharesBy(id), now).await?;
            sqlx::query("update shares set revoked = $1 where account = $2 and revoked is null")
                .bind(now.as_millisecond())
                .bind(id.0.as_bytes().as_slice())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(after)
    }

    async fn set_password(
        &self,
        id: AccountId,
        hash: &str,
        kept: Option<LoginId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let changed = sqlx::query("update accounts set password_hash = $1 where id = $2")
            .bind(hash)
            .bind(id.0.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::NoSuchAccount);
        }
        self.end_all(&mut transaction, Ending::OfAccount { id, kept }, now).await?;
        Ok(transaction.commit().await?)
    }

    async fn remember_device(&self, id: AccountId, device: Digest, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "insert into devices (account, digest, seen) values ($1, $2, $3)
             on conflict (account, digest) do update set seen = $3",
        )
        .bind(id.0.as_bytes().as_slice())
        .bind(device.0.as_slice())
        .bind(now.as_millisecond())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "delete from devices where account = $1 and digest not in
             (select digest from devices where account = $1 order by seen desc, digest limit $2)",
        )
        .bind(id.0.as_bytes().as_slice())
        .bind(i64::from(DEVICES_MAX))
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn knows_device(&self, id: AccountId, device: Digest) -> Result<bool, StoreError> {
        let row = sqlx::query("select seen from devices where account = $1 and digest = $2")
            .bind(id.0.as_bytes().as_slice())
            .bind(device.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }
}

fn by_id<'q>(id: AccountId) -> Statement<'q> {
    sqlx::query(account!("from accounts a where a.id = $1")).bind(id.0.as_bytes().to_vec())
}

/// The account, which nobody else changes before the transaction ends.
async fn locked(transaction: &mut Transaction<'_, Any>, id: AccountId) -> Result<Account, StoreError> {
    changes::lock_account(transaction, id).await?;
    let row = by_id(id).fetch_optional(&mut **transaction).await?;
    row.as_ref().map(read).transpose()?.ok_or(StoreError::NoSuchAccount)
}

async fn is_last_admin(transaction: &mut Transaction<'_, Any>, id: AccountId) -> Result<bool, StoreError> {
    let other = "select id from accounts where role = 'admin' and disabled is null and id <> $1 limit 1";
    let other = sqlx::query(other).bind(id.0.as_bytes().as_slice()).fetch_optional(&mut **transaction).await?;
    Ok(other.is_none())
}

pub(super) fn insert(account: &Account) -> Statement<'_> {
    let mail = account.mail.as_deref();
    sqlx::query(
        "insert into accounts (id, name, mail, mail_key, role, password_hash, disabled, epoch, created)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(account.id.0.as_bytes().as_slice())
    .bind(&account.name)
    .bind(mail)
    .bind(mail.map(str::to_lowercase))
    .bind(account.role.as_str())
    .bind(account.password_hash.as_deref())
    .bind(account.disabled.map(Timestamp::as_millisecond))
    .bind(account.epoch.cast_signed())
    .bind(account.created.as_millisecond())
}

fn update(account: &Account) -> Statement<'_> {
    sqlx::query("update accounts set mail = $1, mail_key = $2, role = $3, disabled = $4, epoch = $5 where id = $6")
        .bind(account.mail.as_deref())
        .bind(account.mail.as_deref().map(str::to_lowercase))
        .bind(account.role.as_str())
        .bind(account.disabled.map(Timestamp::as_millisecond))
        .bind(account.epoch.cast_signed())
        .bind(account.id.0.as_bytes().as_slice())
}

/// Reads the columns that [`account!`] names.
pub(super) fn read(row: &AnyRow) -> Result<Account, StoreError> {
    Ok(Account {
        id: AccountId(uuid(row, "account_id")?),
        name: column(row, "account_name")?,
        mail: column(row, "mail")?,
        role: word(row, "role")?,
        password_hash: column(row, "password_hash")?,
        disabled: maybe_time(row, "disabled")?,
        epoch: number(row, "epoch")?,
        created: time(row, "account_created")?,
    })
}
