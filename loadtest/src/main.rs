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
#[allow(dead_code, reason = "until the scenarios that use all of it are there")]
mod process;
mod program;
#[allow(dead_code, reason = "until the scenarios that use all of it are there")]
mod progress;
mod readiness;
mod report;
mod rest;
mod result;
mod scenario;
#[allow(dead_code, reason = "until the scenarios that use all of it are there")]
mod target;

use std::process::ExitCode;

use clap::Parser as _;

use self::machine::About;
use self::options::{Common, Options, Scenario, Task};
use self::progress::Progress;
use self::report::Report;
use self::scenario::{Lab, api, churn, latency, throughput};

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let done = match &options.task {
        Task::Scenario(scenario) => return measure(&options.common, scenario),
        Task::Compare { before, after } => deliver::compare(before, after),
        Task::Show { report } => options.common.outputs.open()?.deliver(&deliver::read(report)?),
        Task::Floor => floor::run(),
        Task::AnswersFloor => floor::answers::run(),
        Task::SpawnsFloor(args) => floor::spawns::run(args),
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
    };
    progress.done();
    let report = Report::new(about, measured);
    files.deliver(&report)?;
    Ok(if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
