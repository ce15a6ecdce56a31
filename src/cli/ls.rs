//! `fantail ls`: the sessions, newest first.

use std::process::ExitCode;

use jiff::Timestamp;

use super::client::Client;
use super::place::ServerArgs;
use super::print::{aligned, out, printable};
use super::session::{Session, Status};

/// Characters of a name or a command in the table: the rest is in `--json`.
const CELL_CHARS_MAX: usize = 48;

/// List the sessions, newest first
#[derive(Debug, clap::Args)]
pub(super) struct LsArgs {
    /// Print the API's answer as it is
    #[arg(long)]
    pub json: bool,

    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// # Errors
/// When the server cannot be asked, or stdout fails.
pub(super) async fn run(args: LsArgs) -> anyhow::Result<ExitCode> {
    let client = Client::find(&args.server)?;
    if args.json {
        let sessions = client.list_json().await?;
        out(&format!("{}\n", serde_json::to_string_pretty(&sessions)?))?;
    } else {
        #[expect(clippy::disallowed_methods, reason = "the age shown to a person, counted at the edge")]
        let now = Timestamp::now();
        out(&table(&client.list().await?, now))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(sessions: &[Session], now: Timestamp) -> String {
    let header = ["ID", "NAME", "STATUS", "SIZE", "VIEWERS", "AGE", "COMMAND"];
    aligned(header, sessions.iter().map(|session| row(session, now)))
}

fn row(session: &Session, now: Timestamp) -> [String; 7] {
    [
        session.short_id(),
        cell(session.name.as_deref().unwrap_or("-")),
        status(session),
        format!("{}x{}", session.cols, session.rows),
        session.viewers.to_string(),
        age(now.as_second().saturating_sub(session.started_at.as_second())),
        cell(&session.command.join(" ")),
    ]
}

fn status(session: &Session) -> String {
    match (session.status, session.exit_code, &session.exit_signal) {
        (Status::Starting, ..) => "starting".into(),
        (Status::Running, ..) => "running".into(),
        (Status::Exited, _, Some(signal)) => format!("exited {}", printable(signal)),
        (Status::Exited, Some(code), None) => format!("exited {code}"),
        (Status::Exited, None, None) => match &session.exit_reason {
            Some(reason) => cell(&format!("ended: {reason}")),
            None => "ended".into(),
        },
        (Status::Unknown, ..) => "?".into(),
    }
}

/// Escaped before it is cut, so that a cut cannot leave half an escape to be obeyed.
fn cell(text: &str) -> String {
    let text = printable(text);
    if text.chars().count() <= CELL_CHARS_MAX {
        return text;
    }
    text.chars().take(CELL_CHARS_MAX - 1).chain(['…']).collect()
}

/// In the largest unit that fits twice, or in seconds. A clock that is behind the server's shows none.
fn age(seconds: i64) -> String {
    let (minute, hour, day) = (60, 60 * 60, 24 * 60 * 60);
    match seconds.max(0) {
        seconds if seconds >= 2 * day => format!("{}d", seconds / day),
        seconds if seconds >= 2 * hour => format!("{}h", seconds / hour),
        seconds if seconds >= 2 * minute => format!("{}m", seconds / minute),
        seconds => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::session::tests::session;
    use super::*;

    #[test]
    fn the_table_is_aligned_and_obeys_nobody() {
        let mut exited = session("0c6cb0a2-7d0e", "bu\x1b[31mild");
        exited.status = Status::Exited;
        exited.exit_code = Some(3);
        exited.command = vec!["sh".into(), "-c".into(), "x".repeat(99)];
        let mut lost = exited.clone();
        (lost.exit_code, lost.exit_reason) = (None, Some("the machine was restarted".into()));
        assert_eq!(status(&lost), "ended: the machine was restarted");
        let now = Timestamp::from_second(7200).expect("a time");
        let table = table(&[exited, session("1d", "β")], now);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "ID        NAME           STATUS    SIZE   VIEWERS  AGE  COMMAND");
        assert_eq!(lines[2], "1d        β              running   80x24  0        2h   /bin/sh");
        assert!(lines[1].starts_with("0c6cb0a2  bu\\x1b[31mild  exited 3  80x24  0        2h   sh -c xxx"));
        assert!(lines[1].ends_with('…'));
        assert!(!table.contains('\x1b'));
    }

    #[test]
    fn an_age_is_shown_in_the_unit_that_says_most() {
        let shown = [(-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (7200, "2h"), (172_800, "2d")];
        for (seconds, text) in shown {
            assert_eq!(age(seconds), text);
        }
    }
}
