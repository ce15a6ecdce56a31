//! Law 5 across `kill -9`: whatever instruction it hits, what counts as delivered is in the terminal or on its way there,
//! and nothing else is.

use std::os::fd::OwnedFd;

use rustix::io::ioctl_fionread;
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, splice};

use super::*;
use crate::session::{ClientId, Principal};
use crate::terminal::log::stepped::step_through;

const PARTS: [(u64, usize, usize); 4] = [(0, 3, 3), (1, 0, 2), (2, 0, 4), (2, 5, 5)];

/// A pipe for input, and another where a session has its terminal.
struct Terminal {
    input: (OwnedFd, OwnedFd),
    typed: (OwnedFd, OwnedFd),
}

impl Terminal {
    fn new() -> Self {
        let pipe = || pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).expect("a pipe");
        Self { input: pipe(), typed: pipe() }
    }

    fn put(&self, bytes: usize) -> io::Result<()> {
        Ok(rustix::io::write(&self.input.1, &[7; 16][..bytes]).map(drop)?)
    }

    fn push(&self) {
        splice(&self.input.0, None, &self.typed.1, None, 4096, SpliceFlags::NONBLOCK).expect("moved");
    }

    fn on_its_way(&self) -> u64 {
        ioctl_fionread(&self.input.0).expect("a pipe")
    }

    fn typed(&self) -> u64 {
        ioctl_fionread(&self.typed.0).expect("a pipe")
    }
}

fn delivered(recipient: Recipient, (upto, part, _): (u64, usize, usize)) -> Delivered {
    Delivered { recipient, upto, part }
}

/// Bytes that count as delivered when these are the last words on it.
fn counted(upto: u64, part: usize) -> u64 {
    let mut bytes = 0;
    for (its_upto, its_part, len) in PARTS {
        if (its_upto, its_part) <= (upto, part) {
            bytes += len as u64;
        }
    }
    bytes
}

#[test]
fn a_kill_at_any_instruction_neither_loses_nor_doubles_what_was_typed() {
    for recipient in [Recipient::Answers, Recipient::Client(ClientRow(0))] {
        let ledger = Ledger::new(Memory::create().expect("memory"));
        let client = ClientId::from_random([1; 16]);
        assert_eq!(ledger.add_client(client, Principal(uuid::Uuid::nil())), Some(ClientRow(0)));
        let terminal = Terminal::new();
        let work = || {
            for part in PARTS {
                ledger.deliver(delivered(recipient, part), || terminal.put(part.2)).expect("delivered");
                terminal.push();
                ledger.delivered();
            }
        };
        let mut most = 0;
        step_through(work, |steps| {
            // What the next server would make of it.
            let copy = Ledger::new(Memory::create().expect("memory"));
            copy.memory.prepare_words(0..600).expect("memory");
            for (word, theirs) in copy.memory.session_words()[..600].iter().zip(ledger.memory.session_words()) {
                word.store(theirs.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            copy.recover_delivery(usize::try_from(terminal.on_its_way()).expect("few"));
            let (upto, part) = match recipient {
                Recipient::Answers => (copy.answered().0.0, copy.answered().1),
                _ => copy.clients().first().map(|row| (row.handled, row.part)).expect("a client"),
            };
            let bytes = terminal.typed() + terminal.on_its_way();
            assert_eq!(counted(upto, part), bytes, "at instruction {steps}: {upto} and {part} bytes");
            most = most.max(bytes);
            true
        });
        assert_eq!(most, 14, "all of it was typed");
    }
}

#[test]
fn what_is_in_the_pipe_counts_for_nobody_when_its_client_is_forgotten() {
    let ledger = Ledger::new(Memory::create().expect("memory"));
    let add = |byte| ledger.add_client(ClientId::from_random([byte; 16]), Principal(uuid::Uuid::nil())).expect("a row");
    let first = add(1);
    ledger.deliver(delivered(Recipient::Client(first), (57, 3, 0)), || Ok(())).expect("put");
    ledger.forget_client(first);
    let second = add(2);
    assert_eq!(second, first, "the row is given again");
    ledger.recover_delivery(1);
    let [owner] = ledger.clients()[..] else { panic!("one client") };
    assert_eq!((owner.handled, owner.part), (0, 0));
}

#[test]
fn what_is_counted_again_does_not_count_for_the_message_behind_one_that_was_refused_meanwhile() {
    let ledger = Ledger::new(Memory::create().expect("memory"));
    let client = ClientId::from_random([1; 16]);
    let row = ledger.add_client(client, Principal(uuid::Uuid::nil())).expect("a row");
    ledger.deliver(delivered(Recipient::Client(row), (1, 3, 0)), || Ok(())).expect("put");
    // The next server refuses the rest of the second message, and is killed while its beginning is still in the pipe.
    ledger.recover_delivery(3);
    ledger.handled_up_to(row, 2);
    ledger.recover_delivery(3);
    let [owner] = ledger.clients()[..] else { panic!("one client") };
    assert_eq!((owner.handled, owner.part), (2, 0));
}
