//! From rows to values: what does not hold what we write is damage, and never trusted.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Decode, Row as _, Type};
use uuid::Uuid;

use crate::auth::Digest;
use crate::store::StoreError;

/// The value of a column.
pub(super) fn column<'r, T>(row: &'r AnyRow, column: &'static str) -> Result<T, StoreError>
where
    T: Decode<'r, sqlx::Any> + Type<sqlx::Any>,
{
    Ok(row.try_get(column)?)
}

pub(super) fn uuid(row: &AnyRow, name: &'static str) -> Result<Uuid, StoreError> {
    bytes::<16>(row, name).map(Uuid::from_bytes)
}

pub(super) fn digest(row: &AnyRow, name: &'static str) -> Result<Digest, StoreError> {
    bytes::<32>(row, name).map(Digest)
}

pub(super) fn bytes<const N: usize>(row: &AnyRow, name: &'static str) -> Result<[u8; N], StoreError> {
    let value: &[u8] = column(row, name)?;
    value.try_into().map_err(|_| StoreError::Damaged(name))
}

pub(super) fn time(row: &AnyRow, name: &'static str) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(column(row, name)?).map_err(|_| StoreError::Damaged(name))
}

pub(super) fn maybe_time(row: &AnyRow, name: &'static str) -> Result<Option<Timestamp>, StoreError> {
    let milliseconds: Option<i64> = column(row, name)?;
    milliseconds.map(Timestamp::from_millisecond).transpose().map_err(|_| StoreError::Damaged(name))
}

/// A number that is never negative, and fits.
pub(super) fn number<T: TryFrom<i64>>(row: &AnyRow, name: &'static str) -> Result<T, StoreError> {
    let number: i64 = column(row, name)?;
    number.try_into().map_err(|_| StoreError::Damaged(name))
}

/// Text that means one of ours.
pub(super) fn word<T: std::str::FromStr>(row: &AnyRow, name: &'static str) -> Result<T, StoreError> {
    let text: &str = column(row, name)?;
    text.parse().map_err(|_| StoreError::Damaged(name))
}
