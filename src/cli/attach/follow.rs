//! One connection: moves messages between the server and this end, in both directions at once.
//!
//! Decides nothing itself. Neither direction waits for the other: while the socket takes no input, output is read
//! and drawn, and while the terminal takes no output, the user can still type and leave.

use std::future::poll_fn;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::attachment::{Attachment, Left};
use super::console::{self, Console};
use super::dial::Socket;
use super::ending::Ending;
use super::link::Breach;
use crate::cli::print::printable;
use crate::protocol::{Access, Advice, ClientMessage, CloseCode, Command, Event, ServerMessage, Welcome};
use crate::terminal::{Offset, Size};

/// How long output must pause before what is drawn is reported: the echo of fast typing is reported a few times a
/// second.
const PAUSE: Duration = Duration::from_millis(100);
/// Pings that may fail to arrive before the connection counts as dead.
const PINGS_MISSED_MAX: u32 = 3;
/// Longest wait for the last input to be sent, and the close, when leaving.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection's two halves and what is known of it alone.
struct Connection {
    sink: SplitSink<Socket, Message>,
    stream: SplitStream<Socket>,
    welcomed: bool,
    /// When something last came.
    heard: Instant,
    /// When output will have paused.
    pause: Option<Instant>,
    /// A report that is due.
    report: Option<Offset>,
    unflushed: bool,
}

impl Attachment {
    /// Follows the session over one connection.
    pub(super) async fn follow(&mut self, console: &mut Console, socket: Socket) -> Left {
        let (sink, stream) = socket.split();
        let (heard, pause, report) = (Instant::now(), None, None);
        let mut connection = Connection { sink, stream, welcomed: false, heard, pause, report, unflushed: false };
        let left = loop {
            if let Err(left) = self.step(console, &mut connection).await {
                break left;
            }
        };
        let _ = timeout(LEAVE_TIMEOUT, self.part(console, &mut connection, &left)).await;
        left
    }

    /// Waits for the next thing to happen, and does it.
    async fn step(&mut self, console: &mut Console, connection: &mut Connection) -> Result<(), Left> {
        if console.is_full() {
            // Not listening is not hearing nothing.
            connection.heard = Instant::now();
        }
        let Connection { sink, stream, pause, .. } = connection;
        let to_send = connection.welcomed
            && (self.resize.is_some()
                || self.claim
                || self.asks.is_some()
                || connection.report.is_some()
                || self.link.has_input());
        let silent_at = connection.heard + self.silence();
        let ready = poll_fn(|context| match to_send {
            true => sink.poll_ready_unpin(context),
            false => sink.poll_flush_unpin(context),
        });
        tokio::select! {
            event = console.event(self.link.input_room()) => {
                let drawn = matches!(event, console::Event::Drawn);
                self.happened(console, event).map_err(Left::Ended)?;
                if drawn {
                    self.drawn(console, connection);
                }
            }
            message = stream.next(), if !console.is_full() => {
                connection.heard = Instant::now();
                self.received(console, connection, message)?;
            }
            ready = ready, if to_send || connection.unflushed => {
                ready.map_err(|_| Left::Lost)?;
                connection.unflushed = to_send;
                if let Some(message) = to_send.then(|| self.next_message(&mut connection.report)).flatten() {
                    connection.sink.start_send_unpin(message).map_err(|_| Left::Lost)?;
                }
            }
            () = sleep_until(pause.unwrap_or(silent_at)), if pause.is_some() => {
                connection.pause = None;
                connection.report = self.link.report(console.drawn(), true).or(connection.report);
            }
            () = sleep_until(silent_at) => return Err(Left::Lost),
        }
        Ok(())
    }

    /// Something may have been drawn.
    fn drawn(&mut self, console: &Console, connection: &mut Connection) {
        connection.report = self.link.report(console.drawn(), false).or(connection.report);
        connection.pause = self.link.has_unreported().then(|| Instant::now() + PAUSE);
    }

    fn silence(&self) -> Duration {
        Duration::from_secs(self.link.ping_seconds().max(1)) * PINGS_MISSED_MAX
    }

    /// The size goes first: what is typed is meant for the terminal it was typed at.
    fn next_message(&mut self, report: &mut Option<Offset>) -> Option<Message> {
        let message = if let Some(size) = self.resize.take() {
            ClientMessage::Resize { cols: size.cols(), rows: size.rows() }.encode()
        } else if std::mem::take(&mut self.claim) {
            ClientMessage::Command(Command::Fit).encode()
        } else if let Some(command) = self.asks.take() {
            ClientMessage::Command(command).encode()
        } else if let Some(offset) = report.take() {
            ClientMessage::Rendered(offset).encode()
        } else {
            let input = self.link.take_input()?;
            ClientMessage::Input { seq: input.seq, bytes: input.bytes }.encode()
        };
        Some(Message::Binary(message.into()))
    }

    fn received(
        &mut self,
        console: &mut Console,
        connection: &mut Connection,
        message: Option<Result<Message, Error>>,
    ) -> Result<(), Left> {
        match message {
            Some(Ok(Message::Binary(message))) => {
                let message = ServerMessage::decode(&message).map_err(|_| Left::Breached(Breach::BadMessage))?;
                self.message(console, connection, message)
            }
            Some(Ok(Message::Close(frame))) => Err(closed(frame.as_ref())),
            Some(Ok(Message::Text(_))) => Err(Left::Breached(Breach::BadMessage)),
            Some(Ok(_)) => Ok(()),
            Some(Err(Error::Capacity(_) | Error::Protocol(_))) => Err(Left::Breached(Breach::BadMessage)),
            Some(Err(_)) | None => Err(Left::Lost),
        }
    }

    fn message(
        &mut self,
        console: &mut Console,
        connection: &mut Connection,
        message: ServerMessage<'_>,
    ) -> Result<(), Left> {
        match message {
            ServerMessage::Event { json, .. } => {
                let event = Event::from_json(json).map_err(|_| Left::Breached(Breach::BadMessage))?;
                return self.event(console, connection, event);
            }
            _ if !connection.welcomed => return Err(Left::Breached(Breach::NoWelcome)),
            ServerMessage::Output { offset, bytes } => {
                let news = self.link.output(offset, bytes).map_err(Left::Breached)?;
                console.output(news, offset + bytes.len());
                self.shown(console);
                // Output that writes nothing is drawn by being taken.
                self.drawn(console, connection);
            }
            ServerMessage::Gap { from, .. } => self.link.gap(from).map_err(Left::Breached)?,
            ServerMessage::Snapshot { offset, cols, rows, bytes, .. } => {
                let size = Size::new(cols.into(), rows.into()).map_err(|_| Left::Breached(Breach::BadMessage))?;
                let skipped = self.link.snapshot(offset).map_err(Left::Breached)?;
                console.snapshot(size, bytes, skipped, offset);
                self.shown(console);
                self.drawn(console, connection);
            }
            ServerMessage::InputAck(seq) => self.link.ack(seq).map_err(Left::Breached)?,
        }
        Ok(())
    }

    fn event(&mut self, console: &mut Console, connection: &mut Connection, event: Event) -> Result<(), Left> {
        match event {
            Event::Welcome(welcome) => {
                connection.welcomed = true;
                self.welcomed(console, &welcome);
                connection.report = self.link.report(console.drawn(), false);
            }
            Event::Refused { command, code, seq, error } => {
                if let Some(seq) = seq {
                    self.link.refused(seq);
                }
                if self.last_refusal.replace(code) != Some(code) {
                    console.notice(&format!("{} refused: {}", printable(&command), printable(&error)));
                }
            }
            Event::Control { holder, name, asking } => {
                self.last_refusal = None;
                let notice = self.control.told(holder, name.as_deref(), asking);
                notice.into_iter().for_each(|notice| console.notice(&notice));
            }
            Event::Exit { code, signal, reason } => return Err(Left::Ended(Ending::Exited { code, signal, reason })),
            Event::Resize { cols, rows } => {
                let size = Size::new(cols.into(), rows.into()).map_err(|_| Left::Breached(Breach::BadMessage))?;
                console.resized(size);
            }
            Event::Clipboard { selection, text } if self.clipboard => console.clipboard(&selection, &text),
            // The output tells this terminal what it is called, and rings it.
            Event::Clipboard { .. }
            | Event::Title { .. }
            | Event::Cwd { .. }
            | Event::Bell { .. }
            | Event::Alternate { .. }
            | Event::Viewers { .. }
            | Event::Renamed { .. }
            | Event::Started { .. }
            | Event::Drain {}
            | Event::Unknown => {}
        }
        Ok(())
    }

    fn welcomed(&mut self, console: &mut Console, welcome: &Welcome) {
        // The connection is no longer lost.
        console.display.attended();
        self.control.welcomed(&welcome.client_id, welcome.owns);
        let dropped = self.link.welcome(welcome);
        if dropped > 0 {
            console.notice(&format!(
                "{dropped} bytes you typed may not have arrived: the server has forgotten this client"
            ));
        }
        if welcome.access == Access::View {
            self.access = Access::View;
            (self.resize, self.claim) = (None, false);
        }
    }

    /// Sends what was still typed before the user left, and says goodbye.
    async fn part(&mut self, console: &mut Console, connection: &mut Connection, left: &Left) {
        let code = match left {
            Left::Ended(Ending::Detached) => {
                while !connection.welcomed && self.link.has_input() {
                    let message = connection.stream.next().await;
                    if self.received(console, connection, message).is_err() {
                        return;
                    }
                }
                while let Some(message) = self.next_message(&mut None) {
                    if connection.sink.feed(message).await.is_err() {
                        return;
                    }
                }
                CloseCode::SessionClosed
            }
            Left::Ended(_) => CloseCode::SessionClosed,
            Left::Breached(_) => CloseCode::ProtocolError,
            Left::Lost | Left::Refused(_) => return,
        };
        let frame = CloseFrame { code: code.as_u16().into(), reason: "".into() };
        let _ = connection.sink.send(Message::Close(Some(frame))).await;
    }
}

/// What a close means.
fn closed(frame: Option<&CloseFrame>) -> Left {
    let Some(frame) = frame else { return Left::Lost };
    let number = u16::from(frame.code);
    match CloseCode::from_u16(number) {
        Some(CloseCode::SessionClosed) => Left::Ended(Ending::Closed),
        Some(code) if code.advice() == Advice::Stop => {
            let words = if frame.reason.is_empty() { code.reason().to_owned() } else { printable(&frame.reason) };
            Left::Refused(format!("the server ended the connection: {words} ({number})"))
        }
        _ => Left::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(number: u16, reason: &str) -> Left {
        closed(Some(&CloseFrame { code: number.into(), reason: reason.to_owned().into() }))
    }

    #[test]
    fn a_close_says_whether_to_come_back() {
        assert!(matches!(close(1000, ""), Left::Ended(Ending::Closed)));
        for number in [1001, 1011, 1012, 4401, 4408, 4999] {
            assert!(matches!(close(number, ""), Left::Lost), "{number}");
        }
        assert!(matches!(closed(None), Left::Lost));
        let refused = close(4403, "logged out\x1b[2J");
        assert!(matches!(refused, Left::Refused(why) if why.ends_with("logged out\\x1b[2J (4403)")));
        assert!(matches!(close(4404, ""), Left::Refused(why) if why.contains("no such session")));
    }
}
