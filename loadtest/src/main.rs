//! Measures terminal session servers over their own wire: every byte compared, every status checked, errors counted as
//! errors, and the floor beside each figure.
//!
//! Of the server's crate it imports only `protocol`: it knows of a server what a client knows.

mod client;
mod floor;
mod limits;
mod options;
mod output;
mod process;
mod program;
mod progress;
mod readiness;
#[allow(dead_code, reason = "until the report is there")]
mod result;
mod scenario;
mod target;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use self::options::{Options, Task};
use self::progress::Progress;
use self::result::Measured;
use self::scenario::{Lab, all, connections, late_join, latency, memory, slow_viewer, soak, throughput};
use self::target::started;

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let progress = Progress::new();
    let lab = Lab { common: &options.common, progress: &progress };
    limits::raise_descriptors();
    let measured = match &options.task {
        Task::Floor => return floor::run().map(|()| ExitCode::SUCCESS),
        Task::Guardian(args) => return started::guardian(args).map(|()| ExitCode::SUCCESS),
        Task::Program(program) => return program.run().map(|()| ExitCode::SUCCESS),
        Task::Throughput(args) => throughput::run(&lab, args)?,
        Task::Latency(args) => latency::run(&lab, args)?,
        Task::Connections(args) => connections::run(&lab, args)?,
        Task::Memory(args) => memory::run(&lab, args)?,
        Task::LateJoin(args) => late_join::run(&lab, args)?,
        Task::SlowViewer(args) => slow_viewer::run(&lab, args)?,
        Task::Soak(args) => soak::run(&lab, args)?,
        Task::All => all::run(&lab),
    };
    progress.done();
    tell(&measured)?;
    let whole = measured.iter().all(|measured| measured.complete && measured.errors.is_empty());
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// As JSON lines.
fn tell(measured: &[Measured]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for measured in measured {
        writeln!(out, "{}", serde_json::to_string(measured)?)?;
    }
    Ok(())
}
