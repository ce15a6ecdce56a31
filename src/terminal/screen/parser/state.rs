//! The states of the parser.

/// Where in a sequence the parser is. xterm.js's states, and two more that its fast path makes of `ESC [`: see
/// [`State::EscapeSlow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ground,
    Escape,
    /// As `Escape`, but `[` leads to [`State::CsiEntrySlow`]: the ESC came within a string, or a control came after it.
    EscapeSlow,
    EscapeIntermediate,
    /// After `ESC [`: a control leads out of it, so that no prefix can follow the control.
    CsiEntry,
    /// After U+009B: controls do not lead out of it.
    CsiEntrySlow,
    CsiParam,
    CsiIntermediate,
    CsiIgnore,
    SosPm,
    Osc(Osc),
    DcsEntry,
    DcsParam,
    DcsIgnore,
    DcsIntermediate,
    /// Within the text of a DCS with this last byte.
    Dcs(u8),
    ApcEntry,
    ApcIntermediate,
    /// Within an APC, or a DCS that became too long.
    Apc,
}

/// Where in an OSC the parser is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Osc {
    /// In its number; `None` before the first digit.
    Number(Option<u32>),
    /// In its text.
    Text(Option<u32>),
    /// In one that has no number, or is too long: until its end.
    Bad,
}

impl State {
    /// Whether an ESC here is not one of those that xterm.js's fast path takes.
    pub(super) const fn is_device_control_or_apc(self) -> bool {
        matches!(
            self,
            Self::DcsEntry
                | Self::DcsParam
                | Self::DcsIgnore
                | Self::DcsIntermediate
                | Self::Dcs(_)
                | Self::ApcEntry
                | Self::ApcIntermediate
                | Self::Apc
        )
    }
}
