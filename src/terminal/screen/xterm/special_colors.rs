//! Special colours (OSC 5, 105): those for bold, underlined, blinking, inverse and italic text. They are kept and told;
//! as in xterm, nothing is drawn in them unless its user asks for that.

use super::super::palette::{Rgb, Slot};
use super::super::terminal::Terminal;
use super::color_space;

/// How many there are.
const COUNT: u8 = 5;
/// The number of the first one among the indexed colours (OSC 4).
const FIRST: u16 = 256;

impl Terminal {
    /// An OSC that the client does not have.
    pub(in super::super) fn xterm_command(&mut self, number: u32, data: &str) {
        if !self.is_xterm() {
            return;
        }
        match number {
            5 => {
                let mut parts = data.split(';');
                while let (Some(index), Some(spec)) = (parts.next(), parts.next()) {
                    let Some(slot) = index.parse().ok().and_then(special) else { continue };
                    self.set_color(slot, spec, &format!("5;{index}"));
                }
            }
            105 if data.is_empty() => (0..COUNT).for_each(|index| self.palette.restore(Slot::Special(index))),
            105 => data.split(';').filter_map(|index| special(index.parse().ok()?)).for_each(|slot| {
                self.palette.restore(slot);
            }),
            _ => {}
        }
    }

    /// A colour of one of X11's spaces.
    pub(in super::super) fn color_of_space(&self, spec: &str) -> Option<Rgb> {
        self.is_xterm().then(|| color_space::parse(spec)).flatten()
    }

    /// The special colour that is an indexed one of that number.
    pub(in super::super) fn special_slot(&self, index: &str) -> Option<Slot> {
        let index: u16 = index.parse().ok()?;
        self.is_xterm().then(|| special(index.checked_sub(FIRST)?)).flatten()
    }
}

fn special(index: u16) -> Option<Slot> {
    u8::try_from(index).ok().filter(|index| *index < COUNT).map(Slot::Special)
}
