//! The screen engine as a program, for `tests/screen`: jobs in, what the screen holds out, a line of JSON each.
//!
//! A job is `{"cols", "rows", "scrollback", "steps"}`; a step is `{"feed": base64}`, `{"resize": [cols, rows]}`,
//! `{"state": true}` or `{"snapshot": lines of scrollback}`. The answer holds the states and the snapshots asked for,
//! in order: `{"states": […], "snapshots": [base64, …]}`.

use std::io::{BufRead as _, Write as _};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fantail::terminal::Size;
use fantail::terminal::screen::{Screen, State};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Job {
    cols: u16,
    rows: u16,
    scrollback: usize,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Step {
    Feed(String),
    Resize([u16; 2]),
    State(#[expect(dead_code, reason = "asked for by its name alone")] bool),
    Snapshot(usize),
}

#[derive(Default, Serialize)]
struct Answer {
    states: Vec<State>,
    snapshots: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = work(serde_json::from_str(&line?)?)?;
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}

fn work(job: Job) -> anyhow::Result<Answer> {
    let mut screen = Screen::new(Size::new(job.cols.into(), job.rows.into())?, job.scrollback);
    let mut answer = Answer::default();
    for step in job.steps {
        match step {
            Step::Feed(bytes) => screen.feed(&BASE64_STANDARD.decode(bytes)?),
            Step::Resize([cols, rows]) => screen.resize(Size::new(cols.into(), rows.into())?),
            Step::State(_) => answer.states.push(screen.inspect()),
            Step::Snapshot(scrollback) => {
                let snapshot = screen.snapshot(scrollback);
                answer.snapshots.push(BASE64_STANDARD.encode(snapshot.bytes));
            }
        }
    }
    Ok(answer)
}
