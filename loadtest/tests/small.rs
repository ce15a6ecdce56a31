//! Every scenario against a real server, with little of everything: that it runs, and that nothing goes wrong in it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

const SCENARIOS: [&str; 9] =
    ["throughput", "latency", "late-join", "slow-viewer", "connections", "memory", "churn", "api", "soak"];

#[test]
fn every_scenario_runs_to_its_end_without_an_error() {
    let loadtest = Path::new(env!("CARGO_BIN_EXE_fantail-loadtest"));
    let server = loadtest.with_file_name("fantail");
    assert!(server.exists(), "{} is missing: cargo test --workspace builds it", server.display());
    let files = tempfile::tempdir().expect("a directory");
    let (json, html) = (files.path().join("report.json"), files.path().join("report.html"));
    let run = Command::new(loadtest)
        .args(["all", "--small", "--server-bin"])
        .arg(server)
        .arg("--json")
        .arg(&json)
        .arg("--html")
        .arg(&html)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("it starts");
    let (table, page) = (String::from_utf8(run.stdout).expect("UTF-8"), std::fs::read_to_string(html).expect("a page"));
    let lines = std::fs::read_to_string(&json).expect("JSON lines");
    let mut lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    assert_eq!(lines.next().expect("what it is")["format"], "fantail-loadtest");
    let measured: Vec<Value> = lines.collect();
    for one in &measured {
        assert_eq!((&one["errors"], &one["complete"]), (&Value::Array(Vec::new()), &Value::Bool(true)), "{one}");
    }
    for scenario in SCENARIOS {
        assert!(measured.iter().any(|one| one["scenario"] == scenario), "{scenario} was not run");
        assert!(table.contains(scenario) && page.contains(&format!("id=\"{scenario}\"")), "{scenario} is not told");
    }
    assert!(run.status.success(), "{}", run.status);

    let compared = Command::new(loadtest).arg("compare").args([&json, &json]).output().expect("it starts");
    let changes = String::from_utf8(compared.stdout).expect("UTF-8");
    assert!(compared.status.success() && changes.contains("+0.0 %") && !changes.contains("only"), "{changes}");
}
