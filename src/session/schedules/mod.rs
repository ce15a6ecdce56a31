//! Laws 1 and 5 over a session's whole life: people come, type, lose their connections and come again, others watch,
//! and the server is killed and the next one takes the session up. Run on what a property test makes up, and on what
//! `fuzz/` finds, which takes this folder and the files it looks into as its own.
//!
//! What is real: the queue of input, the clients, the ledger, the log, and the memory in which they outlive a server.
//! What is made up: the pipe and the terminal, of which only counts matter, and the people. `ledger::kills` and
//! `log::kills` stop a process between any two instructions; here it is killed between any two steps of a longer story.

mod typist;
mod watcher;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::clients::{Clients, REMEMBERED};
use super::input::{Front, InputQueue};
use super::ledger::Ledger;
use super::{ClientId, ViewerId};
use crate::terminal::log::{CatchUp, Log, LogWriter, Memory, SEGMENT_BYTES};
use crate::terminal::{Offset, Size};
use typist::{ANYONE, Typist};
use watcher::Watcher;

/// Steps of one schedule: some hundred tell a long story, and each may print kilobytes.
const STEPS_MAX: usize = 400;
/// Two segments: a little printing is enough for what is no longer held.
const LOG_BYTES: usize = 2 * SEGMENT_BYTES;
/// Words of the ledger that a kill in the middle of a delivery gives back: the session's own and those of all clients.
const WORDS: usize = 512 + 64 * 8;
const WATCHERS: usize = 3;

/// When the server is killed within one delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Never,
    /// It is written down what will be put into the pipe, and nothing is there.
    BeforePut,
    /// It is there, and not written down.
    AfterPut,
    /// The terminal has it all, and the queue does not know.
    AfterMove,
}

/// What of a session a kill takes with it.
struct Server {
    ledger: Ledger,
    clients: Clients,
    queue: InputQueue,
    log: Log,
    writer: LogWriter,
    /// Bytes of the queue's front that are on their way.
    begun: Option<usize>,
    /// Somebody else has taken control: what is typed is refused.
    is_held: bool,
}

struct World {
    memory: Arc<Memory>,
    server: Server,
    /// Bytes in the pipe, which the holder keeps open.
    in_pipe: usize,
    /// Bytes the program has printed.
    printed: u64,
    typists: Vec<Typist>,
    watchers: [Watcher; WATCHERS],
    /// Connections that are dead, though the server has not seen it.
    unnoticed: Vec<(ClientId, ViewerId)>,
    connections: u64,
    now: Instant,
}

/// The bytes a schedule is made of.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A number of `0..bound`; 0 when there is nothing left.
    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.next().unwrap_or(0)) % bound
    }
}

/// Plays what `script` says and then sees to it that everyone has everything. Panics when a law does not hold.
pub(crate) fn check(script: &[u8]) {
    let (mut world, mut script) = (World::new(), Script(script));
    for _ in 0..STEPS_MAX {
        let Some(step) = script.next() else { break };
        world.step(step, &mut script);
    }
    world.finish();
}

impl World {
    fn new() -> Self {
        let memory = Memory::create().expect("memory");
        let (log, writer) =
            Log::create(Arc::clone(&memory), LOG_BYTES, Offset::ZERO, Size::DEFAULT, Arc::new(CatchUp::new(0, 0)));
        Self {
            server: Server::new(&memory, log, writer),
            memory,
            in_pipe: 0,
            printed: 0,
            typists: vec![Typist::new(0), Typist::new(1)],
            watchers: Default::default(),
            unnoticed: Vec::new(),
            connections: 0,
            now: Instant::now(),
        }
    }

    fn step(&mut self, step: u8, script: &mut Script<'_>) {
        match step % 16 {
            0 | 1 => {
                let who = self.somebody(script);
                self.typists[who].types(script.below(40));
                self.sends(who, usize::MAX);
            }
            2 => {
                let who = self.somebody(script);
                self.typists[who].types(script.below(8));
            }
            3 => {
                let who = self.somebody(script);
                self.sends(who, script.below(4));
            }
            4 => {
                let who = self.somebody(script);
                self.attaches(who);
            }
            5 => {
                let who = self.somebody(script);
                self.is_cut(who, script.below(2) == 0);
            }
            6 => self.notices(),
            7 => {
                let who = self.somebody(script);
                self.sends_again(who, script.below(8));
            }
            8 | 9 => {
                let moment = match script.below(8) {
                    0 => Moment::BeforePut,
                    1 => Moment::AfterPut,
                    _ => Moment::Never,
                };
                self.puts(1 + script.below(12), moment);
            }
            10 => self.moves(script.below(16), if script.below(8) == 0 { Moment::AfterMove } else { Moment::Never }),
            11 => self.kill(),
            12 => self.others_act(script),
            13 => {
                watcher::prints(&mut self.server.writer, &mut self.printed, script.below(256) * (1 + script.below(96)));
                if script.below(3) > 0 {
                    self.server.writer.publish();
                }
            }
            14 => watcher::resizes(&mut self.server.writer, 1 + script.below(200)),
            _ => {
                let Self { server, watchers, .. } = self;
                let watcher = &mut watchers[script.below(WATCHERS)];
                watcher.watches(&server.log, script.below(256) as u64 * 64, script.below(6));
            }
        }
    }

    /// What is neither typed by somebody who is counted nor printed.
    fn others_act(&mut self, script: &mut Script<'_>) {
        match script.below(5) {
            0 => self.server.is_held = !self.server.is_held,
            1 => {
                let bytes = Bytes::from(vec![ANYONE; script.below(9)]);
                self.server.queue.push(&mut self.server.clients, None, None, bytes).expect("within the bounds");
            }
            2 => self.now += REMEMBERED + Duration::from_secs(1),
            3 => self.now += REMEMBERED / 3,
            _ => {
                // Another user, who knows the id of somebody's client.
                let who = self.somebody(script);
                let viewer = self.connect();
                self.typists[who].is_imitated(&mut self.server.clients, viewer, self.now);
            }
        }
    }

    fn somebody(&self, script: &mut Script<'_>) -> usize {
        script.below(self.typists.len())
    }

    fn connect(&mut self) -> ViewerId {
        self.connections += 1;
        ViewerId(self.connections)
    }

    fn attaches(&mut self, who: usize) {
        let (viewer, now) = (self.connect(), self.now);
        // A client that was forgotten begins anew under another name, as long as there are names.
        if let Some(anew) = self.typists[who].attaches(&mut self.server.clients, viewer, now) {
            let tag = u8::try_from(self.typists.len()).expect("few");
            match Typist::named(tag, anew, viewer) {
                Some(typist) => self.typists.push(typist),
                None => drop(self.server.clients.detach(anew, viewer, now)),
            }
        }
    }

    fn is_cut(&mut self, who: usize, is_noticed: bool) {
        let Some(cut) = self.typists[who].is_cut() else { return };
        self.unnoticed.push(cut);
        if is_noticed {
            self.notices();
        }
    }

    fn notices(&mut self) {
        if let Some((client, viewer)) = self.unnoticed.pop() {
            self.server.clients.detach(client, viewer, self.now);
        }
    }

    fn sends(&mut self, who: usize, most: usize) {
        let Server { clients, queue, is_held, .. } = &mut self.server;
        self.typists[who].sends(clients, queue, *is_held, most);
    }

    fn sends_again(&mut self, who: usize, back: usize) {
        let Server { clients, queue, .. } = &mut self.server;
        self.typists[who].sends_again(clients, queue, back);
    }

    /// As `Delivery::put` does it.
    fn puts(&mut self, most: usize, moment: Moment) {
        if self.server.begun.is_some() {
            return;
        }
        let Server { ledger, clients, queue, .. } = &mut self.server;
        let Some(Front { bytes, delivered, .. }) = queue.front(clients, most) else { return };
        let mut found = None;
        let put = ledger.deliver(delivered, || {
            if moment != Moment::Never {
                found = Some(words(&self.memory));
            }
            if moment == Moment::BeforePut { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
        });
        if put.is_ok() {
            self.in_pipe = bytes.len();
            typist::typed(&mut self.typists, &bytes);
            self.server.begun = Some(bytes.len());
        }
        if let Some(found) = found {
            for (word, was) in self.memory.session_words().iter().zip(found) {
                word.store(was, Ordering::Release);
            }
            self.kill();
        }
    }

    /// As `Delivery::push` does it.
    fn moves(&mut self, most: usize, moment: Moment) {
        self.in_pipe -= self.in_pipe.min(most);
        if self.in_pipe > 0 {
            return;
        }
        let Some(len) = self.server.begun.take() else { return };
        self.server.ledger.delivered();
        if moment == Moment::AfterMove {
            return self.kill();
        }
        self.server.queue.wrote(&mut self.server.clients, len);
        self.typists.iter_mut().for_each(Typist::hears);
    }

    /// The server dies here, and the next takes the session up from its memory and the pipe.
    fn kill(&mut self) {
        for typist in &mut self.typists {
            typist.is_cut();
        }
        self.watchers.iter_mut().for_each(Watcher::is_cut);
        self.unnoticed.clear();
        let (log, writer) =
            Log::recover(&self.memory, LOG_BYTES, Arc::new(CatchUp::new(0, 0)), watcher::size_of).expect("a log");
        assert_eq!(log.held().end, Offset(self.printed), "all that was read is in the log");
        let mut server = Server::new(&self.memory, log, writer);
        server.ledger.recover_delivery(self.in_pipe);
        server.clients.take_up(self.now);
        // As `Delivery::take_up` does it.
        server.begun = (self.in_pipe > 0).then_some(0);
        self.server = server;
    }

    /// Everyone comes again, nobody is kept from anything any more, and all is waited for.
    fn finish(mut self) {
        self.server.is_held = false;
        for who in 0..self.typists.len() {
            if self.typists[who].is_known() {
                self.attaches(who);
                self.sends(who, usize::MAX);
            }
        }
        loop {
            self.moves(usize::MAX, Moment::Never);
            self.puts(7, Moment::Never);
            if self.server.begun.is_none() {
                break;
            }
        }
        self.typists.iter_mut().for_each(Typist::has_everything);
        self.server.writer.publish();
        for watcher in &mut self.watchers {
            watcher.catches_up(&self.server.log);
        }
    }
}

impl Server {
    fn new(memory: &Arc<Memory>, log: Log, writer: LogWriter) -> Self {
        let ledger = Ledger::new(Arc::clone(memory));
        let clients = Clients::written_down_in(ledger.clone());
        Self { ledger, clients, queue: InputQueue::default(), log, writer, begun: None, is_held: false }
    }
}

fn words(memory: &Memory) -> Vec<u64> {
    memory.session_words()[..WORDS].iter().map(|word| word.load(Ordering::Acquire)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    /// Among them the stories that went wrong once.
    #[test]
    fn the_stories_the_fuzzer_begins_with_end_well() {
        let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/resume");
        let mut told = 0;
        for story in std::fs::read_dir(seeds).expect("readable") {
            super::check(&std::fs::read(story.expect("a file").path()).expect("readable"));
            told += 1;
        }
        assert!(told >= 10, "{told} stories");
    }

    proptest! {
        #[test]
        fn input_arrives_once_in_order_and_byte_n_is_byte_n_whatever_happens(
            script in prop::collection::vec(any::<u8>(), 0..800),
        ) {
            super::check(&script);
        }
    }
}
