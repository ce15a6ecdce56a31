//! Where the name of a line finds room beside it: close to its own line, away from all others and from other names.
//!
//! Pure geometry, in the plot's own pixels. A name without room is left to the legend.

/// A letter of the style sheet's label font, on the wide side.
const LETTER: f64 = 8.4;

/// From the baseline up and down to what letters cover.
const ASCENT: f64 = 10.0;
const DESCENT: f64 = 3.0;

/// Between the samples of a line that names must keep clear of.
const SAMPLE: f64 = 4.0;

/// A name this far from other lines cannot be taken for theirs; nearer than the least it would touch them.
const CLEAR: f64 = 28.0;
const LEAST_CLEAR: f64 = 7.0;

/// A name's own line must not go through it.
const OWN_CLEAR: f64 = 3.0;

/// What a pixel away from the line's end costs, in pixels of clearance.
const AWAY: f64 = 0.03;

#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// A name's baseline, from its left end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Area {
    fn of(place: Place, width: f64) -> Self {
        Self { left: place.x, right: place.x + width, top: place.y - ASCENT, bottom: place.y + DESCENT }
    }

    fn holds(&self, other: &Self) -> bool {
        other.left >= self.left && other.right <= self.right && other.top >= self.top && other.bottom <= self.bottom
    }

    fn touches(&self, other: &Self) -> bool {
        const GAP: f64 = 4.0;
        self.left < other.right + GAP
            && other.left < self.right + GAP
            && self.top < other.bottom + GAP
            && other.top < self.bottom + GAP
    }

    fn distance(&self, (x, y): (f64, f64)) -> f64 {
        (self.left - x).max(x - self.right).max(0.0).hypot((self.top - y).max(y - self.bottom).max(0.0))
    }
}

/// A place for the name of each line.
pub(super) fn places(lines: &[(&str, Vec<(f64, f64)>)], area: Area) -> Vec<Option<Place>> {
    let sampled: Vec<Vec<(f64, f64)>> = lines.iter().map(|(_, points)| samples(points)).collect();
    let mut taken: Vec<Area> = Vec::new();
    let mut places = Vec::new();
    for (index, (name, _)) in lines.iter().enumerate() {
        let width = width(name);
        let place = best(&sampled, index, width, area, &taken);
        taken.extend(place.map(|place| Area::of(place, width)));
        places.push(place);
    }
    places
}

fn best(lines: &[Vec<(f64, f64)>], index: usize, width: f64, area: Area, taken: &[Area]) -> Option<Place> {
    let mut best: Option<(f64, Place)> = None;
    for (away, point) in lines[index].iter().rev().enumerate() {
        for place in around(*point, width) {
            let room = Area::of(place, width);
            if !area.holds(&room) || taken.iter().any(|other| other.touches(&room)) {
                continue;
            }
            let others = lines.iter().enumerate().filter(|(other, _)| *other != index).flat_map(|(_, line)| line);
            let clear = others.map(|point| room.distance(*point)).fold(CLEAR, f64::min);
            let own = lines[index].iter().map(|point| room.distance(*point)).fold(f64::INFINITY, f64::min);
            #[expect(clippy::cast_precision_loss, reason = "a line has a few hundred samples")]
            let score = clear - AWAY * SAMPLE * away as f64;
            if clear >= LEAST_CLEAR && own >= OWN_CLEAR && best.is_none_or(|(most, _)| score > most) {
                best = Some((score, place));
            }
        }
    }
    best.map(|(_, place)| place)
}

/// The places beside a point: right, left, above and below to either side.
fn around((x, y): (f64, f64), width: f64) -> [Place; 6] {
    const SIDE: f64 = 9.0;
    const MIDDLE: f64 = 4.0;
    const ABOVE: f64 = 9.0;
    const BELOW: f64 = 18.0;
    [
        Place { x: x + SIDE, y: y + MIDDLE },
        Place { x: x - width, y: y - ABOVE },
        Place { x: x - width, y: y + BELOW },
        Place { x, y: y - ABOVE },
        Place { x, y: y + BELOW },
        Place { x: x - SIDE - width, y: y + MIDDLE },
    ]
}

/// About how wide a text is.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(|_| LETTER).sum()
}

/// The line as points no further than a step apart.
fn samples(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut samples = Vec::new();
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let steps = ((x1 - x0).hypot(y1 - y0) / SAMPLE).ceil().max(1.0);
        let mut step = 0.0;
        while step < steps {
            samples.push((x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps));
            step += 1.0;
        }
    }
    samples.extend(points.last());
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 0.0, right: 400.0, top: 0.0, bottom: 200.0 };

    #[test]
    fn names_touch_neither_lines_nor_each_other() {
        let line = |y: f64| vec![(0.0, y), (400.0, y - 40.0)];
        let lines = [("fantail", line(60.0)), ("floor", line(75.0)), ("ttyd", line(190.0))];
        let places = places(&lines, AREA);
        let rooms: Vec<Area> =
            places.iter().zip(&lines).filter_map(|(place, (name, _))| Some(Area::of((*place)?, width(name)))).collect();
        assert!(rooms.len() >= 2, "{places:?}");
        for (index, room) in rooms.iter().enumerate() {
            assert!(AREA.holds(room));
            assert!(rooms[..index].iter().all(|other| !room.touches(other)));
            assert!(
                lines.iter().flat_map(|(_, points)| samples(points)).all(|point| room.distance(point) >= OWN_CLEAR)
            );
        }
    }

    #[test]
    fn a_name_without_room_and_one_without_a_line_have_no_place() {
        let narrow = Area { right: 10.0, ..AREA };
        assert_eq!(places(&[("fantail", vec![(0.0, 0.0), (10.0, 10.0)])], narrow), [None]);
        assert_eq!(places(&[("fantail", Vec::new())], AREA), [None]);
    }
}
