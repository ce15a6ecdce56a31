//! A made-up report for the tests of this folder.

use jiff::Timestamp;

use super::Report;
use crate::machine::{About, Machine};
use crate::result::{Axis, Curve, Figure, Measured, Unit};

pub(super) fn about() -> About {
    About {
        version: "0.1.0".to_owned(),
        source: Some("819bb1b8a1c2-dirty".to_owned()),
        date: Timestamp::UNIX_EPOCH,
        command_line: ["fantail-loadtest", "all", "--html", "<report>.html"].map(str::to_owned).to_vec(),
        machine: Machine {
            cpu: Some("AMD EPYC 7B13".to_owned()),
            cores: Some(2),
            memory_bytes: Some(24 << 30),
            kernel: "Linux 6.12.8".to_owned(),
            load_before: Some([0.02, 0.5, 1.21]),
            governor: Some("performance".to_owned()),
            on_mains: Some(true),
        },
    }
}

pub(super) fn run(
    scenario: &str,
    target: &str,
    parameters: &[(&str, &str)],
    figures: &[(&str, f64, Unit)],
) -> Measured {
    Measured {
        scenario: scenario.to_owned(),
        target: target.to_owned(),
        parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        figures: figures
            .iter()
            .map(|&(name, value, unit)| Figure { name: name.to_owned(), value, unit, ratio: None })
            .collect(),
        curves: Vec::new(),
        errors: Vec::new(),
        complete: true,
    }
}

fn axis(name: &str, unit: Unit) -> Axis {
    Axis { name: name.to_owned(), unit }
}

fn latency(target: &str, watchers: &str, p50: f64, p99: f64) -> Measured {
    let figures = [
        ("p50", p50, Unit::Seconds),
        ("p50, least", p50 * 0.9, Unit::Seconds),
        ("p50, most", p50 * 1.5, Unit::Seconds),
        ("p99", p99, Unit::Seconds),
        ("cpu per trip", p50 / 2.0, Unit::Seconds),
    ];
    let mut run = run("latency", target, &[("watchers", watchers)], &figures);
    let slope = (p99 / p50).ln() / 99f64.ln();
    let shares = [0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999];
    let mut points: Vec<_> =
        shares.iter().map(|&share: &f64| (p50 * (share.max(0.001) / (1.0 - share)).powf(slope), share)).collect();
    points.push((p99 * 12.0, 1.0));
    run.curves.push(Curve {
        name: "echo".to_owned(),
        x: axis("time", Unit::Seconds),
        y: axis("share of trips", Unit::Ratio),
        points,
    });
    run
}

fn throughput(target: &str, viewers: &[(u32, f64, f64)]) -> Vec<Measured> {
    let each = viewers.iter().map(|&(viewers, rate, cpu)| {
        let figures = [
            ("delivered", rate * 1e6, Unit::BytesPerSecond),
            ("server CPU", cpu, Unit::CpuSecondsPerGigabyte),
            ("peak memory", f64::from(viewers) * 4000.0 + 9e6, Unit::Bytes),
            ("missed bytes", 0.0, Unit::Count),
        ];
        run("throughput", target, &[("viewers", &viewers.to_string()), ("size", "64 MiB")], &figures)
    });
    each.collect()
}

fn memory(target: &str, each: f64) -> Measured {
    let mut run = run("memory", target, &[("sessions", "1")], &[("memory per viewer", each, Unit::Bytes)]);
    let points = (0..=10).map(|n| (f64::from(n) * 1000.0, 8e6 + f64::from(n) * 1000.0 * each)).collect();
    let (x, y) = (axis("connections", Unit::Count), axis("server memory", Unit::Bytes));
    run.curves.push(Curve { name: "memory over connections".to_owned(), x, y, points });
    run
}

/// A report with all that may be in one: floors, curves, parameters, a run that failed, and text that is no markup.
pub(super) fn report() -> Report {
    let mut runs = vec![
        latency("floor", "0", 37e-6, 66e-6),
        latency("fantail", "0", 46e-6, 81e-6),
        latency("ttyd", "0", 42e-6, 71e-6),
        latency("sshx", "0", 238e-6, 407e-6),
        latency("vibetunnel", "0", 1095e-6, 5285e-6),
        latency("floor", "200", 980e-6, 1300e-6),
        latency("fantail", "200", 88e-6, 170e-6),
        latency("vibetunnel", "200", 5060e-6, 9000e-6),
    ];
    runs.extend(throughput("floor", &[(1, 177.0, 6.1), (10, 1253.0, 0.9), (100, 3114.0, 0.22), (500, 3300.0, 0.2)]));
    runs.extend(throughput("fantail", &[(1, 165.0, 6.9), (10, 1150.0, 1.1), (100, 2900.0, 0.26), (500, 3100.0, 0.23)]));
    runs.extend(throughput("ttyd", &[(1, 98.0, 11.0), (10, 95.0, 10.0), (100, 125.0, 9.0)]));
    runs.extend(throughput("vibetunnel", &[(1, 5.0, 210.0), (10, 35.0, 30.0), (100, 130.0, 9.5)]));
    runs.extend([memory("floor", 700.0), memory("fantail", 2900.0), memory("sshx", 131.0 * 1024.0)]);
    let mut failed = run("slow-viewer", "sshx", &[("kind", "<never> & \"not\"")], &[("wall", 75.0, Unit::Seconds)]);
    failed.complete = false;
    failed.errors = vec!["viewer 3: expected <b>, got \"&amp;\" at byte 17".to_owned(), "HTTP 500 <script>".to_owned()];
    runs.push(failed);
    runs.push(run("slow-viewer", "fantail", &[("kind", "never reads")], &[("wall", 0.42, Unit::Seconds)]));
    Report::new(about(), runs)
}
