//! What a client was last told of the session's latest values, and what has changed since.

use crate::protocol::Event;
use crate::session::{State, Status};

/// The values a client knows.
pub(super) struct Latest {
    known: Status,
}

impl Latest {
    /// A client that was just told `status` by its welcome, which does not say who has control.
    pub(super) fn new(status: Status) -> Self {
        Self { known: Status { control: None, ..status } }
    }

    /// The events that tell a client of `status`. Size and exit are not among them: they come in order with the
    /// output, out of the log.
    pub(super) fn changes(&mut self, status: Status) -> Vec<Event> {
        let mut events = Vec::new();
        if status.name != self.known.name {
            events.push(Event::Renamed { name: status.name.clone() });
        }
        if let State::Running { pid } = status.state
            && self.known.state == State::Starting
        {
            events.push(Event::Started { pid: pid.as_raw_nonzero().get().unsigned_abs() });
        }
        if status.viewers != self.known.viewers {
            events.push(Event::Viewers { count: status.viewers as u64 });
        }
        if status.control != self.known.control {
            events.push(Event::Control { holder: status.control.map(|holder| holder.to_string()) });
        }
        self.known = status;
        events
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::Pid;

    use super::*;
    use crate::terminal::Size;

    #[test]
    fn only_what_changed_is_told_and_only_once() {
        let status =
            Status { name: "a".into(), state: State::Starting, size: Size::DEFAULT, viewers: 1, control: None };
        let mut latest = Latest::new(status.clone());
        assert_eq!(latest.changes(status.clone()), []);
        let pid = Pid::from_raw(7).expect("positive");
        let running = Status { state: State::Running { pid }, viewers: 2, ..status };
        assert_eq!(latest.changes(running.clone()), [Event::Started { pid: 7 }, Event::Viewers { count: 2 }]);
        assert_eq!(latest.changes(running), []);
    }
}
