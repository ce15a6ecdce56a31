//! `fantail open`: opens a session here, of this terminal's size, and attaches to it. `fantail reopen`: opens one that
//! has ended again, and attaches to it.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Context as _;

use super::attach;
use super::client::Client;
use super::place::ServerArgs;
use super::print::out;
use super::session::{OpenRequest, Session, resolve};
use crate::terminal::Size;

/// Open a session with this terminal's size and directory, and attach to it
#[derive(Debug, clap::Args)]
pub(super) struct OpenArgs {
    /// What to call it
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Where its program starts [default: here; on a server elsewhere or with a profile, what that says]
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<String>,

    /// Add to its environment
    #[arg(long, value_name = "K=V", value_parser = variable)]
    pub env: Vec<(String, String)>,

    /// Start its program when somebody first attaches
    #[arg(long)]
    pub on_attach: bool,

    /// Print its id instead of attaching
    #[arg(long, short)]
    pub detach: bool,

    /// What the server starts under this name; then CMD is what is appended to it
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,

    /// The program and its arguments [default: your login shell]
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<String>,

    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// # Errors
/// When the session cannot be opened, or attaching to it fails.
pub(super) async fn run(args: OpenArgs) -> anyhow::Result<ExitCode> {
    let client = Client::find(&args.server)?;
    let detach = args.detach;
    let (server, request) = request(args, client.is_local(), attach::terminal_size())?;
    let session = client.open(&request).await?;
    show(server, &client, &session, detach).await
}

/// Open a session that has ended again: the same command in the same directory
#[derive(Debug, clap::Args)]
pub(super) struct ReopenArgs {
    /// An id, the start of one, or a name
    #[arg(value_name = "ID")]
    pub session: String,

    /// Print its new id instead of attaching
    #[arg(long, short)]
    pub detach: bool,

    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// # Errors
/// When the session cannot be opened again, or attaching to it fails.
pub(super) async fn again(args: ReopenArgs) -> anyhow::Result<ExitCode> {
    let client = Client::find(&args.server)?;
    let sessions = client.list().await?;
    let session = client.reopen(&resolve(&sessions, &args.session)?.id).await?;
    show(args.server, &client, &session, args.detach).await
}

/// Attaches to a session that was just opened, or tells its id where nobody is to see it.
async fn show(server: ServerArgs, client: &Client, session: &Session, detach: bool) -> anyhow::Result<ExitCode> {
    if detach || !std::io::stdout().is_terminal() {
        out(&format!("{}\n", session.id))?;
        return Ok(ExitCode::SUCCESS);
    }
    let wish = attach::Wish { mode: attach::Mode::Opened, clipboard: false };
    attach::to(server, client, session, wish).await
}

fn request(args: OpenArgs, local: bool, size: Option<Size>) -> anyhow::Result<(ServerArgs, OpenRequest)> {
    // A profile has its own place to start.
    let working_dir = working_dir(args.cwd, local && args.profile.is_none())?;
    let (appended, command) = if args.profile.is_some() { (args.command, vec![]) } else { (vec![], args.command) };
    let request = OpenRequest {
        profile: args.profile,
        args: appended,
        command,
        working_dir,
        env: args.env.into_iter().map(|(key, value)| (key, value.into())).collect(),
        name: args.name,
        cols: size.map(Size::cols),
        rows: size.map(Size::rows),
        spawn: args.on_attach.then_some("onAttach"),
    };
    Ok((args.server, request))
}

/// A directory of this machine says nothing to a server elsewhere: there only what was named is sent, as it was named.
fn working_dir(named: Option<String>, local: bool) -> anyhow::Result<Option<String>> {
    match named {
        Some(dir) if !local || dir == "~" || dir.starts_with("~/") => Ok(Some(dir)),
        None if !local => Ok(None),
        named => {
            let dir = std::path::absolute(named.as_deref().unwrap_or(".")).context("the current directory is gone")?;
            Ok(Some(dir.into_os_string().into_string().ok().context("the directory's name is not UTF-8")?))
        }
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: OpenArgs,
    }

    fn parse(words: &[&str]) -> OpenArgs {
        Line::try_parse_from(std::iter::once("open").chain(words.iter().copied())).expect("valid").args
    }

    #[test]
    fn a_request_says_only_what_the_user_said() {
        let (_, bare) = request(parse(&[]), false, None).expect("a request");
        assert_eq!(serde_json::to_string(&bare).expect("JSON"), "{}");
        let args = parse(&["--name", "n", "--env", "A=b=c", "--on-attach", "--cwd", "/srv", "--", "sh", "-c", "ls"]);
        let (_, request) = request(args, true, Size::new(120, 40).ok()).expect("a request");
        assert_eq!(
            serde_json::to_value(&request).expect("JSON"),
            serde_json::json!({ "command": ["sh", "-c", "ls"], "workingDir": "/srv", "env": { "A": "b=c" }, "name": "n",
                "cols": 120, "rows": 40, "spawn": "onAttach" })
        );
    }

    #[test]
    fn a_relative_directory_is_one_of_this_machine_unless_the_server_is_elsewhere() {
        let dir = |named: Option<&str>, local| working_dir(named.map(str::to_owned), local).expect("a directory");
        assert!(dir(None, true).is_some_and(|dir| dir.starts_with('/')));
        assert!(dir(Some("src"), true).is_some_and(|dir| dir.starts_with('/') && dir.ends_with("/src")));
        assert_eq!(dir(Some("~/src"), true).as_deref(), Some("~/src"));
        assert_eq!(dir(Some("src"), false).as_deref(), Some("src"));
        assert_eq!(dir(None, false), None);
    }

    #[test]
    fn a_variable_needs_a_key() {
        assert_eq!(variable("A="), Ok(("A".into(), String::new())));
        assert!(variable("=x").is_err() && variable("A").is_err());
    }
}
