//! Measures terminal session servers over their own wire: every byte compared, every status checked, errors counted as
//! errors, and the floor beside each figure.
//!
//! Of the server's crate it imports only `protocol`: it knows of a server what a client knows.

mod client;
mod deliver;
mod floor;
mod limits;
mod machine;
mod options;
mod output;
mod process;
mod program;
mod progress;
mod readiness;
mod report;
mod rest;
mod result;
mod scenario;
mod target;

use std::process::ExitCode;

use clap::Parser as _;

use self::machine::About;
use self::options::{Common, Options, Scenario, Task};
use self::progress::Progress;
use self::report::Report;
use self::scenario::{Lab, all, api, churn, connections, late_join, latency, memory, slow_viewer, soak, throughput};
use self::target::started;

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let done = match &options.task {
        Task::Scenario(scenario) => return measure(&options.common, scenario),
        Task::Compare { before, after } => deliver::compare(before, after),
        Task::Show { report } => options.common.outputs.open()?.deliver(&deliver::read(report)?),
        Task::Floor => floor::run(),
        Task::AnswersFloor => floor::answers::run(),
        Task::SpawnsFloor(args) => floor::spawns::run(args),
        Task::Guardian(args) => started::guardian(args),
        Task::Program(program) => program.run(),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn measure(common: &Common, scenario: &Scenario) -> anyhow::Result<ExitCode> {
    let about = About::this_run(std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()));
    let files = common.outputs.open()?;
    let progress = Progress::new();
    let lab = Lab { common, progress: &progress };
    limits::raise_descriptors();
    let measured = match scenario {
        Scenario::Throughput(args) => throughput::run(&lab, args)?,
        Scenario::Latency(args) => latency::run(&lab, args)?,
        Scenario::Churn(args) => churn::run(&lab, args)?,
        Scenario::Api(args) => api::run(&lab, args)?,
        Scenario::Connections(args) => connections::run(&lab, args)?,
        Scenario::Memory(args) => memory::run(&lab, args)?,
        Scenario::LateJoin(args) => late_join::run(&lab, args)?,
        Scenario::SlowViewer(args) => slow_viewer::run(&lab, args)?,
        Scenario::Soak(args) => soak::run(&lab, args)?,
        Scenario::All => all::run(&lab),
    };
    progress.done();
    let report = Report::new(about, measured);
    files.deliver(&report)?;
    Ok(if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
