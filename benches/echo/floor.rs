//! The floors: a terminal that echoes, read and written by who types; and one behind a proxy that only copies.

use std::io::{Read, Write};
use std::net::TcpListener;

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};
use tokio::runtime::Runtime;

use crate::{PROGRAM, READY};

/// A terminal, and the program that runs on it. Ends it when dropped.
pub(crate) struct Terminal {
    pub(crate) reader: Box<dyn Read + Send>,
    pub(crate) writer: Box<dyn Write + Send>,
    program: Program,
}

struct Program(Box<dyn Child + Send + Sync>);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().expect("ended");
        self.0.wait().expect("waited for");
    }
}

impl Terminal {
    pub(crate) fn open() -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a PTY");
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", PROGRAM]);
        let program = Program(pair.slave.spawn_command(command).expect("sh starts"));
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let mut ready = [0; READY.len()];
        reader.read_exact(&mut ready).expect("printed");
        assert_eq!(ready, READY.as_bytes());
        Self { reader, writer: pair.master.take_writer().expect("a writer"), program }
    }
}

/// A terminal behind a proxy that serves one connection: a thread for each direction, and nothing but read and write.
pub(crate) struct Proxy {
    pub(crate) address: String,
    program: Program,
}

impl Proxy {
    pub(crate) fn start(runtime: &Runtime) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let Terminal { mut reader, mut writer, program } = Terminal::open();
        runtime.spawn_blocking(move || {
            let (stream, _) = listener.accept().expect("a connection");
            stream.set_nodelay(true).expect("set");
            let back = stream.try_clone().expect("a descriptor");
            tokio::runtime::Handle::current().spawn_blocking(move || copy(&mut reader, &back));
            copy(&mut &stream, &mut writer);
        });
        Self { address, program }
    }

    /// Ends the program, which ends the direction from it.
    pub(crate) fn end(self) {
        drop(self.program);
    }
}

/// Until either side ends, as it does at the end of each measurement.
fn copy(from: &mut impl Read, mut to: impl Write) {
    let mut room = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut room) {
        if to.write_all(&room[..read]).is_err() {
            break;
        }
    }
}
