//! The command line: one file for each command. The only place where errors become words for people and exit codes.

mod attach;
mod audit;
mod client;
mod close;
mod holder;
mod keys;
mod ls;
mod open;
mod place;
mod print;
mod records;
mod screen;
mod serve;
mod session;
mod stop;
mod token;
mod trust;
mod upgrade;
mod user;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{ConfigError, Environment};

/// The command failed.
const FAILURE: u8 = 1;
/// The command, or the configuration, makes no sense.
const USAGE: u8 = 2;

/// A realtime terminal session server.
#[derive(Parser)]
#[command(name = "fantail", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Usual(Usual),
    /// Keep sessions while servers come and go
    #[command(hide = true)]
    Holder(holder::Holder),
    /// Become a program that is confined
    #[command(hide = true, name = crate::session::BEGIN)]
    Begin {
        /// The limit of open descriptors it gets, soft and hard
        #[arg(value_parser = crate::session::limit_from)]
        descriptors: Option<rustix::process::Rlimit>,
    },
}

#[derive(Subcommand)]
enum Usual {
    /// Serve terminal sessions
    Serve(Box<serve::Serve>),
    /// Open a session, and attach to it
    Open(open::OpenArgs),
    /// Open a session that has ended again, and attach to it
    Reopen(open::ReopenArgs),
    /// List sessions
    Ls(ls::LsArgs),
    /// Attach this terminal to a session
    Attach(attach::AttachArgs),
    /// Print what a session's terminal shows
    Screen(screen::ScreenArgs),
    /// End sessions
    Close(close::CloseArgs),
    /// Have the next version of the program take over from the running server
    Upgrade(upgrade::UpgradeArgs),
    /// End the running server
    Stop(stop::StopArgs),
    /// Manage who can log in
    User(user::User),
    /// Manage by what programs show who they are
    Token(token::Token),
    /// Change what signs access tokens
    Keys(keys::Keys),
    /// Read the audit log, and look whether it was tampered with
    Audit(audit::Audit),
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to stdout and are a success. A closed pipe is nobody's fault.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    match start(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "fantail: {error:#}");
            ExitCode::from(if error.is::<ConfigError>() { USAGE } else { FAILURE })
        }
    }
}

fn start(command: Command) -> anyhow::Result<ExitCode> {
    let command = match command {
        // Alone in its process: no runtime, no threads, nothing open.
        Command::Holder(holder) => return holder.run().map(|()| ExitCode::SUCCESS),
        Command::Begin { descriptors } => {
            return Ok(u8::try_from(crate::session::begin_confined(descriptors)).unwrap_or(FAILURE).into());
        }
        Command::Usual(command) => command,
    };
    let environment = Environment::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Usual::Serve(serve) => serve.run(&environment).await,
            Usual::Open(args) => open::run(args).await,
            Usual::Reopen(args) => open::again(args).await,
            Usual::Ls(args) => ls::run(args).await,
            Usual::Attach(args) => attach::run(args).await,
            Usual::Screen(args) => screen::run(args).await,
            Usual::Close(args) => close::run(args).await,
            Usual::Upgrade(args) => upgrade::run(args, &environment).await,
            Usual::Stop(args) => stop::run(args, &environment).await,
            Usual::User(user) => user.run(&environment).await.map(|()| ExitCode::SUCCESS),
            Usual::Token(token) => token.run(&environment).await.map(|()| ExitCode::SUCCESS),
            Usual::Keys(keys) => keys.run(&environment).await.map(|()| ExitCode::SUCCESS),
            Usual::Audit(audit) => audit.run(&environment).await.map(|()| ExitCode::SUCCESS),
        }
    })
}
