//! What the audit log is told of a connection: that it came, what it did with control, and that it left. Never what was
//! typed or shown.

use std::fmt;
use std::sync::Arc;

use crate::auth::audit::{Entry, Event};
use crate::auth::ticket::TicketGrant;
use crate::auth::{Access, Who};
use crate::http::App;
use crate::http::caller::{actor, name_of};
use crate::session::{ClientId, SessionId};

/// One connection, as the log sees it. Dropping it notes that it left.
pub(super) struct Attendance {
    app: App,
    who: Who,
    actor: String,
    address: String,
    session: SessionId,
    client: ClientId,
    has_tried: bool,
}

impl Attendance {
    /// Notes that somebody attached.
    pub(super) fn begin(
        app: &App,
        grant: &TicketGrant,
        address: impl fmt::Display,
        session: SessionId,
        client: ClientId,
        access: Access,
    ) -> Self {
        let attendance = Self {
            app: app.clone(),
            who: grant.who,
            actor: actor(grant.who, grant.bond),
            address: address.to_string(),
            session,
            client,
            has_tried: false,
        };
        attendance.note(Event::Attached, Some(access));
        attendance
    }

    /// What people call who attached, where the store can be asked.
    pub(super) async fn name(&self) -> Option<Arc<str>> {
        name_of(&self.app, self.who, self.session).await.map(Into::into)
    }

    /// Notes what it did with control.
    pub(super) fn control(&self, event: Event) {
        self.note(event, None);
    }

    /// Notes that it tried what its access does not allow: once, however often it tries.
    pub(super) fn tried(&mut self) {
        if !std::mem::replace(&mut self.has_tried, true) {
            self.note(Event::ViewOnlyTried, None);
        }
    }

    fn note(&self, event: Event, access: Option<Access>) {
        let detail = match access {
            Some(access) => format!("client {} to {access}", self.client),
            None => format!("client {}", self.client),
        };
        let entry = Entry::new(self.app.now(), event, &self.actor).from(&self.address).of(self.session);
        self.app.audit().note(entry.with(detail));
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.note(Event::Detached, None);
    }
}
