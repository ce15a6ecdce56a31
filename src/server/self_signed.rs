//! A certificate of the server's own, for where nobody gives it one: made once, kept, and made anew before it ends.
//!
//! Nobody vouches for it, so its fingerprint is printed: whoever opens the page from a phone compares it once.

use std::fs;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};

use crate::store::{DataDir, StoreError};

/// Certificate and key, in one file so that they always go together.
const FILE: &str = "tls.pem";
/// The certificate alone, to be taken along to other machines (`fantail --ca`).
const PUBLIC_FILE: &str = "tls-cert.pem";
/// Written first and then renamed, so that a reader finds all of a file or nothing.
const UNFINISHED: &str = "tls.pem.new";
/// How long one lasts: the longest that browsers take of any certificate.
const LIFETIME: SignedDuration = SignedDuration::from_hours(397 * 24);
/// How long before its end it is made anew: whoever compares fingerprints has a month to do so.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Clocks of phones that are behind.
const BACKDATED: SignedDuration = SignedDuration::from_hours(24);
/// What stands in the file before the date from which it is made anew.
const RENEWED_FROM: &str = "fantail-renewed-from: ";
/// What stands in the file before the names it is for.
const NAMES: &str = "fantail-names: ";

/// Why there is no certificate of our own.
#[derive(Debug, thiserror::Error)]
pub enum SelfSignedError {
    /// It cannot be made.
    #[error("no certificate can be made: {0}")]
    Make(#[from] rcgen::Error),
    /// It cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be written.
    #[error("the certificate cannot be kept: {0}")]
    Keep(#[from] io::Error),
}

/// The certificate of a data directory.
pub(super) struct SelfSigned {
    dir: DataDir,
    names: Vec<String>,
}

impl SelfSigned {
    /// For the names and addresses this machine has now.
    pub(super) fn of_this_machine(dir: DataDir) -> Self {
        let mut names = vec!["localhost".to_owned()];
        names.extend(host_names());
        names.extend(addresses().iter().map(ToString::to_string));
        Self { dir, names }
    }

    /// The file with certificate and key.
    pub(super) fn file(&self) -> PathBuf {
        self.dir.path().join(FILE)
    }

    /// The file with the certificate alone.
    pub(super) fn public_file(&self) -> PathBuf {
        self.dir.path().join(PUBLIC_FILE)
    }

    /// Makes it, unless there is one for all the names that does not end soon.
    pub(super) fn ready(&self, now: Timestamp) -> Result<(), SelfSignedError> {
        let kept = fs::read_to_string(self.file()).ok();
        if kept.is_some_and(|kept| self.is_kept(&kept, now)) && self.public_file().is_file() {
            return Ok(());
        }
        self.make(now)
    }

    /// Makes it anew if it ends soon. Names that have changed meanwhile are for the next start.
    pub(super) fn renew(&self, now: Timestamp) -> Result<(), SelfSignedError> {
        let kept = fs::read_to_string(self.file())?;
        if renewed_from(&kept).is_some_and(|from| now < from) { Ok(()) } else { self.make(now) }
    }

    fn is_kept(&self, kept: &str, now: Timestamp) -> bool {
        let names: Vec<_> = line(kept, NAMES).unwrap_or_default().split(' ').collect();
        let has_all = self.names.iter().all(|name| names.contains(&name.as_str()));
        has_all && renewed_from(kept).is_some_and(|from| now < from)
    }

    fn make(&self, now: Timestamp) -> Result<(), SelfSignedError> {
        let ends = now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(self.names.clone())?;
        // Certificates count in UTC, and days are exact enough.
        let midnight = |at: Timestamp| {
            let date = at.to_zoned(TimeZone::UTC).date();
            rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
        };
        params.not_before = midnight(now.saturating_sub(BACKDATED).unwrap_or(Timestamp::MIN));
        params.not_after = midnight(ends);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "fantail");
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.self_signed(&key)?.pem();
        let renewed_from = ends.saturating_sub(RENEWED_BEFORE).unwrap_or(Timestamp::MIN);
        // What stands outside the blocks, readers of PEM pass over.
        let about = format!("{RENEWED_FROM}{renewed_from}\n{NAMES}{}\n", self.names.join(" "));
        self.write(FILE, &format!("{about}{certificate}{}", key.serialize_pem()))?;
        self.write(PUBLIC_FILE, &certificate)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), SelfSignedError> {
        let (mut file, unfinished) = self.dir.private_file(UNFINISHED)?;
        file.set_len(0)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(fs::rename(unfinished, self.dir.path().join(name))?)
    }
}

fn line<'a>(text: &'a str, begin: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(begin))
}

fn renewed_from(kept: &str) -> Option<Timestamp> {
    line(kept, RENEWED_FROM)?.parse().ok()
}

/// What this machine calls itself, alone and as its neighbours find it by multicast DNS. Empty when that is no name.
pub(super) fn host_names() -> Vec<String> {
    let told = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = told.trim().to_ascii_lowercase();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    match is_name && name != "localhost" {
        true if name.contains('.') => vec![name],
        true => vec![format!("{name}.local"), name],
        false => Vec::new(),
    }
}

/// The addresses of this machine's interfaces by which others reach it, and loopback's.
pub(super) fn addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "this machine does not tell its addresses");
        Vec::new()
    });
    let mut addresses: Vec<_> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    // One of a link is written with its interface, which no certificate can.
    addresses.retain(|ip| !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()));
    addresses.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tls::Certificate;

    #[test]
    fn it_is_made_once_kept_and_made_anew_before_it_ends_or_when_a_name_is_missing() {
        let base = tempfile::tempdir().unwrap();
        let dir = DataDir::prepare(base.path()).unwrap();
        let mut own = SelfSigned { dir, names: vec!["localhost".into(), "127.0.0.1".into()] };
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let fingerprint = |own: &SelfSigned| Certificate::read(own.file(), own.file()).unwrap().fingerprint();
        own.ready(now).unwrap();
        let first = fingerprint(&own);
        assert_eq!(first.len(), 32 * 3 - 1, "{first}");
        let public = fs::read_to_string(own.public_file()).unwrap();
        assert!(public.contains("BEGIN CERTIFICATE") && !public.contains("KEY"), "{public}");

        let late = now + (LIFETIME - RENEWED_BEFORE - SignedDuration::from_hours(1));
        own.ready(late).unwrap();
        own.renew(late).unwrap();
        assert_eq!(fingerprint(&own), first, "it is kept");
        own.renew(late + SignedDuration::from_hours(2)).unwrap();
        let second = fingerprint(&own);
        assert_ne!(second, first, "it is renewed before it ends");

        own.names.pop();
        own.ready(late).unwrap();
        assert_eq!(fingerprint(&own), second, "for a name that is gone it is still good");
        own.names.push("192.168.1.5".into());
        own.ready(late).unwrap();
        let third = fingerprint(&own);
        assert_ne!(third, second, "for a new name it is not");

        fs::write(own.file(), "damaged").unwrap();
        own.ready(late).unwrap();
        assert_ne!(fingerprint(&own), third);
    }
}
