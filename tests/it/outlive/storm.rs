//! The server is killed again and again at random moments, while sessions print and clients type.
//! `FANTAIL_KILLS=100 FANTAIL_SESSIONS=50 FANTAIL_TYPISTS=20` is the long form.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fantail::protocol::ClientMessage;
use fantail::terminal::Size;
use fantail::terminal::screen::Screen;
use futures_util::future::join_all;
use tokio_tungstenite::tungstenite::Message;

use super::Outlived;
use crate::support::{Client, Closed, Join, Server, alone, text, until};

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
    /// How long it took from each break to the next key that was acknowledged.
    silences: Vec<Duration>,
}

impl Typist {
    const fn new() -> Self {
        Self { sent: Vec::new(), client: None, offset: 0, output: Vec::new(), reconnects: 0, silences: Vec::new() }
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
    format!(
        "stty -echo -icanon; (i=0; while :; do echo own-$i; i=$((i+1)); sleep 0.02; done) & exec cat > {}",
        file.display()
    )
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_after_kill_nothing_is_lost_or_doubled_in_either_direction_and_screens_are_true() {
    let _turn = alone().await;
    let kills = count("FANTAIL_KILLS", 8);
    let (sessions, typists) = (count("FANTAIL_SESSIONS", 10), count("FANTAIL_TYPISTS", 4));
    let outlived = Outlived::start(&["--log-bytes", "67108864"]).await;
    let files = tempfile::tempdir().expect("a directory");
    let done = AtomicBool::new(false);
    let mut places = Vec::new();
    for number in 0..typists {
        let file = files.path().join(number.to_string());
        places.push((outlived.open(&["sh", "-c", &recorder(&file)]).await, file));
    }
    let mut printing = Vec::new();
    for _ in 0..sessions {
        let script = "i=0; while :; do echo line-$i; i=$((i+1)); sleep 0.01; done";
        printing.push(outlived.open(&["sh", "-c", script]).await);
    }
    let mut serves_again = Vec::new();
    let killing = async {
        for kill in 0..kills {
            tokio::time::sleep(Duration::from_millis(50 + (kill as u64 * 37) % 400)).await;
            let killed = Instant::now();
            outlived.kill_server().await;
            until("it serves", async || outlived.request("GET", "/health").send().await.ok()).await;
            serves_again.push(killed.elapsed());
            let (_, listed) = outlived.call("GET", "/api/sessions", None).await;
            let running = |session: &&serde_json::Value| session["status"] == "running";
            let running = listed.as_array().expect("a list").iter().filter(running).count();
            assert_eq!(running, sessions + typists, "after kill {kill}: {listed}");
            for session in printing.iter().take(3) {
                assert_true_screen(&outlived, session).await;
            }
        }
        done.store(true, Ordering::Relaxed);
    };
    let typing = join_all(places.iter().map(|(session, _)| Typist::new().run(&outlived, session, &done)));
    let ((), typed_to_the_end) = tokio::join!(killing, typing);
    let (mut silences, mut typed, mut printed) = (Vec::new(), 0, 0);
    for (typist, (session, file)) in typed_to_the_end.into_iter().zip(&places) {
        let expected = typist.sent.concat();
        let is_taken = async || (std::fs::read(file).ok()?.len() >= expected.len()).then_some(());
        until("the program to read its input", is_taken).await;
        assert!(std::fs::read_to_string(file).expect("readable") == expected, "input was lost, doubled or reordered");
        assert_consecutive(&typist.output, "own-");
        assert!(outlived.output(session, 0).await.starts_with(&typist.output), "seen is not what was printed");
        assert!(typist.reconnects >= kills, "{} reconnects", typist.reconnects);
        (typed, silences) = (typed + typist.sent.len(), [silences, typist.silences].concat());
    }
    for session in &printing {
        printed += assert_consecutive(&outlived.output(session, 0).await, "line-");
        assert_true_screen(&outlived, session).await;
    }
    println!(
        "{kills} kills, {typed} lines typed, {printed} lines printed; serves again after p50 {:?} p99 {:?}, typing again after p50 {:?} p99 {:?}",
        percentile(&mut serves_again, 0.5),
        percentile(&mut serves_again, 0.99),
        percentile(&mut silences, 0.5),
        percentile(&mut silences, 0.99),
    );
}
