//! Numbers as people write them: three digits and the unit that fits.
//!
//! Sizes in memory are binary (KiB), rates decimal (MB/s), as their fields have it.

use crate::result::Unit;

/// A value with its unit, as `37.2 µs`.
pub(super) fn quantity(value: f64, unit: Unit) -> String {
    let (divisor, symbol) = scale(value.abs(), unit);
    // What is counted one by one is whole.
    let counted = matches!(unit, Unit::Count | Unit::Bytes) && divisor <= 1.0;
    let number = if counted { short_digits(value) } else { digits(value / divisor) };
    if symbol.is_empty() { number } else { format!("{number} {symbol}") }
}

/// From one value to another, as `482 – 516 /s`.
pub(super) fn range(low: f64, high: f64, unit: Unit) -> String {
    let (divisor, symbol) = scale(high.abs(), unit);
    let (low, high) = (digits(low / divisor), digits(high / divisor));
    if symbol.is_empty() { format!("{low} – {high}") } else { format!("{low} – {high} {symbol}") }
}

/// A value with its unit and without zeros behind the point, as axes have it.
pub(super) fn round_quantity(value: f64, unit: Unit) -> String {
    let (divisor, symbol) = scale(value.abs(), unit);
    let number = short_digits(value / divisor);
    if symbol.is_empty() { number } else { format!("{number} {symbol}") }
}

/// What a value of this size is divided by, and the symbol of that.
pub(super) fn scale(size: f64, unit: Unit) -> (f64, &'static str) {
    const KIB: f64 = 1024.0;
    let steps: &[(f64, &'static str)] = match unit {
        Unit::Seconds => &[(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")],
        Unit::Bytes => &[(KIB * KIB * KIB, "GiB"), (KIB * KIB, "MiB"), (KIB, "KiB"), (1.0, "B")],
        Unit::BytesPerSecond => &[(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1.0, "B/s")],
        Unit::PerSecond => &[(1.0, "/s")],
        Unit::CpuSecondsPerGigabyte => &[(1.0, "CPU-s/GB")],
        Unit::Count | Unit::Ratio => &[(1.0, "")],
    };
    // Zero is none of anything: the plain unit, not the smallest.
    let plain = steps.iter().find(|(divisor, _)| (*divisor - 1.0).abs() < f64::EPSILON).or_else(|| steps.last());
    let fits = if size == 0.0 { plain } else { steps.iter().find(|(divisor, _)| size >= *divisor * 0.9995) };
    fits.or_else(|| steps.last()).copied().unwrap_or((1.0, ""))
}

/// Three digits at least, with the thousands set apart.
pub(super) fn digits(value: f64) -> String {
    let size = value.abs();
    let places = match size {
        _ if size == 0.0 || size >= 99.95 => 0,
        _ if size >= 9.995 => 1,
        _ if size >= 0.9995 => 2,
        _ => 3,
    };
    grouped(&format!("{value:.places$}"))
}

/// The same without zeros behind the point.
pub(super) fn short_digits(value: f64) -> String {
    let text = digits(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn grouped(text: &str) -> String {
    let (number, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let (sign, number) = number.split_at(usize::from(number.starts_with('-')));
    let mut grouped = sign.to_owned();
    for (index, digit) in number.chars().enumerate() {
        if index > 0 && (number.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

/// How many times another value, as `1.35 ×`.
pub(super) fn times(ratio: f64) -> String {
    format!("{} ×", digits(ratio))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_the_unit_that_fits() {
        let cases = [
            (37.24e-6, Unit::Seconds, "37.2 µs"),
            (0.9999e-3, Unit::Seconds, "1.00 ms"),
            (2.5e-9, Unit::Seconds, "2.50 ns"),
            (0.0, Unit::Seconds, "0 s"),
            (75.0, Unit::Seconds, "75.0 s"),
            (1536.0, Unit::Bytes, "1.50 KiB"),
            (-1536.0, Unit::Bytes, "-1.50 KiB"),
            (3.0, Unit::Bytes, "3 B"),
            (3.114e9, Unit::BytesPerSecond, "3.11 GB/s"),
            (177.4e6, Unit::BytesPerSecond, "177 MB/s"),
            (12345.6, Unit::PerSecond, "12,346 /s"),
            (0.225, Unit::CpuSecondsPerGigabyte, "0.225 CPU-s/GB"),
            (1_000_000.0, Unit::Count, "1,000,000"),
            (0.5, Unit::Ratio, "0.500"),
        ];
        for (value, unit, text) in cases {
            assert_eq!(quantity(value, unit), text, "{value} {unit:?}");
        }
        assert_eq!(range(950e-6, 1.25e-3, Unit::Seconds), "0.950 – 1.25 ms");
        assert_eq!(round_quantity(20e-6, Unit::Seconds), "20 µs");
        assert_eq!(round_quantity(1.5, Unit::Seconds), "1.5 s");
        assert_eq!(round_quantity(0.0, Unit::Seconds), "0 s");
    }
}
