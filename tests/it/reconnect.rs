//! 200 forced reconnects under output and input: nothing lost, nothing doubled, in either direction.

use fantail::protocol::ClientMessage;
use futures_util::StreamExt;

use crate::support::{Client, Join, Server, alone, until};

const RECONNECTS: usize = 200;

/// A small generator of the tests' own (SplitMix64), so that a schedule can be told by its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// The client's side of exactly-once: what it typed and has no ack for.
struct Typist {
    sent: Vec<String>,
    acked: usize,
}

impl Typist {
    /// Resends what the server has not taken, then types on.
    async fn resume(&mut self, client: &mut Client) {
        for seq in client.welcome.input_seq as usize + 1..=self.sent.len() {
            let text = self.sent[seq - 1].clone();
            client.send(&ClientMessage::Input { seq: seq as u64, bytes: text.as_bytes() }).await;
        }
    }

    async fn types(&mut self, client: &mut Client) {
        let line = format!("line-{}\n", self.sent.len());
        self.sent.push(line.clone());
        client.send(&ClientMessage::Input { seq: self.sent.len() as u64, bytes: line.as_bytes() }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_forced_reconnects_lose_and_double_nothing_in_either_direction() {
    let _turn = alone().await;
    let seed = std::process::id().into();
    let mut random = Random(seed);
    println!("seed {seed}");
    let server = Server::start_with(&["--log-bytes", "67108864"]).await;
    let taken = tempfile::tempdir().expect("a directory");
    let file = taken.path().join("input");
    // Output on its own account all the while, and all input goes into a file as it is, without echo.
    let script =
        format!("stty -echo -icanon; (while :; do seq 1 200; sleep 0.01; done) & exec cat > {}", file.display());
    let id = server.open(&["sh", "-c", &script]).await;
    let mut typist = Typist { sent: Vec::new(), acked: 0 };
    let mut output: Vec<u8> = Vec::new();
    let mut join = Join { from: Some("0".into()), ..Join::default() };
    for _ in 0..RECONNECTS {
        let mut client = Client::join(&server, &id, join.clone()).await;
        if let Some(wanted) = &join.client {
            assert_eq!(&client.welcome.client_id, wanted, "the client is taken up again");
        }
        typist.resume(&mut client).await;
        for _ in 0..random.below(12) {
            match random.below(3) {
                0 => typist.types(&mut client).await,
                _ => client.step().await.expect("open"),
            }
        }
        typist.acked = typist.acked.max(client.acked as usize);
        assert!(client.gaps.is_empty(), "the log is large enough");
        output.extend_from_slice(&client.output);
        assert_eq!(client.offset.0 as usize, output.len(), "every byte since the first, once");
        join = Join {
            from: Some(client.offset.to_string()),
            client: Some(client.welcome.client_id.clone()),
            ..Join::default()
        };
        // Cut without a word, in whatever state the connection is.
        drop(client);
    }
    let mut last = Client::join(&server, &id, join).await;
    typist.resume(&mut last).await;
    last.until_acked(typist.sent.len() as u64).await;
    let expected = typist.sent.concat();
    // Acknowledged means in the PTY; the program takes it from there in its own time.
    let is_taken = async || (std::fs::read(&file).ok()?.len() >= expected.len()).then_some(());
    until("the program to read its input", is_taken).await;
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), expected, "seed {seed}");
    output.extend_from_slice(&last.output);
    let held = server.output(&id, 0).await;
    assert!(held.starts_with(&output), "what the client saw is what the session printed, seed {seed}");
    assert!(
        typist.sent.len() > RECONNECTS / 2 && output.len() > 10_000,
        "there was traffic: {} {}",
        typist.sent.len(),
        output.len()
    );
    assert!(last.socket().next().await.is_some());
}
