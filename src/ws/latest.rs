//! What a client was last told of the session's latest values, and what has changed since.

use std::sync::Arc;

use crate::protocol::{Asking, Event};
use crate::session::{Control, Party, State, Status};

/// The values a client knows.
pub(super) struct Latest {
    known: Arc<Status>,
    /// The client was told who has control, or need not be: nobody has.
    knows_control: bool,
}

impl Latest {
    /// A client that was just told `status` by its welcome, which does not say who has control.
    pub(super) const fn new(known: Arc<Status>) -> Self {
        Self { known, knows_control: false }
    }

    /// The events that tell a client of `status`. Size and exit are not among them: they come in order with the
    /// output, out of the log.
    pub(super) fn changes(&mut self, status: Arc<Status>) -> Vec<Event> {
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
        let has_changed = status.control != self.known.control;
        if has_changed || (!self.knows_control && status.control.holder().is_some()) {
            events.push(control(&status.control));
        }
        self.knows_control = true;
        if status.title != self.known.title {
            events.push(Event::Title { title: text(status.title.as_ref()) });
        }
        if status.cwd != self.known.cwd {
            events.push(Event::Cwd { cwd: text(status.cwd.as_ref()) });
        }
        if status.bells != self.known.bells {
            events.push(Event::Bell { count: status.bells });
        }
        if status.alternate != self.known.alternate {
            events.push(Event::Alternate { on: status.alternate });
        }
        if status.clipboard != self.known.clipboard
            && let Some(wanted) = &status.clipboard
        {
            events.push(Event::Clipboard { selection: wanted.selection.clone(), text: wanted.text.clone() });
        }
        self.known = status;
        events
    }
}

fn control(control: &Control) -> Event {
    let name = |party: &Party| party.name.as_deref().map(ToOwned::to_owned);
    Event::Control {
        holder: control.holder().map(|holder| holder.client.to_string()),
        name: control.holder().and_then(name),
        asking: control
            .asking()
            .iter()
            .map(|asking| Asking { client: asking.client.to_string(), name: name(asking) })
            .collect(),
    }
}

fn text(value: Option<&Arc<str>>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rustix::process::Pid;

    use super::*;
    use crate::terminal::Size;
    use crate::terminal::screen::Clipboard;

    #[test]
    fn only_what_changed_is_told_and_only_once() {
        let status = Status { viewers: 1, ..Status::starting("a".into(), Size::DEFAULT) };
        let mut latest = Latest::new(Arc::new(status.clone()));
        assert_eq!(latest.changes(Arc::new(status.clone())), []);
        let pid = Pid::from_raw(7).expect("positive");
        let running = Status { state: State::Running { pid }, viewers: 2, ..status };
        assert_eq!(latest.changes(Arc::new(running.clone())), [Event::Started { pid: 7 }, Event::Viewers { count: 2 }]);
        assert_eq!(latest.changes(Arc::new(running.clone())), []);
        let clipboard = Arc::new(Clipboard { count: 0, selection: "c".into(), text: "x".into() });
        let ringing = Status {
            title: Some("t".into()),
            bells: 2,
            alternate: true,
            clipboard: Some(Arc::clone(&clipboard)),
            ..running
        };
        let told = [
            Event::Title { title: "t".into() },
            Event::Bell { count: 2 },
            Event::Alternate { on: true },
            Event::Clipboard { selection: "c".into(), text: "x".into() },
        ];
        assert_eq!(latest.changes(Arc::new(ringing.clone())), told);
        let again = Arc::new(Clipboard { count: 1, ..Clipboard::clone(&clipboard) });
        let told =
            [Event::Title { title: String::new() }, Event::Clipboard { selection: "c".into(), text: "x".into() }];
        assert_eq!(latest.changes(Arc::new(Status { title: None, clipboard: Some(again), ..ringing })), told);
    }
}
