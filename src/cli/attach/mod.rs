//! `fantail attach`: this terminal becomes a viewer of a session, and comes back when the connection breaks.
//!
//! `link` decides (what to read, resend, report) and `console` is this end; `follow` moves messages between them over
//! one connection, `attachment` goes from one connection to the next. Attaching changes nothing (law 6): the session is
//! resized only once somebody types here, or when it was opened from here.

mod answers;
mod attachment;
mod backoff;
mod console;
mod control;
mod dial;
mod display;
mod ending;
mod filter;
mod follow;
mod keys;
mod link;
mod modes;
mod outbox;
mod pane;
mod pointer;
mod polled;
mod stdio;

#[cfg(test)]
mod laws;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::client::Client;
use super::place::ServerArgs;
use super::print::{note, printable};
use super::session::{Session, Sizes, resolve};
use crate::terminal::Size;
use attachment::Attachment;
use console::Console;
pub(super) use console::terminal_size;

/// Attach to a session: Ctrl-] d detaches, Ctrl-] c takes control or asks for it, Ctrl-] Ctrl-] types a Ctrl-]
#[derive(Debug, clap::Args)]
pub(super) struct AttachArgs {
    /// An id, the start of one, or a name
    #[arg(value_name = "ID")]
    pub session: String,

    /// Only look: nothing typed is sent
    #[arg(long)]
    pub view: bool,

    /// Let the session's programs put text on this terminal's clipboard
    #[arg(long)]
    pub clipboard: bool,

    /// Hidden: set by the server in every session, so that a session is not shown inside itself.
    #[arg(long, env = "FANTAIL_SESSION_ID", value_name = "ID", hide = true)]
    pub inside: Option<String>,

    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// How to attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// To a session that others may be using.
    Joined,
    /// The same, only to look.
    View,
    /// To a session this command has just opened for this terminal.
    Opened,
}

/// What is wanted of attaching.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// How.
    pub(super) mode: Mode,
    /// Whether the session's programs may write to the clipboard here.
    pub(super) clipboard: bool,
}

/// # Errors
/// When there is no such session, or no way to stay attached to it.
pub(super) async fn run(args: AttachArgs) -> anyhow::Result<ExitCode> {
    let client = Client::find(&args.server)?;
    let sessions = client.list().await?;
    let session = resolve(&sessions, &args.session)?;
    if args.inside.as_ref() == Some(&session.id) {
        bail!("this terminal is that session: it would show itself");
    }
    let mode = if args.view { Mode::View } else { Mode::Joined };
    to(args.server, &client, session, Wish { mode, clipboard: args.clipboard }).await
}

/// Attaches until the session ends or the user leaves.
pub(super) async fn to(server: ServerArgs, client: &Client, session: &Session, wish: Wish) -> anyhow::Result<ExitCode> {
    let resizes = console::listen_to_resizes().context("no signals")?;
    if let Some(line) = size_line(session, terminal_size(), wish.mode) {
        note(&line);
    }
    let attachment = Attachment::new(server, session.id.clone(), wish, std::io::stdout().is_terminal());
    // Before the terminal is raw: a refusal is then an error like any other.
    let socket = attachment.dial(client).await?;
    let console = Console::open(resizes).context("this terminal cannot be used")?;
    let ending = Box::pin(attachment.run(console, socket)).await?;
    if let Some(line) = ending.line(&session.short_id()) {
        note(&line);
    }
    Ok(ExitCode::from(ending.code()))
}

fn size_line(session: &Session, here: Option<Size>, mode: Mode) -> Option<String> {
    let here = here.filter(|here| (here.cols(), here.rows()) != (session.cols, session.rows))?;
    let how = match (mode, session.sizes) {
        (Mode::Opened, _) => return None,
        (Mode::Joined, Sizes::Latest) => "; it takes this one's size when you type",
        (Mode::Joined, Sizes::Owner | Sizes::Smallest | Sizes::Fixed) | (Mode::View, _) => "",
    };
    let name = printable(session.name.as_deref().unwrap_or("the session"));
    let (cols, rows) = (session.cols, session.rows);
    Some(format!("[{name} is {cols}x{rows}, this terminal {}x{}{how}]", here.cols(), here.rows()))
}

#[cfg(test)]
mod tests {
    use super::super::session::tests::session;
    use super::*;

    #[test]
    fn another_size_is_said_once_and_the_same_size_never() {
        let mut session = session("id", "bu\x1bild");
        let line = |cols, mode| size_line(&session, Size::new(cols, 24).ok(), mode);
        assert_eq!(line(80, Mode::Joined), None);
        assert_eq!(line(100, Mode::Opened), None);
        assert_eq!(line(100, Mode::View).as_deref(), Some("[bu\\x1bild is 80x24, this terminal 100x24]"));
        assert!(line(100, Mode::Joined).is_some_and(|line| line.contains("when you type")));
        assert_eq!(size_line(&session, None, Mode::View), None);
        session.sizes = Sizes::Fixed;
        assert!(size_line(&session, Size::new(100, 24).ok(), Mode::Joined).is_some_and(|line| !line.contains("type")));
    }
}
