//! Whose terminal the screen behaves as.

/// Whose terminal the screen behaves as, where the web client and xterm do not agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emulation {
    /// The web client's (xterm.js): what people see there is what the screen holds.
    #[default]
    Client,
    /// xterm's, as a VT525: also margins at the left and right, rectangles, protection, DEC's reports. For sessions that
    /// nobody follows in the web client, which draws none of these: those read over HTTP, or attached to from xterm
    /// and its like.
    Xterm {
        /// Whether programs may ask what is in the cells (DECRQCRA). A program could so read what another one printed
        /// before it, as one on another machine does not get to see.
        checksums: bool,
    },
}
