//! 200 forced reconnects under output and input: nothing lost, nothing doubled, in either direction.

use futures_util::StreamExt;

use crate::support::{Client, Join, Random, Server, Typist, alone, until};

const RECONNECTS: usize = 200;

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
    let mut typist = Typist::default();
    let mut output: Vec<u8> = Vec::new();
    let mut join = Join { from: Some("0".into()), ..Join::default() };
    for _ in 0..RECONNECTS {
        let mut client = Client::join(&server, &id, join.clone()).await;
        if let Some(wanted) = &join.client {
            assert_eq!(&client.welcome.client_id, wanted, "the client is taken up again");
        }
        typist.resume(&mut client).await.expect("open");
        for _ in 0..random.below(12) {
            match random.below(3) {
                0 => typist.types(&mut client).await.expect("open"),
                _ => client.step().await.expect("open"),
            }
        }
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
    typist.resume(&mut last).await.expect("open");
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
