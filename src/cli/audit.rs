//! `fantail audit`: who did what, and whether the log still says what it said.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::print::out;
use super::records::RecordsArgs;
use crate::auth::audit::{Check, Entry, Hash, Head, Placed};
use crate::config::Environment;
use crate::store::{Audit as _, SqlStore};

/// Longest line of an exported log, in bytes: the texts at their bounds, escaped, with room.
const LINE_MAX: u64 = 64 * 1024;

/// The arguments of `fantail audit`.
#[derive(Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    action: Action,
    /// Where its records are.
    #[command(flatten)]
    records: RecordsArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Look whether any entry was changed, taken out or cut off, and say which is the first
    Verify {
        /// A log that was exported, instead of the server's
        #[arg(long, value_name = "PATH")]
        file: Option<PathBuf>,
        /// What was written down elsewhere of the end of the log, as an earlier verify has printed it: all up to there
        /// must still be the same
        #[arg(long, value_name = "SEQ:HASH", value_parser = head)]
        head: Option<Head>,
    },
    /// Print the log, an entry a line as JSON, and its end
    Export,
}

/// A line of an exported log.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Entry(EntryLine),
    End { end: String },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryLine {
    seq: i64,
    at: Timestamp,
    event: String,
    actor: String,
    address: String,
    subject: String,
    detail: String,
    hash: String,
}

impl Audit {
    pub(super) async fn run(self, environment: &Environment) -> anyhow::Result<()> {
        if let Action::Verify { file: Some(file), head } = &self.action {
            return said(verify_file(file, *head)?);
        }
        let (store, _) = self.records.open(environment).await?;
        let done = match self.action {
            Action::Verify { head, .. } => verify(&store, head).await.and_then(said),
            Action::Export => export(&store).await,
        };
        store.close().await;
        done
    }
}

fn said(head: Head) -> anyhow::Result<()> {
    Ok(out(&format!("{} entries, unbroken\nhead {}:{}\n", head.seq, head.seq, head.hash))?)
}

/// A log as it is gone through.
struct Walk {
    check: Check,
    /// What was written down elsewhere, until it has been passed.
    noted: Option<Head>,
}

impl Walk {
    fn new(noted: Option<Head>) -> Self {
        Self { check: Check::default(), noted }
    }

    fn next(&mut self, placed: &Placed) -> anyhow::Result<()> {
        self.check.next(placed)?;
        if self.noted.is_some_and(|noted| noted.seq == placed.head.seq) {
            if self.noted != Some(placed.head) {
                bail!("up to entry {} the log is not the one whose end was written down", placed.head.seq);
            }
            self.noted = None;
        }
        Ok(())
    }

    fn finish(self, end: Head) -> anyhow::Result<Head> {
        self.check.finish(end)?;
        match self.noted {
            Some(noted) if noted != end => bail!("entries are missing behind {}, up to {}", end.seq, noted.seq),
            _ => Ok(end),
        }
    }
}

async fn verify(store: &SqlStore, noted: Option<Head>) -> anyhow::Result<Head> {
    let mut walk = Walk::new(noted);
    // Had first: what is added meanwhile lies behind it.
    let end = store.audit_head().await?;
    'pages: loop {
        let page = store.audit(walk.check.head().seq).await?;
        if page.is_empty() {
            break;
        }
        for placed in &page {
            if placed.head.seq > end.seq {
                break 'pages;
            }
            walk.next(placed)?;
        }
    }
    walk.finish(end)
}

async fn export(store: &SqlStore) -> anyhow::Result<()> {
    let end = store.audit_head().await?;
    let mut after = 0;
    while after < end.seq {
        let page = store.audit(after).await?;
        let Some(last) = page.last() else { bail!("entries are missing behind {after}") };
        after = last.head.seq;
        for Placed { entry, head } in page.into_iter().filter(|placed| placed.head.seq <= end.seq) {
            let Entry { at, event, actor, address, subject, detail } = entry;
            let hash = head.hash.to_string();
            let line = EntryLine { seq: head.seq, at, event, actor, address, subject, detail, hash };
            out(&format!("{}\n", serde_json::to_string(&Line::Entry(line))?))?;
        }
    }
    let end = Line::End { end: format!("{}:{}", end.seq, end.hash) };
    Ok(out(&format!("{}\n", serde_json::to_string(&end)?))?)
}

fn verify_file(path: &Path, noted: Option<Head>) -> anyhow::Result<Head> {
    let mut reader = BufReader::new(File::open(path).with_context(|| path.display().to_string())?);
    let mut walk = Walk::new(noted);
    let mut text = String::new();
    loop {
        text.clear();
        let here = walk.check.head().seq + 1;
        reader.by_ref().take(LINE_MAX).read_line(&mut text).with_context(|| format!("entry {here}"))?;
        if text.is_empty() {
            bail!("entries are missing behind {}: the file does not say where it ends", here - 1);
        }
        match serde_json::from_str(&text).with_context(|| format!("entry {here} is not what was written there"))? {
            Line::Entry(line) => walk.next(&line.placed()?)?,
            Line::End { end } => {
                let end = head(&end).map_err(|rule| anyhow::anyhow!("the end of the log {rule}"))?;
                return walk.finish(end);
            }
        }
    }
}

impl EntryLine {
    fn placed(self) -> anyhow::Result<Placed> {
        let Self { seq, at, event, actor, address, subject, detail, hash } = self;
        let hash: Hash = hash.parse().with_context(|| format!("the hash of entry {seq}"))?;
        let entry = Entry { at, event, actor, address, subject, detail };
        Ok(Placed { entry, head: Head { seq, hash } })
    }
}

fn head(text: &str) -> Result<Head, String> {
    let rule = || "must be SEQ:HASH, as verify prints it".to_owned();
    let (seq, hash) = text.split_once(':').ok_or_else(rule)?;
    Ok(Head { seq: seq.parse().map_err(|_| rule())?, hash: hash.parse().map_err(|_| rule())? })
}
