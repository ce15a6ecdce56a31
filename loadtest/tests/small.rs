//! Every scenario against a real server, with little of everything: that it runs, and that nothing goes wrong in it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

const SCENARIOS: [&str; 7] = ["throughput", "latency", "late-join", "slow-viewer", "connections", "memory", "soak"];

#[test]
fn every_scenario_runs_to_its_end_without_an_error() {
    let loadtest = Path::new(env!("CARGO_BIN_EXE_fantail-loadtest"));
    let server = loadtest.with_file_name("fantail");
    assert!(server.exists(), "{} is missing: cargo test --workspace builds it", server.display());
    let run = Command::new(loadtest)
        .args(["all", "--small", "--server-bin"])
        .arg(server)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("it starts");
    let told = String::from_utf8(run.stdout).expect("UTF-8");
    let measured: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for one in &measured {
        assert_eq!((&one["errors"], &one["complete"]), (&Value::Array(Vec::new()), &Value::Bool(true)), "{one}");
    }
    for scenario in SCENARIOS {
        assert!(measured.iter().any(|one| one["scenario"] == scenario), "{scenario} was not run");
    }
    assert!(run.status.success(), "{}", run.status);
}
