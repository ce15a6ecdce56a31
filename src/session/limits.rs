//! What a program may use: the kernel's resource limits (setrlimit(2)), and how those of descriptors are handled, which
//! servers and holders raise for themselves and programs are to have as they were.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// What a program, and each that it starts, may use. What is none is as for the server. The kernel counts processes by
/// account, so all that an account runs counts, and root is not held to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Processes and threads of its account.
    pub processes: Option<u64>,
    /// Bytes of address space of each process.
    pub memory_bytes: Option<u64>,
    /// Seconds of processor time of each process.
    pub cpu_seconds: Option<u64>,
    /// Bytes of each file that it writes.
    pub file_bytes: Option<u64>,
    /// Open descriptors of each process.
    pub descriptors: Option<u64>,
}

impl Limits {
    /// Each limit with the number that stands for it where a launch is written down.
    pub(super) const fn numbered(&mut self) -> [(u32, &mut Option<u64>); 5] {
        let Self { processes, memory_bytes, cpu_seconds, file_bytes, descriptors } = self;
        [(1, processes), (2, memory_bytes), (3, cpu_seconds), (4, file_bytes), (5, descriptors)]
    }

    /// These, and where they say nothing those of `others`.
    #[must_use]
    pub fn or(mut self, mut others: Self) -> Self {
        for ((_, limit), (_, other)) in self.numbered().into_iter().zip(others.numbered()) {
            *limit = limit.or(*other);
        }
        self
    }

    /// Has this process keep to them, and all that it starts; but for memory, which comes last: see
    /// [`Limits::apply_memory`].
    pub(super) fn apply(&self) -> io::Result<()> {
        let hard = [
            (Resource::Core, Some(0)),
            (Resource::Nproc, self.processes),
            (Resource::Fsize, self.file_bytes),
            (Resource::Nofile, self.descriptors),
        ];
        hard.into_iter().try_for_each(|(resource, limit)| limit.map_or(Ok(()), |limit| lower(resource, limit)))?;
        // At the first it gets SIGXCPU, which says why it ends; a second later it is killed.
        let Some(seconds) = self.cpu_seconds else { return Ok(()) };
        lower(Resource::Cpu, seconds.saturating_add(1))?;
        let found = getrlimit(Resource::Cpu);
        Ok(setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), ..found })?)
    }

    /// From here on this process may get no memory any more: nothing but its exec is left to be done.
    pub(super) fn apply_memory(&self) -> io::Result<()> {
        self.memory_bytes.map_or(Ok(()), |bytes| lower(Resource::As, bytes))
    }
}

/// Lowers both the limit and how far it may be raised; one that is lower already stays.
fn lower(resource: Resource, limit: u64) -> io::Result<()> {
    let limit = getrlimit(resource).maximum.map_or(limit, |maximum| maximum.min(limit));
    Ok(setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?)
}

/// Raises the limit of open descriptors as far as it goes: each connection takes one and each session four, and most
/// systems start programs with 1,024. Returns what it was, which is what programs are to have: those that use select(2)
/// break with a large one.
pub fn raise_descriptors() -> (Rlimit, io::Result<()>) {
    let found = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: found.maximum, maximum: found.maximum });
    (found, raised.map_err(io::Error::from))
}

/// No core is written of this process, nor of any that it starts: it would hold what was typed and printed.
pub fn leave_no_core() {
    // A limit can always be lowered.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// Other processes of our account cannot look into this one: its memory, its environment and its descriptors are closed
/// to them. What it starts is as open as any.
pub fn close_to_others() {
    // Refused to nobody.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// A limit as an argument of our own processes: `soft:hard`, where `-` is none.
#[must_use]
pub fn limit_to(limit: Rlimit) -> String {
    let part = |part: Option<u64>| part.map_or_else(|| "-".into(), |part| part.to_string());
    format!("{}:{}", part(limit.current), part(limit.maximum))
}

/// The limit that was written so.
///
/// # Errors
/// When it was not.
pub fn limit_from(text: &str) -> Result<Rlimit, String> {
    let part = |part: &str| match part {
        "-" => Ok(None),
        number => number.parse().map(Some).map_err(|_| format!("{number:?} is no number")),
    };
    let (current, maximum) = text.split_once(':').ok_or("soft:hard is expected")?;
    Ok(Rlimit { current: part(current)?, maximum: part(maximum)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_passed_on_as_it_is() {
        for (limit, text) in [
            (Rlimit { current: Some(1024), maximum: Some(4096) }, "1024:4096"),
            (Rlimit { current: Some(1), maximum: None }, "1:-"),
        ] {
            assert_eq!(limit_to(limit), text);
            assert_eq!(limit_from(text), Ok(limit));
        }
        assert!(limit_from("1024").is_err() && limit_from("a:1").is_err());
    }

    #[test]
    fn what_a_profile_does_not_limit_the_server_may() {
        let own = Limits { processes: Some(5), ..Limits::default() };
        let everyones = Limits { processes: Some(9), memory_bytes: Some(1 << 30), ..Limits::default() };
        assert_eq!(own.or(everyones), Limits { processes: Some(5), memory_bytes: Some(1 << 30), ..Limits::default() });
    }
}
