//! The file of the keys that seal what the store keeps secret: made when nothing is sealed yet, and never replaced by
//! another while something is.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::auth::seal::{KeyId, NONCE_BYTES, Place, Ring, RingError, SealError, Sealed, SealingKey};
use crate::config::Config;
use crate::http::Outside;
use crate::store::{DataDir, KeptKey, Store, StoreError};

/// The file, where no other is named.
const FILE: &str = "sealing.keys";
/// Its mode when we make it.
const FILE_MODE: u32 = 0o600;
/// The bits that would let others read the keys, or give us theirs. A group may read: so are secrets handed out to
/// containers.
const OTHERS: u32 = 0o027;
/// Longest file read, in bytes: far beyond what a ring has.
const FILE_MAX: u64 = 64 * 1024;

/// Why there are no keys to seal with.
#[derive(Debug, thiserror::Error)]
pub enum SealsError {
    /// The file cannot be used.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Something in the store was sealed with a key that is not there.
    #[error(
        "{path} does not hold key {key}, with which secrets in the store are sealed: restore the file, or have \
         `sealing_keys` name the one that other servers on the same database use"
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The key.
        key: KeyId,
    },
    /// Something in the store is not what was sealed there.
    #[error("a secret in the store was changed or moved: {0}")]
    Broken(SealError),
    /// The system gives no randomness, or the crypto library fails.
    #[error("no secret can be sealed")]
    NoSecrets,
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The file of sealing keys.
#[derive(Clone)]
pub struct SealFile(PathBuf);

impl SealFile {
    /// The one that the settings name, or that of the data directory.
    #[must_use]
    pub fn of(config: &Config, dir: &DataDir) -> Self {
        Self(config.sealing_keys.clone().unwrap_or_else(|| dir.path().join(FILE)))
    }

    /// The keys. Made where there are none and nothing is sealed.
    ///
    /// # Errors
    /// When they cannot be had.
    pub(super) async fn ready(&self, store: &dyn Store, outside: &Outside) -> Result<Ring, SealsError> {
        if let Some(ring) = self.read()? {
            return Ok(ring);
        }
        if let Some(key) = sealed_with(store).await? {
            return Err(SealsError::Missing { path: self.0.clone(), key });
        }
        let ring = Ring::of(new_key(outside)?);
        match self.write_new(&ring) {
            Ok(()) => {
                tracing::info!(path = %self.0.display(), key = %ring.newest(), "made a sealing key");
                Ok(ring)
            }
            // Another server that shares it was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.read()?.ok_or_else(|| self.wrong("was taken away"))
            }
            Err(error) => Err(self.wrong(&error)),
        }
    }

    /// The keys; none where there is no file.
    pub(super) fn read(&self) -> Result<Option<Ring>, SealsError> {
        let file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.wrong(&error)),
        };
        let found = file.metadata().map_err(|error| self.wrong(&error))?;
        if !found.is_file() {
            return Err(self.wrong("is not a file"));
        }
        if found.mode() & OTHERS != 0 {
            return Err(self.wrong("others can read or change it (chmod 600 it)"));
        }
        let mut text = String::new();
        file.take(FILE_MAX).read_to_string(&mut text).map_err(|error| self.wrong(&error))?;
        Ring::read(&text).map(Some).map_err(|error| self.wrong(&error))
    }

    /// Puts another ring in the place of the one that is there, at once.
    fn replace(&self, ring: &Ring) -> Result<(), SealsError> {
        let beside = self.beside();
        let replaced = || -> io::Result<()> {
            // Left by one who was interrupted.
            let _ = fs::remove_file(&beside);
            create(&beside, ring)?;
            fs::rename(&beside, &self.0)?;
            sync_dir(&self.0)
        };
        replaced().map_err(|error| self.wrong(&error))
    }

    /// Makes the file, with all that is in it, unless it is there.
    fn write_new(&self, ring: &Ring) -> io::Result<()> {
        let beside = self.beside();
        let _ = fs::remove_file(&beside);
        create(&beside, ring)?;
        let linked = fs::hard_link(&beside, &self.0);
        let _ = fs::remove_file(&beside);
        linked?;
        sync_dir(&self.0)
    }

    /// A name of this process's own in the same directory.
    fn beside(&self) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(format!(".{}", std::process::id()));
        name.into()
    }

    fn wrong(&self, reason: &(impl ToString + ?Sized)) -> SealsError {
        SealsError::File { path: self.0.clone(), reason: reason.to_string() }
    }
}

fn create(path: &Path, ring: &Ring) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    file.write_all(ring.written().as_bytes())?;
    file.sync_all()
}

/// Has the file's name survive the power going: what is sealed with its keys does.
fn sync_dir(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
}

/// A new key seals from now on, and all that is sealed is sealed anew with it. Returns its name, and how many values.
///
/// # Errors
/// When the file cannot be replaced or something does not open. What is sealed opens with what is in the file all the same,
/// and another try may finish.
pub async fn reseal(file: &SealFile, store: &dyn Store, outside: &Outside) -> Result<(KeyId, usize), SealsError> {
    let before = file.ready(store, outside).await?;
    let used = keys_in_use(store).await?;
    let ring = before.rotated(new_key(outside)?, |key| used.contains(&key));
    let ring = ring.map_err(|RingError| file.wrong("holds too many keys that are in use"))?;
    // The file first: what is sealed with the new key must open after a failure of any kind.
    file.replace(&ring)?;
    let mut count = 0;
    for key in store.signing_keys().await? {
        count += usize::from(seal_signing_key(store, outside, &ring, file, &key.kid, &key.secret).await?);
    }
    let mut after = None;
    loop {
        let page = store.all_tokens(after).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (id, kept) in page {
            let place = Place::IdentityTokens(id);
            let sealed = seal(&ring, outside, &place, &file.open(&ring, &place, &kept)?)?;
            count += usize::from(store.reseal_tokens(id, &kept, &sealed).await?);
        }
    }
    Ok((ring.newest(), count))
}

/// Seals a signing key with the newest key. What somebody else has done meanwhile stands.
pub(super) async fn seal_signing_key(
    store: &dyn Store,
    outside: &Outside,
    ring: &Ring,
    file: &SealFile,
    kid: &str,
    kept: &KeptKey,
) -> Result<bool, SealsError> {
    let place = Place::SigningKey(kid.to_owned());
    let value = match kept {
        KeptKey::Plain(bytes) => bytes.to_vec(),
        KeptKey::Sealed(sealed) => file.open(ring, &place, sealed)?,
    };
    let sealed = seal(ring, outside, &place, &value)?;
    Ok(store.reseal_signing_key(kid, kept, &sealed).await?)
}

impl SealFile {
    /// Opens a value with the keys of this file.
    pub(super) fn open(&self, ring: &Ring, place: &Place, sealed: &Sealed) -> Result<Vec<u8>, SealsError> {
        ring.open(place, sealed).map_err(|error| match error {
            SealError::UnknownKey(key) => SealsError::Missing { path: self.0.clone(), key },
            SealError::Broken | SealError::Failed => SealsError::Broken(error),
        })
    }
}

/// Seals a value for its place.
pub(super) fn seal(ring: &Ring, outside: &Outside, place: &Place, value: &[u8]) -> Result<Sealed, SealsError> {
    let nonce = outside.bytes::<NONCE_BYTES>().map_err(|_| SealsError::NoSecrets)?;
    ring.seal(place, value, nonce).map_err(|_| SealsError::NoSecrets)
}

fn new_key(outside: &Outside) -> Result<SealingKey, SealsError> {
    let bytes = outside.bytes().map_err(|_| SealsError::NoSecrets)?;
    SealingKey::new(bytes).map_err(|_| SealsError::NoSecrets)
}

/// A key that something in the store is sealed with.
async fn sealed_with(store: &dyn Store) -> Result<Option<KeyId>, SealsError> {
    Ok(keys_in_use(store).await?.first().copied())
}

/// The keys that something in the store is sealed with.
async fn keys_in_use(store: &dyn Store) -> Result<Vec<KeyId>, SealsError> {
    let mut used = Vec::new();
    for key in store.signing_keys().await? {
        if let KeptKey::Sealed(sealed) = key.secret {
            used.extend(sealed.key().filter(|key| !used.contains(key)));
        }
    }
    let mut after = None;
    loop {
        let page = store.all_tokens(after).await?;
        let Some((last, _)) = page.last() else { return Ok(used) };
        after = Some(*last);
        for (_, sealed) in page {
            used.extend(sealed.key().filter(|key| !used.contains(key)));
        }
    }
}
