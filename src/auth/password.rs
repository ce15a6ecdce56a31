//! Passwords: which are taken, how they are kept, and a check that costs the same whether or not there is an account.

/// Shortest password taken, in bytes.
pub const PASSWORD_MIN: usize = 12;
/// Longest password taken, in bytes: bcrypt reads 72 with the closing NUL and would silently ignore the rest.
pub const PASSWORD_MAX: usize = 71;
/// Bytes of a bcrypt salt.
pub const SALT_BYTES: usize = 16;

/// The work of one check: 2^12 rounds, about a fifth of a second here.
const COST: u32 = 12;
/// The dearest hash worth checking (under a second). A dearer one in the store is damage, and computing it could take
/// ten minutes.
const COST_MAX: u32 = 14;
/// A hash of nothing anyone knows, at [`COST`]: checked when there is no account, so that a stranger cannot tell from
/// the time taken which names exist.
const NOBODY: &str = "$2b$12$XnAGdkyF8cMw1jYMcYMaYeTQpgGi/Mp7oJCVjMZfVqMBJRWPxJVMK";
/// Stands in for a presented password that no account can have.
const IMPOSSIBLE: &str = "a password nobody was ever able to set";

/// Why a password was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Shorter than [`PASSWORD_MIN`].
    #[error("a password has at least {PASSWORD_MIN} bytes")]
    TooShort,
    /// Longer than [`PASSWORD_MAX`].
    #[error("a password has at most {PASSWORD_MAX} bytes")]
    TooLong,
    /// Holds a NUL.
    #[error("a password cannot hold a NUL")]
    Nul,
    /// bcrypt refused.
    #[error("the password could not be hashed")]
    Unhashable,
}

/// Hashes a password to be kept. Takes a fifth of a second: not for a runtime thread.
///
/// # Errors
/// When the password is not one that is taken.
pub fn hash(password: &str, salt: [u8; SALT_BYTES]) -> Result<String, PasswordError> {
    hash_at(COST, password, salt)
}

fn hash_at(cost: u32, password: &str, salt: [u8; SALT_BYTES]) -> Result<String, PasswordError> {
    check(password)?;
    let parts = bcrypt::non_truncating_hash_with_salt(password, cost, salt).map_err(|_| PasswordError::Unhashable)?;
    Ok(parts.to_string())
}

fn check(password: &str) -> Result<(), PasswordError> {
    match password.len() {
        0..PASSWORD_MIN => Err(PasswordError::TooShort),
        PASSWORD_MIN..=PASSWORD_MAX if password.contains('\0') => Err(PasswordError::Nul),
        PASSWORD_MIN..=PASSWORD_MAX => Ok(()),
        _ => Err(PasswordError::TooLong),
    }
}

/// Whether `password` is the one kept as `kept`. Every answer but for damage in the store takes one full computation,
/// also when there is no account, no password, or the presented one is impossible. Not for a runtime thread.
#[must_use]
pub fn verify(password: &str, kept: Option<&str>) -> bool {
    let possible = check(password).is_ok();
    let presented = if possible { password } else { IMPOSSIBLE };
    let (hash, known) = match kept.filter(|hash| is_affordable(hash)) {
        Some(hash) => (hash, true),
        None => (NOBODY, false),
    };
    let matches = bcrypt::non_truncating_verify(presented, hash).unwrap_or(false);
    matches && possible && known
}

/// Whether a kept hash has a cost we would ever have chosen. `$2b$12$…`
fn is_affordable(hash: &str) -> bool {
    let cost = hash.split('$').nth(2).and_then(|cost| cost.parse::<u32>().ok());
    cost.is_some_and(|cost| cost <= COST_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// bcrypt's least, so that the tests do not take minutes.
    const CHEAP: u32 = 4;

    fn cheap(password: &str) -> String {
        hash_at(CHEAP, password, [3; SALT_BYTES]).unwrap()
    }

    #[test]
    fn only_the_right_password_is_right() {
        let kept = cheap("correct horse battery");
        assert!(verify("correct horse battery", Some(&kept)));
        assert!(!verify("correct horse batterz", Some(&kept)));
        assert!(!verify("correct horse battery", None));
    }

    #[test]
    fn passwords_bcrypt_would_cut_are_refused_and_not_cut() {
        assert_eq!(hash("short", [0; 16]), Err(PasswordError::TooShort));
        assert_eq!(hash(&"x".repeat(72), [0; 16]), Err(PasswordError::TooLong));
        assert_eq!(hash("twelve bytes\0", [0; 16]), Err(PasswordError::Nul));
        let longest = "x".repeat(PASSWORD_MAX);
        let kept = cheap(&longest);
        assert!(verify(&longest, Some(&kept)));
        assert!(!verify(&format!("{longest}y"), Some(&kept)));
        assert!(!verify(&format!("{longest}\0"), Some(&kept)));
    }

    #[test]
    fn h35_damage_in_the_store_is_a_failed_login_and_not_a_ten_minute_computation() {
        let kept = cheap("correct horse battery");
        for damaged in [
            kept.replace("$04$", "$31$"),
            kept.replace("$04$", "$99$"),
            kept[..40].to_owned(),
            String::new(),
            "ünïcödé".repeat(10),
            "$".repeat(60),
        ] {
            let before = std::time::Instant::now();
            assert!(!verify("correct horse battery", Some(&damaged)), "{damaged}");
            assert!(before.elapsed().as_secs() < 20, "{damaged}");
        }
    }

    #[test]
    fn the_stand_in_for_nobody_costs_what_an_account_costs() {
        let parts: bcrypt::HashParts = NOBODY.parse().unwrap();
        assert_eq!(parts.get_cost(), COST);
    }
}
