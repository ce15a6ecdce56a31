//! A session as nobody's viewer sees it: what its log holds, over REST.

use std::time::Duration;

use crate::real::server::Server;
use crate::took;

impl Server {
    /// The bytes `from..to`, if they are held.
    pub(crate) async fn output(&self, session: &str, from: usize, to: usize) -> Option<Vec<u8>> {
        let answer = self.request("GET", &format!("/{session}/output?from={from}&to={to}")).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        Some(answer.bytes().await.ok()?.to_vec())
    }

    /// Waits until the flood is over that nobody follows, and looks at what is held of it.
    pub(crate) async fn until_over(&self, session: &str, expected: &[u8]) -> Result<Duration, String> {
        loop {
            self.until_printed(session, expected.len() + 1).await;
            let (start, end) = self.held(session).await;
            let held = self.output(session, start, end).await.unwrap_or_default();
            let (flood, tail) = held.split_at(held.len().min(expected.len() - start));
            if flood != &expected[start..start + flood.len()] {
                return Err(format!("other bytes than expected in {start}..{}", start + flood.len()));
            }
            if let Some(wall) = took(&String::from_utf8_lossy(tail)) {
                return Ok(wall);
            }
        }
    }
}
