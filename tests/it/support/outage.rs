//! A database that goes away and comes back.

use std::io::Write as _;

use super::postgres::Postgres;

impl Postgres {
    /// Has it gone, as by a power cut.
    pub fn stop(&self) {
        self.tell("stop");
    }

    /// Has it come back.
    pub fn start_again(&self) {
        self.tell("start");
    }

    fn tell(&self, word: &str) {
        writeln!(self.script.lock().0, "{word}").expect("the script reads");
        assert_eq!(self.answer(), word, "PostgreSQL did not do it: see above");
    }
}
