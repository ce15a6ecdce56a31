//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::deliver::Outputs;
use crate::floor::spawns::SpawnsArgs;
use crate::floor::{self, answers, spawns};
use crate::program::Program;
use crate::scenario::api::ApiArgs;
use crate::scenario::churn::ChurnArgs;
use crate::scenario::connections::ConnectionsArgs;
use crate::scenario::late_join::LateJoinArgs;
use crate::scenario::latency::LatencyArgs;
use crate::scenario::memory::MemoryArgs;
use crate::scenario::slow_viewer::SlowViewerArgs;
use crate::scenario::soak::SoakArgs;
use crate::scenario::throughput::ThroughputArgs;
use crate::target::started::GuardianArgs;

/// Measures terminal session servers over their own wire, beside the floor of the machine
#[derive(Debug, Parser)]
#[command(name = "fantail-loadtest", version, max_term_width = 100)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// What holds for every scenario.
#[derive(Args, Debug)]
pub(crate) struct Common {
    /// The program to start as the server under test [default: `fantail` beside this program]
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "url")]
    pub(crate) server_bin: Option<PathBuf>,
    /// Measure a server that runs already
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// What speaks there
    #[arg(long, global = true, value_enum, default_value_t = Server::Fantail, requires = "url")]
    pub(crate) dialect: Server,
    /// The token it is to be shown: of a Fantail server one with the scope `load-test`, which no limit of requests holds
    #[arg(long, global = true, value_name = "TOKEN", requires = "url")]
    pub(crate) token: Option<String>,
    /// Its processes, where they are on this machine: CPU time and memory are read of these
    #[arg(long, global = true, value_name = "PID", requires = "url")]
    pub(crate) pid: Vec<u32>,
    /// Leave the floor out
    #[arg(long, global = true)]
    pub(crate) no_floor: bool,
    /// Little of everything: shows that all of it works, and measures nothing
    #[arg(long, global = true)]
    pub(crate) small: bool,
    /// How often each measurement is repeated, in turns with the floor's; the figures are those of the median, and
    /// of throughput those of the best of three times as many
    #[arg(long, global = true, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    Fantail,
    /// Gen-2: `npx vibetunnel --no-auth`
    Vibetunnel,
    /// Runs one program for every viewer: `ttyd -W fantail-loadtest program flood --seed 1 --bytes 67108864` for
    /// throughput, `… program echo` for latency
    Ttyd,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    #[command(flatten)]
    Scenario(Scenario),
    /// Set two reports side by side
    Compare {
        /// JSON lines of before
        before: PathBuf,
        /// JSON lines of after
        after: PathBuf,
    },
    /// Show a report again, as a table and as a page
    Show {
        /// Its JSON lines
        report: PathBuf,
    },
    /// Be the floor
    #[command(hide = true, name = floor::COMMAND)]
    Floor,
    /// Be the floor of answers
    #[command(hide = true, name = answers::COMMAND)]
    AnswersFloor,
    /// Be the floor of sessions opened and closed
    #[command(hide = true, name = spawns::COMMAND)]
    SpawnsFloor(SpawnsArgs),
    /// End a server when who started it has gone
    #[command(hide = true)]
    Guardian(GuardianArgs),
    /// Be a program in a session
    #[command(hide = true, subcommand)]
    Program(Program),
}

/// What is to be measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Scenario {
    /// One session's output to many viewers: time, server CPU and memory
    Throughput(ThroughputArgs),
    /// The echo of single keys, alone and beside others
    Latency(LatencyArgs),
    /// Sessions opened and closed over REST, with a program each and without
    Churn(ChurnArgs),
    /// Questions over REST on many connections
    Api(ApiArgs),
    /// Thousands of viewers, at a steady rate: the time each waits to be let in
    Connections(ConnectionsArgs),
    /// Memory for each idle viewer and session, and what idling costs
    Memory(MemoryArgs),
    /// From joining a session that has printed much to its screen
    LateJoin(LateJoinArgs),
    /// What a viewer that never reads costs the others
    SlowViewer(SlowViewerArgs),
    /// A day's use in little, over and over
    Soak(SoakArgs),
    /// All of them
    All,
}
