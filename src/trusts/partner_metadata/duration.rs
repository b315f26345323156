//! `xs:duration`, as `cacheDuration` holds it.

use std::time::Duration;

/// Reads a duration that is not negative. A year counts 365 days, a month 30; fractions of seconds are left out. `None` for any
/// other text, and for more than 100 years.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let rest = text.trim().strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let days = [('Y', 365 * DAY), ('M', 30 * DAY), ('D', DAY)];
    let seconds = fields(date, &days)?.checked_add(fields(time, &[('H', 3600), ('M', 60), ('S', 1)])?)?;
    (seconds <= 100 * 365 * DAY).then(|| Duration::from_secs(seconds))
}

/// The sum of fields such as `1Y2M`, each at most once and in this order.
fn fields(text: &str, units: &[(char, u64)]) -> Option<u64> {
    let (mut rest, mut units, mut sum) = (text, units.iter(), 0_u64);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let unit = tail.chars().next()?;
        let (name, size) = units.find(|(name, _)| *name == unit)?;
        let whole = match number.split_once('.') {
            Some((whole, fraction)) if *name == 'S' && !fraction.is_empty() && !fraction.contains('.') => whole,
            Some(_) => return None,
            None => number,
        };
        sum = sum.checked_add(whole.parse::<u64>().ok()?.checked_mul(*size)?)?;
        rest = tail.get(1..)?;
    }
    Some(sum)
}

const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_metadata_are_read() {
        for (text, seconds) in [
            ("PT1H", 3600),
            ("P1D", DAY),
            ("P7DT12H", 7 * DAY + 43_200),
            ("P1Y2M3DT4H5M6.789S", 365 * DAY + 60 * DAY + 3 * DAY + 14_706),
            (" PT604800S ", 604_800),
            ("PT0S", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "P",
            "PT",
            "1D",
            "-P1D",
            "P1H",
            "PT1D",
            "P1D1Y",
            "P1D1D",
            "PT1.5H",
            "PT1.S",
            "PT.",
            "P1",
            "PT1S1",
            "P101Y",
            "P99999999999999999999Y",
            "P18446744073709551615Y",
            "PTS",
            "P1W",
            "PT1ä",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
