//! Shares and grants in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};
use uuid::Uuid;

use super::changes::{self, Ending};
use super::read::{column, digest, number, time, uuid, word};
use super::{SqlStore, Statement, places};
use crate::auth::{Access, AccountId, Digest, ShareId};
use crate::store::{GRANTS_MAX, Grant, SHARES_MAX, Share, Sharing, StoreError};

/// The columns of a share; each read of one names them so.
macro_rules! share {
    ($rest:literal) => {
        concat!(
            "select id, session, account, access, label, digest, created, expires, uses_max, uses from shares ",
            $rest
        )
    };
}
pub(super) use share;

#[async_trait]
impl Sharing for SqlStore {
    async fn add_share(&self, share: &Share, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        if !changes::lock_account(&mut transaction, share.by).await? {
            return Err(StoreError::NoSuchAccount);
        }
        let live =
            sqlx::query("select count(*) as live from shares where session = $1 and revoked is null and expires > $2")
                .bind(share.session.as_bytes().as_slice())
                .bind(now.as_millisecond())
                .fetch_one(&mut *transaction)
                .await?;
        if number::<u32>(&live, "live")? >= SHARES_MAX {
            return Err(StoreError::TooMany { what: "shares of this session", max: SHARES_MAX });
        }
        insert(share).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn share(&self, digest: Digest) -> Result<Option<Share>, StoreError> {
        let row = sqlx::query(share!("where digest = $1 and revoked is null"))
            .bind(digest.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read_share).transpose()
    }

    async fn shares(&self, session: Uuid) -> Result<Vec<Share>, StoreError> {
        let rows = sqlx::query(share!("where session = $1 and revoked is null order by created desc, id"))
            .bind(session.as_bytes().as_slice())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read_share).collect()
    }

    async fn revoke_share(&self, id: ShareId, session: Uuid, now: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let revoked = sqlx::query("update shares set revoked = $1 where id = $2 and session = $3 and revoked is null")
            .bind(now.as_millisecond())
            .bind(id.0.as_bytes().as_slice())
            .bind(session.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await?;
        if revoked.rows_affected() == 0 {
            return Ok(false);
        }
        self.end_all(&mut transaction, Ending::OfShare(id), now).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn grant(&self, grant: &Grant) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        self.writes_alone(&mut transaction, "grants").await?;
        sqlx::query(
            "insert into grants (session, account, access, granted_by, created) values ($1, $2, $3, $4, $5)
             on conflict (session, account) do update set access = $3, granted_by = $4, created = $5",
        )
        .bind(grant.session.as_bytes().as_slice())
        .bind(grant.account.0.as_bytes().as_slice())
        .bind(grant.access.as_str())
        .bind(grant.by.0.as_bytes().as_slice())
        .bind(grant.created.as_millisecond())
        .execute(&mut *transaction)
        .await?;
        let all = sqlx::query("select count(*) as granted from grants where session = $1")
            .bind(grant.session.as_bytes().as_slice())
            .fetch_one(&mut *transaction)
            .await?;
        if number::<u32>(&all, "granted")? > GRANTS_MAX {
            return Err(StoreError::TooMany { what: "accounts with access to this session", max: GRANTS_MAX });
        }
        self.tell(&mut transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn take_back(&self, session: Uuid, account: AccountId) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let taken = sqlx::query("delete from grants where session = $1 and account = $2")
            .bind(session.as_bytes().as_slice())
            .bind(account.0.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await?;
        self.tell(&mut transaction).await?;
        transaction.commit().await?;
        Ok(taken.rows_affected() > 0)
    }

    async fn grants(&self) -> Result<Vec<Grant>, StoreError> {
        let rows =
            sqlx::query("select session, account, access, granted_by, created from grants order by session, account")
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(read_grant).collect()
    }
}

/// Uses a share up by one, if it has not ended. Of any number of uses at once no more succeed than may.
pub(super) async fn use_once(
    transaction: &mut Transaction<'_, Any>,
    id: ShareId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let used = sqlx::query(
        "update shares set uses = uses + 1
         where id = $1 and revoked is null and expires > $2 and (uses_max is null or uses < uses_max)",
    )
    .bind(id.0.as_bytes().as_slice())
    .bind(now.as_millisecond())
    .execute(&mut **transaction)
    .await?;
    Ok(used.rows_affected() > 0)
}

impl SqlStore {
    /// Forgets who else may reach sessions that are no more, and ends the logins of those who came by their shares.
    pub(super) async fn forget_sharing(
        &self,
        transaction: &mut Transaction<'_, Any>,
        sessions: &[Uuid],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let forget = AssertSqlSafe(format!("delete from grants where session in ({})", places(1, sessions.len())));
        let forget = sessions.iter().fold(sqlx::query(forget), |query, id| query.bind(id.as_bytes().as_slice()));
        forget.execute(&mut **transaction).await?;
        let revoke = AssertSqlSafe(format!(
            "update shares set revoked = $1 where session in ({}) and revoked is null returning id",
            places(2, sessions.len())
        ));
        let revoke = sqlx::query(revoke).bind(now.as_millisecond());
        let revoke = sessions.iter().fold(revoke, |query, id| query.bind(id.as_bytes().as_slice()));
        for share in revoke.fetch_all(&mut **transaction).await? {
            self.end_all(transaction, Ending::OfShare(ShareId(uuid(&share, "id")?)), now).await?;
        }
        Ok(())
    }
}

fn insert(share: &Share) -> Statement<'_> {
    sqlx::query(
        "insert into shares (id, session, account, access, label, digest, created, expires, uses_max, uses)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(share.id.0.as_bytes().as_slice())
    .bind(share.session.as_bytes().as_slice())
    .bind(share.by.0.as_bytes().as_slice())
    .bind(share.access.as_str())
    .bind(&share.label)
    .bind(share.digest.0.as_slice())
    .bind(share.created.as_millisecond())
    .bind(share.expires.as_millisecond())
    .bind(share.uses_max.map(i64::from))
    .bind(i64::from(share.uses))
}

/// Reads the columns that [`share!`] names.
pub(super) fn read_share(row: &AnyRow) -> Result<Share, StoreError> {
    let uses_max: Option<i64> = column(row, "uses_max")?;
    Ok(Share {
        id: ShareId(uuid(row, "id")?),
        session: uuid(row, "session")?,
        by: AccountId(uuid(row, "account")?),
        access: word(row, "access")?,
        label: column(row, "label")?,
        digest: digest(row, "digest")?,
        created: time(row, "created")?,
        expires: time(row, "expires")?,
        uses_max: uses_max.map(u32::try_from).transpose().map_err(|_| StoreError::Damaged("uses_max"))?,
        uses: number(row, "uses")?,
    })
}

fn read_grant(row: &AnyRow) -> Result<Grant, StoreError> {
    Ok(Grant {
        session: uuid(row, "session")?,
        account: AccountId(uuid(row, "account")?),
        access: word::<Access>(row, "access")?,
        by: AccountId(uuid(row, "granted_by")?),
        created: time(row, "created")?,
    })
}
