//! The server is killed, or replaced, again and again at random moments, while sessions print and clients type.
//! `STORM_KILLS=100 STORM_SESSIONS=50 STORM_TYPISTS=20` is the long form of the one, `STORM_UPGRADES=20` with 20
//! typists of the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fantail::protocol::ClientMessage;
use fantail::terminal::Size;
use fantail::terminal::screen::Screen;
use futures_util::future::join_all;
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

use super::Outlived;
use crate::support::{Client, Closed, Join, Server, alone, http, text, until};

/// Messages a typist has sent and not seen acknowledged.
const OUTSTANDING: usize = 8;

fn count(name: &str, usual: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "the long form is run by hand")]
    let told = std::env::var(name).ok();
    told.map_or(usual, |told| told.parse().expect("a number"))
}

/// Types numbered lines, and types again what was not acknowledged when the connection broke.
struct Typist {
    sent: Vec<String>,
    client: Option<String>,
    offset: u64,
    output: Vec<u8>,
    reconnects: usize,
    /// On how many connections a key was acknowledged, for those who break them.
    typed_on: Arc<AtomicUsize>,
    /// How long it took from each break to the next key that was acknowledged.
    silences: Vec<Duration>,
}

impl Typist {
    fn new(typed_on: Arc<AtomicUsize>) -> Self {
        let (sent, output, silences) = (Vec::new(), Vec::new(), Vec::new());
        Self { sent, client: None, offset: 0, output, reconnects: 0, typed_on, silences }
    }

    async fn connect(&mut self, server: &Server, session: &str) -> Client {
        let join = Join { from: Some(self.offset.to_string()), client: self.client.clone(), ..Join::default() };
        let client = until("a connection", async || Client::try_join(server, session, join.clone()).await.ok()).await;
        assert!(self.client.as_ref().is_none_or(|known| *known == client.welcome.client_id), "another client");
        self.client = Some(client.welcome.client_id.clone());
        client
    }

    /// Until `done`, and all is acknowledged.
    async fn run(mut self, server: &Server, session: &str, done: &AtomicBool) -> Self {
        let mut broken: Option<Instant> = None;
        loop {
            let mut client = self.connect(server, session).await;
            let ended = self.type_on(&mut client, &mut broken, done).await;
            self.offset = client.offset.0;
            self.output.append(&mut client.output);
            assert!(client.gaps.is_empty(), "the log is large enough");
            match ended {
                Ok(()) => return self,
                Err(_) => {
                    broken.get_or_insert_with(Instant::now);
                    self.reconnects += 1;
                }
            }
        }
    }

    async fn type_on(
        &mut self,
        client: &mut Client,
        broken: &mut Option<Instant>,
        done: &AtomicBool,
    ) -> Result<(), Closed> {
        let mut acked = client.welcome.input_seq as usize;
        for seq in acked + 1..=self.sent.len() {
            self.send(client, seq).await?;
        }
        loop {
            if done.load(Ordering::Relaxed) && acked == self.sent.len() {
                return Ok(());
            }
            while !done.load(Ordering::Relaxed) && self.sent.len() < acked + OUTSTANDING {
                self.sent.push(format!("typed-{}\n", self.sent.len()));
                self.send(client, self.sent.len()).await?;
            }
            while acked < self.sent.len() && client.acked as usize <= acked {
                client.step().await?;
            }
            acked = acked.max(client.acked as usize);
            self.typed_on.store(self.reconnects + 1, Ordering::Relaxed);
            self.silences.extend(broken.take().map(|broken| broken.elapsed()));
        }
    }

    async fn send(&self, client: &mut Client, seq: usize) -> Result<(), Closed> {
        let message = ClientMessage::Input { seq: seq as u64, bytes: self.sent[seq - 1].as_bytes() };
        client.try_send_raw(Message::binary(message.encode())).await
    }
}

/// A program that keeps what is typed in a file and prints numbered lines of its own.
fn recorder(file: &Path) -> String {
    format!("stty -echo -icanon; ({}) & exec cat > {}", printer("own"), file.display())
}

/// A program that prints numbered lines, ten at a time, and takes next to no processor.
fn printer(name: &str) -> String {
    format!("i=0; while :; do for _ in 0 1 2 3 4 5 6 7 8 9; do echo {name}-$i; i=$((i+1)); done; sleep 0.1; done")
}

/// The numbers of `name-N` lines, which must follow each other from the first.
fn assert_consecutive(output: &[u8], name: &str) -> usize {
    let output = String::from_utf8_lossy(output);
    let mut numbers = output.lines().filter_map(|line| line.trim_end().strip_prefix(name)?.parse::<usize>().ok());
    let first = numbers.next().expect("a line");
    let mut last = first;
    for number in numbers {
        assert_eq!(number, last + 1, "a line is lost or doubled");
        last = number;
    }
    last - first + 1
}

/// What the server shows is what all it printed shows.
async fn assert_true_screen(server: &Server, session: &str) {
    let request = server.request("GET", &format!("/api/sessions/{session}/screen?scrollback=10000"));
    let response = request.send().await.expect("answered");
    let offset: u64 = response.headers()["fantail-offset"].to_str().expect("text").parse().expect("a number");
    let shown = response.text().await.expect("text");
    let output = server.output(session, 0).await;
    let mut screen = Screen::new(Size::DEFAULT, 10_000);
    screen.feed(&output[..usize::try_from(offset).expect("held")]);
    let expected: Vec<_> = text(&screen).lines().map(|line| line.trim_end().to_owned()).collect();
    let shown: Vec<_> = shown.lines().map(|line| line.trim_end().to_owned()).collect();
    assert!(shown == expected, "another screen at {offset}: {:?} instead of {:?}", shown.last(), expected.last());
}

fn percentile(times: &mut [Duration], part: f64) -> Duration {
    times.sort_unstable();
    times.get(((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// Sessions that print, sessions that are typed into, and those who type.
struct Scene {
    outlived: Outlived,
    files: TempDir,
    typed_into: Vec<String>,
    printing: Vec<String>,
    /// On how many connections each typist has typed.
    typed_on: Vec<Arc<AtomicUsize>>,
    done: AtomicBool,
}

impl Scene {
    async fn begin() -> Self {
        let (sessions, typists) = (count("STORM_SESSIONS", 10), count("STORM_TYPISTS", 4));
        let outlived = Outlived::start(&["--log-bytes", "67108864"]).await;
        let files = tempfile::tempdir().expect("a directory");
        let typed_on = (0..typists).map(|_| Arc::default()).collect();
        let (typed_into, printing, done) = (Vec::new(), Vec::new(), AtomicBool::new(false));
        let mut scene = Self { outlived, files, typed_into, printing, typed_on, done };
        for number in 0..typists {
            let script = recorder(&scene.file(number));
            scene.typed_into.push(scene.outlived.open(&["sh", "-c", &script]).await);
        }
        for _ in 0..sessions {
            scene.printing.push(scene.outlived.open(&["sh", "-c", &printer("line")]).await);
        }
        scene
    }

    fn file(&self, number: usize) -> PathBuf {
        self.files.path().join(number.to_string())
    }

    /// Types into every session that is typed into until it is done.
    async fn type_into_all(&self) -> Vec<Typist> {
        let typists = self.typed_on.iter().map(|typed_on| Typist::new(Arc::clone(typed_on)));
        let sessions = self.typed_into.iter();
        join_all(typists.zip(sessions).map(|(typist, session)| typist.run(&self.outlived, session, &self.done))).await
    }

    /// Until everyone types on a connection that was not broken by any of so many breaks: the next breaks it.
    async fn all_type_after(&self, breaks: usize) {
        let has_typed = |typed_on: &Arc<AtomicUsize>| typed_on.load(Ordering::Relaxed) > breaks;
        until("every typist to type", async || self.typed_on.iter().all(has_typed).then_some(())).await;
    }

    /// All run, and what some of them show is true.
    async fn assert_whole(&self, when: &str) {
        let (_, listed) = self.outlived.call("GET", "/api/sessions", None).await;
        let running = |session: &&serde_json::Value| session["status"] == "running";
        let running = listed.as_array().expect("a list").iter().filter(running).count();
        assert_eq!(running, self.printing.len() + self.typed_into.len(), "{when}: {listed}");
        for session in self.printing.iter().take(3) {
            assert_true_screen(&self.outlived, session).await;
        }
    }

    /// Nothing was lost or doubled, in either direction. Returns the typists' silences, and a line about it all.
    async fn assert_nothing_lost(&self, typists: Vec<Typist>, breaks: usize) -> (Vec<Duration>, String) {
        let (mut silences, mut typed, mut printed) = (Vec::new(), 0, 0);
        for (number, typist) in typists.into_iter().enumerate() {
            let (file, expected) = (self.file(number), typist.sent.concat());
            let is_taken = async || (std::fs::read(&file).ok()?.len() >= expected.len()).then_some(());
            until("the program to read its input", is_taken).await;
            let taken = std::fs::read_to_string(&file).expect("readable");
            assert!(taken == expected, "input was lost, doubled or reordered");
            assert_consecutive(&typist.output, "own-");
            let output = self.outlived.output(&self.typed_into[number], 0).await;
            assert!(output.starts_with(&typist.output), "seen is not what was printed");
            assert!(typist.reconnects >= breaks, "{} reconnects", typist.reconnects);
            (typed, silences) = (typed + typist.sent.len(), [silences, typist.silences].concat());
        }
        for session in &self.printing {
            printed += assert_consecutive(&self.outlived.output(session, 0).await, "line-");
            assert_true_screen(&self.outlived, session).await;
        }
        (silences, format!("{typed} lines typed, {printed} lines printed"))
    }
}

fn told(what: &str, times: &mut [Duration]) -> String {
    format!("{what} p50 {:?} p99 {:?}", percentile(times, 0.5), percentile(times, 0.99))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_after_kill_nothing_is_lost_or_doubled_in_either_direction_and_screens_are_true() {
    let _turn = alone().await;
    let kills = count("STORM_KILLS", 8);
    let scene = Scene::begin().await;
    let mut serves_again = Vec::new();
    let killing = async {
        for kill in 0..kills {
            scene.all_type_after(kill).await;
            tokio::time::sleep(Duration::from_millis((kill as u64 * 37) % 400)).await;
            let killed = Instant::now();
            scene.outlived.kill_server().await;
            until("it serves", async || scene.outlived.request("GET", "/health").send().await.ok()).await;
            serves_again.push(killed.elapsed());
            scene.assert_whole(&format!("after kill {kill}")).await;
        }
        scene.done.store(true, Ordering::Relaxed);
    };
    let ((), typists) = tokio::join!(killing, scene.type_into_all());
    let (mut silences, all) = scene.assert_nothing_lost(typists, kills).await;
    let (serves, types) = (told("serves again after", &mut serves_again), told("typed again after", &mut silences));
    println!("{kills} kills, {all}; {serves}, {types}");
}

/// Those who send requests, and how often each does: 200 a second in all.
const REQUESTERS: usize = 4;
const REQUEST_EVERY: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upgrade_after_upgrade_no_request_fails_and_nothing_that_is_typed_is_lost() {
    let _turn = alone().await;
    let upgrades = count("STORM_UPGRADES", 3);
    let scene = Scene::begin().await;
    let mut took = Vec::new();
    let upgrading = async {
        for upgrade in 0..upgrades {
            scene.all_type_after(upgrade).await;
            let begun = Instant::now();
            scene.outlived.upgrade().await;
            took.push(begun.elapsed());
            scene.assert_whole(&format!("after upgrade {upgrade}")).await;
        }
        scene.done.store(true, Ordering::Relaxed);
    };
    let requesting = async || {
        let mut answered = Vec::new();
        let mut tick = tokio::time::interval(REQUEST_EVERY);
        while !scene.done.load(Ordering::Relaxed) {
            tick.tick().await;
            // Half of them on connections of their own.
            let fresh = http();
            let client = if answered.len() % 2 == 0 { scene.outlived.http() } else { &fresh };
            let url = format!("{}/api/sessions/{}", scene.outlived.url, scene.printing[0]);
            let begun = Instant::now();
            let response = client.get(url).bearer_auth(&scene.outlived.token).send().await.expect("not refused");
            assert_eq!(response.status(), 200);
            response.bytes().await.expect("a whole answer");
            answered.push(begun.elapsed());
        }
        answered
    };
    let requesting = join_all((0..REQUESTERS).map(|_| requesting()));
    let ((), answered, typists) = tokio::join!(upgrading, requesting, scene.type_into_all());
    let mut answered = answered.concat();
    let (mut silences, all) = scene.assert_nothing_lost(typists, upgrades).await;
    println!(
        "{upgrades} upgrades, {} requests, {all}; {}, {}, {}",
        answered.len(),
        told("took", &mut took),
        told("requests took", &mut answered),
        told("typed again after", &mut silences)
    );
}
