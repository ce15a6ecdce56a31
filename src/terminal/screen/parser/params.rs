//! A sequence's parameters and sub-parameters, within xterm.js's limits. Holds numbers; knows no function.

/// How many parameters are kept, and how many sub-parameters; those that come later are dropped. xterm.js's numbers.
const PARAMS_MAX: usize = 32;
const SUB_PARAMS_MAX: usize = 32;
/// A greater number is this one. xterm.js's as well.
const VALUE_MAX: i32 = i32::MAX;
/// What a sub-parameter without digits is.
const EMPTY: i32 = -1;

/// The parameters of one sequence: never none, for no digits at all are one parameter 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::terminal::screen) struct Params {
    values: [i32; PARAMS_MAX],
    len: u8,
    subs: [i32; SUB_PARAMS_MAX],
    subs_len: u8,
    /// Where each parameter's sub-parameters begin; they end where the next one's begin.
    subs_from: [u8; PARAMS_MAX],
    /// One parameter too many came: all that follows is dropped.
    full: bool,
    /// Digits now belong to a sub-parameter.
    in_sub: bool,
    /// The sub-parameter that digits now belong to is one too many.
    sub_dropped: bool,
}

impl Params {
    /// One parameter, 0.
    pub(in crate::terminal::screen) const fn new() -> Self {
        Self {
            values: [0; PARAMS_MAX],
            len: 1,
            subs: [0; SUB_PARAMS_MAX],
            subs_len: 0,
            subs_from: [0; PARAMS_MAX],
            full: false,
            in_sub: false,
            sub_dropped: false,
        }
    }

    /// How many there are, at least 1.
    pub(in crate::terminal::screen) const fn len(&self) -> usize {
        self.len as usize
    }

    /// The parameter at `index`; 0 when it is missing or was given without digits. Never negative.
    pub(in crate::terminal::screen) fn get(&self, index: usize) -> i32 {
        if index < self.len() { self.values[index] } else { 0 }
    }

    /// The sub-parameters of the one at `index`, -1 for each without digits.
    pub(in crate::terminal::screen) fn sub_params(&self, index: usize) -> &[i32] {
        if index >= self.len() {
            return &[];
        }
        let end = if index + 1 < self.len() { self.subs_from[index + 1] } else { self.subs_len };
        &self.subs[usize::from(self.subs_from[index])..usize::from(end)]
    }

    /// Back to one parameter, 0.
    #[inline]
    pub(super) const fn reset(&mut self) {
        self.values[0] = 0;
        self.len = 1;
        self.subs_len = 0;
        self.full = false;
        self.in_sub = false;
        self.sub_dropped = false;
    }

    /// Takes a byte of `0`–`9`, `:`, `;`.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) {
        match byte {
            b';' => self.next(),
            b':' => self.next_sub(),
            _ => {
                self.take_digits(&[byte]);
            }
        }
    }

    #[inline]
    fn next(&mut self) {
        self.in_sub = false;
        if self.len() == PARAMS_MAX {
            self.full = true;
            return;
        }
        self.values[self.len()] = 0;
        self.subs_from[self.len()] = self.subs_len;
        self.len += 1;
    }

    fn next_sub(&mut self) {
        self.in_sub = true;
        if self.full || usize::from(self.subs_len) == SUB_PARAMS_MAX {
            self.sub_dropped = true;
            return;
        }
        self.subs[usize::from(self.subs_len)] = EMPTY;
        self.subs_len += 1;
    }

    /// Takes the digits that `bytes` begin with; how many there were.
    #[inline]
    pub(super) fn take_digits(&mut self, bytes: &[u8]) -> usize {
        let slot = match (self.full, self.in_sub) {
            (true, _) => None,
            (false, true) if self.sub_dropped => None,
            (false, true) => self.subs.get_mut(usize::from(self.subs_len).wrapping_sub(1)),
            (false, false) => self.values.get_mut(usize::from(self.len).wrapping_sub(1)),
        };
        let before = slot.as_deref().copied().unwrap_or(0);
        let mut value = i64::from(before.max(0)); // `EMPTY` before the first digit.
        let mut at = 0;
        while let Some(byte @ b'0'..=b'9') = bytes.get(at) {
            value = (value * 10 + i64::from(byte - b'0')).min(i64::from(VALUE_MAX));
            at += 1;
        }
        if let Some(slot) = slot {
            *slot = i32::try_from(value).unwrap_or(VALUE_MAX);
        }
        at
    }

    /// Bytes that bring fresh parameters into this state, digits that are yet to come included. At least one byte.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for index in 0..self.len() {
            if index > 0 {
                out.push(b';');
            }
            out.extend_from_slice(self.values[index].to_string().as_bytes());
            for sub in self.sub_params(index) {
                out.push(b':');
                if *sub != EMPTY {
                    out.extend_from_slice(sub.to_string().as_bytes());
                }
            }
        }
        if self.full {
            out.push(b';');
        } else if self.in_sub && self.sub_dropped {
            out.push(b':');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Params {
        let mut params = Params::new();
        text.bytes().for_each(|byte| params.take(byte));
        params
    }

    #[test]
    fn missing_digits_are_zero_and_in_sub_params_minus_one() {
        let params = params(";2:3::4:;");
        assert_eq!(params.len(), 3);
        assert_eq!([0, 1, 2, 3].map(|index| params.get(index)), [0, 2, 0, 0]);
        assert_eq!(params.sub_params(1), [3, -1, 4, -1]);
        assert!(params.sub_params(0).is_empty() && !params.sub_params(1).is_empty());
        assert!(params.sub_params(2).is_empty() && params.sub_params(3).is_empty());
    }

    #[test]
    fn numbers_are_clamped() {
        let params = params("2147483648;99999999999999999999:4294967295");
        assert_eq!((params.get(0), params.get(1), params.sub_params(1)), (i32::MAX, i32::MAX, &[i32::MAX][..]));
    }

    #[test]
    fn what_is_too_many_is_dropped() {
        let long = params(&format!("{}7:8;9", "1;".repeat(32)));
        assert_eq!((long.len(), long.get(31), long.sub_params(31).len()), (32, 1, 0));
        let subs = params(&format!("1{}9;5:6", ":2".repeat(33)));
        assert_eq!((subs.len(), subs.sub_params(0).len(), subs.get(1)), (2, 32, 5));
        assert_eq!((subs.sub_params(0)[31], subs.sub_params(1).len()), (2, 0));
    }
}
