//! The floor: as many plain TCP connections, each written as many bytes at once, by one thread and nothing else.

use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::time::ClockId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::real::cpu::cpu;
use crate::real::socket::PATIENCE;
use crate::storm::storm;

/// More than ever wait to be accepted: those beyond it would have to try again.
const WAITING_MAX: u32 = 4096;

/// What the floor gave.
pub(crate) struct Floor {
    pub(crate) times: Vec<Duration>,
    /// The accepting and writing thread's.
    pub(crate) cpu: Duration,
    pub(crate) errors: Vec<String>,
}

/// Lets `count` connect at once, and waits until each has read the same `bytes`.
pub(crate) async fn floor(count: usize, bytes: bytes::Bytes) -> Floor {
    let socket = TcpSocket::new_v4().expect("a descriptor");
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
    let listener = socket.listen(WAITING_MAX).expect("a listener");
    let address = listener.local_addr().expect("bound");
    let listener = listener.into_std().expect("a listener");
    let (all, length) = (bytes.clone(), bytes.len());
    let server = spawn_blocking(move || serve(listener, count, &all));
    let storm = storm(count, || async move {
        let mut stream = TcpStream::connect(address).await.map_err(|error| format!("floor: {error}"))?;
        let mut read = vec![0; length];
        stream.read_exact(&mut read).await.map_err(|error| format!("floor: {error}"))?;
        Ok((stream, read))
    })
    .await;
    let cpu = server.await.expect("not ended before");
    let mut errors = storm.errors;
    errors.extend(storm.done.iter().filter(|(_, read)| *read != bytes).map(|_| "floor: other bytes".to_owned()));
    Floor { times: storm.times, cpu, errors }
}

/// Accepts and writes, and keeps every connection until all are served. Returns what that took of this thread.
fn serve(listener: std::net::TcpListener, count: usize, bytes: &bytes::Bytes) -> Duration {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let began = cpu(ClockId::ThreadCPUTime);
    runtime.block_on(async move {
        let listener = TcpListener::from_std(listener).expect("a listener");
        let mut writing = JoinSet::new();
        let all = async {
            for _ in 0..count {
                let Ok((mut stream, _)) = listener.accept().await else { continue };
                let bytes = bytes.clone();
                // Whoever misses something of it says so.
                writing.spawn(async move { stream.write_all(&bytes).await.map(|()| stream) });
            }
            let mut served = Vec::with_capacity(count);
            while let Some(written) = writing.join_next().await {
                served.push(written);
            }
        };
        let _ = timeout(PATIENCE, all).await;
    });
    cpu(ClockId::ThreadCPUTime) - began
}
