//! Answers that nobody takes.

use rustix::net::sockopt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::raw::request;
use crate::support::{Bystander, Raw, open_descriptors, patiently, until};

/// Connections whose answers nobody takes.
const UNREAD: usize = 4;
/// Bytes asked for on each: far more than the sockets of both ends hold.
const ASKED_BYTES: usize = 64 * 1024 * 1024;

#[tokio::test]
async fn who_takes_no_answer_is_given_up_and_a_viewer_that_does_not_read_is_not() {
    let mut bystander = Bystander::arrive().await;
    let server = bystander.server.clone();
    let id = server.open(&["sh", "-c", "stty raw -echo; echo; read go; head -c 33554432 /dev/zero; exec cat"]).await;
    // A viewer has rules of its own: it may leave unread what it is sent, as long as it is heard.
    let mut viewer = Raw::attach(&server, &id).await;
    server.input(&id, "go\n").await;
    until("the flood's end", async || {
        (server.session(&id).await["output"]["end"].as_u64()? > 33_554_432).then_some(())
    })
    .await;

    let authorization = format!("Bearer {}", server.token);
    let headers = [("host", server.authority()), ("authorization", authorization.as_str())];
    let held = server.session(&id).await["output"].clone();
    let held = held["end"].as_u64().expect("an address") - held["start"].as_u64().expect("an address");
    let asked = request(&format!("GET /api/sessions/{id}/output"), &headers);
    let asked = asked.repeat(ASKED_BYTES.div_ceil(usize::try_from(held).expect("held in memory")));
    let before = open_descriptors(server.pid());
    let mut unread = Vec::new();
    for _ in 0..UNREAD {
        let mut stream = patiently("a connection", TcpStream::connect(server.authority())).await.expect("connected");
        sockopt::set_socket_recv_buffer_size(&stream, 4096).expect("configured");
        patiently("the questions taken", stream.write_all(asked.as_bytes())).await.expect("taken");
        unread.push(stream);
    }
    bystander.is_served("answers nobody takes").await;
    until("what nobody takes is given up", async || {
        viewer.is_there().await;
        bystander.is_there().await;
        (open_descriptors(server.pid()) <= before).then_some(())
    })
    .await;
    drop(unread);
    assert_eq!(server.session(&id).await["viewers"], 1, "the viewer is still there");
    bystander.is_served("their end").await;
}
