//! Colours as X11 spells them beyond red, green and blue: intensities, and the spaces that no device is part of.
//!
//! What such a colour is on a display depends on the display. X11 assumes one where nobody measured it, and so does
//! this: primaries and white as below, and a curve for each gun.

use super::super::palette::Rgb;

/// Chromaticities (x, y) of the display's primaries and its white.
const PRIMARIES: [[f64; 2]; 3] = [[0.625, 0.34], [0.28, 0.595], [0.155, 0.07]];
const WHITE: [f64; 2] = [0.283, 0.298];
/// The reddest red, in u′v′: hues of TekHVC count from its direction.
const BEST_RED: [f64; 2] = [0.7127, 0.4931];
const CHROMA_SCALE: f64 = 7.507_25;
/// What may be missing to a colour that counts as shown.
const TOLERANCE: f64 = 0.001;
/// Halvings of the way to white: more than an f64 tells apart.
const HALVINGS: usize = 60;

type Matrix = [[f64; 3]; 3];

/// The value a gun is given for an intensity: the lowest value that shows anything, up to which intensity it is the one
/// above that, and a polynomial of the fourth root for what follows, fitted to that display.
struct Gun {
    darkest: f64,
    linear_to: f64,
    curve: [f64; 7],
}

const GUNS: [Gun; 3] = [
    Gun {
        darkest: 9.0,
        linear_to: 0.000_936,
        curve: [-40.54, 417.598, -1_151.962, 3_010.185, -3_800.882, 2_451.328, -630.787],
    },
    Gun {
        darkest: 19.0,
        linear_to: 0.000_832,
        curve: [22.144, -180.147, 1_364.956, -2_756.175, 3_465.883, -2_328.169, 666.49],
    },
    Gun {
        darkest: 14.0,
        linear_to: 0.001_341,
        curve: [-39.613, 412.793, -1_031.902, 2_388.801, -2_646.132, 1_468.339, -297.358],
    },
];

/// A colour in u′v′ and how light it is.
#[derive(Clone, Copy)]
struct Uvy {
    u: f64,
    v: f64,
    light: f64,
}

/// `rgbi:`, `CIEXYZ:`, `CIEuvY:`, `CIExyY:`, `CIELab:`, `CIELuv:`, `TekHVC:`, each with three numbers.
pub(in super::super) fn parse(spec: &str) -> Option<Rgb> {
    let (space, numbers) = spec.split_once(':')?;
    let mut parts = numbers.split('/').map(|part| part.parse::<f64>().ok().filter(|number| number.is_finite()));
    let [a, b, c] = [parts.next()??, parts.next()??, parts.next()??];
    if parts.next().is_some() {
        return None;
    }
    let uvy = match space.to_ascii_lowercase().as_str() {
        "rgbi" => return Some(driven([a, b, c])),
        "ciexyz" => of_xyz([a, b, c]),
        "cieuvy" => Uvy { u: a, v: b, light: c },
        "ciexyy" => of_xyz(with_light([a, b], c)),
        "cielab" => of_xyz(lab([a, b, c])),
        "cieluv" => luv([a, b, c]),
        "tekhvc" => hvc([a, b, c]),
        _ => return None,
    };
    Some(driven(shown(uvy)))
}

/// The nearest to it that the display can show: as light, of that hue, less colourful.
fn shown(color: Uvy) -> [f64; 3] {
    let to_rgb = inverse(from_rgb());
    let fits = |rgb: &[f64; 3]| rgb.iter().all(|value| (-TOLERANCE..=1.0 + TOLERANCE).contains(value));
    let rgb = times(to_rgb, xyz(color));
    if fits(&rgb) {
        return rgb;
    }
    if color.light >= 1.0 {
        return [1.0; 3];
    }
    let white = of_xyz(with_light(WHITE, 1.0));
    let (mut inside, mut outside) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(inside, outside);
        let rgb = times(to_rgb, xyz(between(white, color, middle)));
        let is_inside = rgb.iter().all(|value| (0.0..=1.0).contains(value));
        *(if is_inside { &mut inside } else { &mut outside }) = middle;
    }
    times(to_rgb, xyz(between(white, color, inside)))
}

/// As light as `color`, with so much of its way from white.
fn between(white: Uvy, color: Uvy, part: f64) -> Uvy {
    Uvy { u: white.u + part * (color.u - white.u), v: white.v + part * (color.v - white.v), light: color.light }
}

/// Intensities as the values that make them.
fn driven(intensities: [f64; 3]) -> Rgb {
    let mut color = [0; 3];
    for ((value, intensity), gun) in color.iter_mut().zip(intensities).zip(&GUNS) {
        let intensity = intensity.clamp(0.0, 1.0);
        let exact = if intensity < gun.linear_to {
            gun.darkest + intensity / gun.linear_to
        } else {
            let root = intensity.sqrt().sqrt();
            gun.curve.iter().rev().fold(0.0, |sum, factor| sum * root + factor)
        };
        *value = (0..u8::MAX).find(|&value| exact < f64::from(value) + 0.5).unwrap_or(u8::MAX);
    }
    color
}

/// CIE 1976 L*a*b*. Dark ones are a hundred times as light as they should be: X11's own.
fn lab([l, a, b]: [f64; 3]) -> [f64; 3] {
    let [x, _, z] = with_light(WHITE, 1.0);
    let root = (l + 16.0) / 116.0;
    let light = root.powi(3);
    if light < 0.008_856 {
        let light = l / 9.032_92;
        return [x * (a / 3_893.5 + light), light, z * (light - b / 1_557.4)];
    }
    [x * (a / 5.0 + root).powi(3), light, z * (root - b / 2.0).powi(3)]
}

/// CIE 1976 L*u*v*, of which X11 takes a hundredth of L* where u′ and v′ are made.
fn luv([l, u, v]: [f64; 3]) -> Uvy {
    let white = of_xyz(with_light(WHITE, 1.0));
    let scale = 13.0 * l / 100.0;
    if scale == 0.0 {
        return Uvy { light: light(l), ..white };
    }
    Uvy { u: u / scale + white.u, v: v / scale + white.v, light: light(l) }
}

/// Tektronix' hue, value and chroma.
fn hvc([hue, value, chroma]: [f64; 3]) -> Uvy {
    let white = of_xyz(with_light(WHITE, 1.0));
    if value <= 0.0 || value >= 100.0 {
        return Uvy { light: if value <= 0.0 { 0.0 } else { 1.0 }, ..white };
    }
    let angle = hue.to_radians() + (BEST_RED[1] - white.v).atan2(BEST_RED[0] - white.u);
    let radius = chroma / (value * CHROMA_SCALE);
    Uvy { u: white.u + radius * angle.cos(), v: white.v + radius * angle.sin(), light: light(value) }
}

/// Y of an L*.
fn light(l: f64) -> f64 {
    if l < 7.999_536_24 { l / 903.29 } else { ((l + 16.0) / 116.0).powi(3) }
}

fn xyz(Uvy { u, v, light }: Uvy) -> [f64; 3] {
    let scale = 6.0 * u - 16.0 * v + 12.0;
    with_light([9.0 * u / scale, 4.0 * v / scale], light)
}

fn of_xyz([x, y, z]: [f64; 3]) -> Uvy {
    let sum = x + 15.0 * y + 3.0 * z;
    Uvy { u: 4.0 * x / sum, v: 9.0 * y / sum, light: y }
}

fn with_light([x, y]: [f64; 2], light: f64) -> [f64; 3] {
    [x / y * light, light, (1.0 - x - y) / y * light]
}

/// From intensities of the primaries to XYZ, so that all of them are white.
fn from_rgb() -> Matrix {
    let columns = PRIMARIES.map(|primary| with_light(primary, 1.0));
    let primaries = [0, 1, 2].map(|row| columns.map(|column| column[row]));
    let amounts = times(inverse(primaries), with_light(WHITE, 1.0));
    primaries.map(|row| [row[0] * amounts[0], row[1] * amounts[1], row[2] * amounts[2]])
}

fn times(matrix: Matrix, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2])
}

fn inverse([[a, b, c], [d, e, f], [g, h, i]]: Matrix) -> Matrix {
    let determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
    let cofactors = [
        [e * i - f * h, c * h - b * i, b * f - c * e],
        [f * g - d * i, a * i - c * g, c * d - a * f],
        [d * h - e * g, b * g - a * h, a * e - b * d],
    ];
    cofactors.map(|row| row.map(|value| value / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_every_space_are_what_they_are_in_x11() {
        for (spec, color) in [
            ("rgbi:1/1/1", [0xff, 0xff, 0xff]),
            ("rgbi:0.5/0.5/0.5", [0xc1, 0xbb, 0xbb]),
            ("CIEXYZ:0.5/0.5/0.5", [0xdd, 0xb5, 0xa0]),
            ("CIEuvY:0.5/0.5/0.5", [0xff, 0xa3, 0xae]),
            ("CIExyY:0.5/0.5/0.5", [0xf7, 0xb3, 0x0e]),
            ("CIELab:0.5/0.5/0.5", [0x52, 0x4f, 0x4f]),
            ("CIELuv:1/1/1", [0x16, 0x14, 0x0e]),
            ("tekhvc:1/1/1", [0x1a, 0x13, 0x0f]),
        ] {
            assert_eq!(parse(spec), Some(color), "{spec}");
        }
    }

    #[test]
    fn no_numbers_are_too_much() {
        for spec in ["rgbi:1/1", "rgbi:1/1/1/1", "rgbi:nan/0/0", "rgbi:inf/0/0", "cmyk:1/1/1", "CIELab", "TekHVC:/1/1"]
        {
            assert_eq!(parse(spec), None, "{spec}");
        }
        for space in ["rgbi", "CIEXYZ", "CIEuvY", "CIExyY", "CIELab", "CIELuv", "TekHVC"] {
            for numbers in ["0/0/0", "-1/-1/-1", "1e300/1e300/1e300", "1e-300/0/1e300", "100/100/100"] {
                assert!(parse(&format!("{space}:{numbers}")).is_some(), "{space}:{numbers}");
            }
        }
    }
}
