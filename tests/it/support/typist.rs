//! A person at a client whose connection does not last: types numbered messages, and sends again what may be lost.

use fantail::protocol::ClientMessage;
use tokio_tungstenite::tungstenite::Message;

use super::{Client, Closed};

/// A small generator of the tests' own (SplitMix64), so that a schedule can be told by its seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// The client's side of exactly-once: what it typed, a line a message.
#[derive(Default)]
pub struct Typist {
    pub sent: Vec<String>,
}

impl Typist {
    /// Resends what the server has not taken.
    pub async fn resume(&self, client: &mut Client) -> Result<(), Closed> {
        for seq in client.welcome.input_seq as usize + 1..=self.sent.len() {
            self.send(client, seq).await?;
        }
        Ok(())
    }

    /// Types on.
    pub async fn types(&mut self, client: &mut Client) -> Result<(), Closed> {
        self.sent.push(format!("line-{}\n", self.sent.len()));
        self.send(client, self.sent.len()).await
    }

    async fn send(&self, client: &mut Client, seq: usize) -> Result<(), Closed> {
        let input = ClientMessage::Input { seq: seq as u64, bytes: self.sent[seq - 1].as_bytes() };
        client.try_send_raw(Message::binary(input.encode())).await
    }
}
