//! A bad network between a client and the server: it delays, drips, cuts into pieces, and breaks at an exact byte.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

const READ: usize = 16 * 1024;

/// How a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Both ends are told at once that it is gone, and lose what was on its way.
    Reset,
    /// Both ends see the end of the other's words.
    Close,
    /// Nothing comes through any more, and nobody is told.
    Stall,
}

/// What happens to the bytes of one direction.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// How long each piece takes.
    pub latency: Duration,
    /// Bytes a second, if that is bounded.
    pub rate: Option<u32>,
    /// The largest piece.
    pub piece: usize,
    /// Breaks behind so many bytes.
    pub breaks: Option<(u64, Break)>,
}

impl Default for Way {
    fn default() -> Self {
        Self { latency: Duration::ZERO, rate: None, piece: READ, breaks: None }
    }
}

/// What happens on the next connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// To the server.
    pub up: Way,
    /// From it.
    pub down: Way,
}

/// The network. Its connections end with it.
pub struct Faults {
    /// Where clients connect to.
    pub authority: String,
    shared: Arc<Shared>,
    _accepting: JoinSet<()>,
}

struct Shared {
    target: Mutex<String>,
    plan: Mutex<Plan>,
    has_stalled: watch::Sender<bool>,
}

impl Faults {
    /// Listens before there is a server, which must be told this address as one of its own.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let authority = listener.local_addr().expect("an address").to_string();
        let shared = Arc::new(Shared {
            target: Mutex::default(),
            plan: Mutex::default(),
            has_stalled: watch::Sender::new(false),
        });
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&shared)));
        Self { authority, shared, _accepting: accepting }
    }

    pub fn lead_to(&self, authority: &str) {
        authority.clone_into(&mut self.shared.target.lock());
    }

    /// What happens on connections from now on.
    pub fn plan(&self, plan: Plan) {
        *self.shared.plan.lock() = plan;
        self.shared.has_stalled.send_replace(false);
    }

    /// Waits until a connection has stalled since that was planned.
    pub async fn has_stalled(&self) {
        let mut stalled = self.shared.has_stalled.subscribe();
        stalled.wait_for(|stalled| *stalled).await.expect("this holds the other end");
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let (target, plan) = (shared.target.lock().clone(), *shared.plan.lock());
        if let Ok(far) = TcpStream::connect(target).await {
            connections.spawn(between(near, far, plan, Arc::clone(&shared)));
        }
    }
}

async fn between(mut near: TcpStream, mut far: TcpStream, Plan { up, down }: Plan, shared: Arc<Shared>) {
    let broken = {
        let ((mut near_in, mut near_out), (mut far_in, mut far_out)) = (near.split(), far.split());
        tokio::select! {
            broken = carry(&mut near_in, &mut far_out, up) => broken,
            broken = carry(&mut far_in, &mut near_out, down) => broken,
        }
    };
    match broken {
        Break::Close => {}
        Break::Reset => {
            for stream in [&near, &far] {
                SockRef::from(stream).set_linger(Some(Duration::ZERO)).expect("configured");
            }
        }
        Break::Stall => {
            shared.has_stalled.send_replace(true);
            // Held open, and read by nobody.
            std::future::pending::<()>().await;
        }
    }
}

/// Carries one direction to its end, or to where it breaks.
async fn carry(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin), way: Way) -> Break {
    let mut left = way.breaks.map_or(u64::MAX, |(bytes, _)| bytes);
    let how = way.breaks.map_or(Break::Close, |(_, how)| how);
    let mut buffer = vec![0; READ];
    loop {
        if left == 0 {
            return how;
        }
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return Break::Close };
        for piece in buffer[..read].chunks(way.piece) {
            let piece = &piece[..piece.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
            let takes = way.rate.map_or(Duration::ZERO, |rate| Duration::from_secs(1) * piece.len() as u32 / rate);
            if way.latency + takes > Duration::ZERO {
                tokio::time::sleep(way.latency + takes).await;
            }
            if to.write_all(piece).await.is_err() {
                return Break::Close;
            }
            left -= piece.len() as u64;
            if left == 0 {
                return how;
            }
        }
    }
}
