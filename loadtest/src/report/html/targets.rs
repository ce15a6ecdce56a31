//! How a target looks, the same everywhere on the page: a colour of the style sheet and a marker's shape.

/// Targets whose look is the same in every report. Their place here is their class in the style sheet.
const KNOWN: [&str; 5] = ["floor", "fantail", "vibetunnel", "ttyd", "sshx"];

/// Looks for targets that are not known; then they come again.
const OTHERS: usize = 3;

/// The looks of all targets of a report.
pub(super) struct Looks<'a>(Vec<&'a str>);

impl<'a> Looks<'a> {
    pub(super) fn of(targets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut others = Vec::new();
        for target in targets {
            if known(target).is_none() && !others.contains(&target) {
                others.push(target);
            }
        }
        Self(others)
    }

    fn number(&self, target: &str) -> usize {
        let other = || self.0.iter().position(|other| *other == target).map(|place| KNOWN.len() + place % OTHERS);
        known(target).or_else(other).unwrap_or(KNOWN.len())
    }

    /// Its class in the style sheet.
    pub(super) fn class(&self, target: &str) -> String {
        format!("t{}", self.number(target))
    }

    /// Its marker around (`x`, `y`): who cannot tell the colours apart tells the shapes.
    pub(super) fn marker(&self, target: &str, x: f64, y: f64) -> String {
        let shape = match self.number(target) {
            0 => "m-5 0 5-5 5 5-5 5z",                                        // diamond
            1 => "m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",              // circle
            2 => "m0-5.2 5 9h-10z",                                           // triangle
            3 => "m-4-4h8v8h-8z",                                             // square
            4 => "m0 5.2 5-9h-10z",                                           // triangle, downwards
            5 => "m-1.7-5h3.4v3.3h3.3v3.4h-3.3v3.3h-3.4v-3.3h-3.3v-3.4h3.3z", // plus
            6 => "m-5-3h10v6h-10z",                                           // bar
            _ => "m-3-5h6v10h-6z",                                            // bar, upright
        };
        format!("<path class=\"mark {}\" d=\"M{x:.1} {y:.1}{shape}\"/>", self.class(target))
    }
}

/// Every kind of floor looks like the floor.
fn known(target: &str) -> Option<usize> {
    KNOWN.iter().position(|known| *known == target).or_else(|| target.starts_with(KNOWN[0]).then_some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_looks_the_same_whatever_else_is_in_the_report() {
        let (few, many) = (Looks::of(["fantail"]), Looks::of(["gotty", "ttyd", "floor", "fantail"]));
        assert_eq!(few.class("fantail"), many.class("fantail"));
        assert_eq!(few.class("floor"), many.class("floor-1-thread"));
        let classes: std::collections::BTreeSet<_> =
            ["gotty", "ttyd", "floor", "fantail"].map(|target| many.class(target)).into_iter().collect();
        assert_eq!(classes.len(), 4);
    }
}
