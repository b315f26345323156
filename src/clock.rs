//! Time and randomness, handed in.
//!
//! The middle of the server reads no clock and no random source of its own, so a test controls both. This module is the
//! only one that touches the operating system's clocks.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::rand::SecureRandom;
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// An instant in UTC with the precision of a millisecond, the precision AD FS writes into tokens.
///
/// Held as milliseconds since 1970-01-01T00:00:00Z; negative before that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct UtcTime(i64);

/// From 1601-01-01, where FILETIMEs begin, to 1970-01-01.
const EPOCH_DIFFERENCE_MS: i64 = 11_644_473_600_000;

impl UtcTime {
    /// The instant `milliseconds` after 1970-01-01T00:00:00Z.
    pub const fn from_unix_millis(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// The instant `seconds` after 1970-01-01T00:00:00Z.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// A Windows FILETIME (100 ns units since 1601-01-01). `0` and the "never" values of Active Directory
    /// (`0x7fff_ffff_ffff_ffff` and above) give `None`.
    pub fn from_filetime(filetime: u64) -> Option<Self> {
        if filetime == 0 || filetime >= 0x7fff_ffff_ffff_ffff {
            return None;
        }
        i64::try_from(filetime / 10_000).ok().map(|ms| Self(ms - EPOCH_DIFFERENCE_MS))
    }

    /// This instant as a Windows FILETIME; 0 for what is before 1601.
    pub fn to_filetime(self) -> u64 {
        u64::try_from(self.0.saturating_add(EPOCH_DIFFERENCE_MS)).unwrap_or_default().saturating_mul(10_000)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant moved into the future; saturates at the end of representable time.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This instant moved into the past; saturates at the start of representable time.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Time that passed from `earlier` to `self`; zero when `earlier` lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `xs:dateTime` as AD FS writes it: `2026-01-05T10:00:01.494Z`, always UTC, always three fraction digits.
    pub fn to_xml(self) -> String {
        let civil = self.civil();
        // Each token has a dozen of them: digits in place cost a fraction of what a format description does.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut digits = |place: std::ops::Range<usize>, mut number: u32| {
            for digit in text.get_mut(place).unwrap_or_default().iter_mut().rev() {
                *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
                number /= 10;
            }
        };
        let Ok(year) = u32::try_from(civil.year()) else {
            return civil.format(XML_DATE_TIME).unwrap_or_else(|_| String::from("1970-01-01T00:00:00.000Z"));
        };
        digits(0..4, year);
        digits(5..7, u32::from(u8::from(civil.month())));
        digits(8..10, u32::from(civil.day()));
        digits(11..13, u32::from(civil.hour()));
        digits(14..16, u32::from(civil.minute()));
        digits(17..19, u32::from(civil.second()));
        digits(20..23, u32::from(civil.millisecond()));
        std::str::from_utf8(&text).unwrap_or_default().to_owned()
    }

    /// Reads an `xs:dateTime` with a time zone; anything finer than a millisecond is cut off.
    ///
    /// # Errors
    /// [`NotATime`] for any other text.
    pub fn from_xml(text: &str) -> Result<Self, NotATime> {
        OffsetDateTime::parse(text, &Rfc3339).map(Self::from).map_err(|_| NotATime)
    }

    /// The civil time of this instant, clamped to the years -9999 to 9999.
    pub fn civil(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// A text is no date and time with a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date and time with a time zone")]
pub struct NotATime;

impl From<OffsetDateTime> for UtcTime {
    fn from(time: OffsetDateTime) -> Self {
        Self(i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_xml())
    }
}

impl fmt::Debug for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_xml())
    }
}

/// Where the current time comes from.
pub trait Clock: Send + Sync {
    /// The current wall-clock time.
    fn now(&self) -> UtcTime;

    /// Time since an arbitrary fixed point that never runs backwards; for durations and time-outs only.
    fn monotonic(&self) -> Duration;
}

/// Where unpredictable octets come from.
pub trait Random: Send + Sync {
    /// Fills `buffer` with octets from a cryptographically secure source.
    ///
    /// # Errors
    /// [`RandomError`] when the operating system's source fails; the caller must give up, never go on with weak octets.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError>;
}

/// The random source failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's random source failed")]
pub struct RandomError;

/// The operating system's clocks.
#[derive(Debug)]
pub struct SystemClock {
    origin: std::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic origin is now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clocks")]
    pub fn new() -> Self {
        Self { origin: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clocks")]
    fn now(&self) -> UtcTime {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        UtcTime(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// The operating system's random source, through aws-lc.
#[derive(Debug, Default)]
pub struct SystemRandomSource(aws_lc_rs::rand::SystemRandom);

impl SystemRandomSource {
    /// The system's source.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Random for SystemRandomSource {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        self.0.fill(buffer).map_err(|_| RandomError)
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct ManualClock {
    now_millis: std::sync::atomic::AtomicI64,
    start_millis: i64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: UtcTime) -> Self {
        Self { now_millis: std::sync::atomic::AtomicI64::new(now.0), start_millis: now.0 }
    }

    /// Moves both the wall clock and the monotonic clock forward.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.now_millis.fetch_add(millis, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UtcTime {
        UtcTime(self.now_millis.load(std::sync::atomic::Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.now().since(UtcTime(self.start_millis))
    }
}

const XML_DATE_TIME: &[FormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_form_has_three_fraction_digits_and_z() {
        assert_eq!(UtcTime::from_unix_millis(1_767_607_201_494).to_xml(), "2026-01-05T10:00:01.494Z");
        assert_eq!(UtcTime::from_unix_seconds(0).to_xml(), "1970-01-01T00:00:00.000Z");
        assert_eq!(UtcTime::from_unix_millis(-62_167_219_200_001).to_xml(), "-0001-12-31T23:59:59.999Z");
        assert_eq!(UtcTime::from_unix_seconds(253_402_300_799).to_xml(), "9999-12-31T23:59:59.000Z");
    }

    #[test]
    fn the_xml_form_is_read_with_its_time_zone_and_not_without() {
        let noon = Ok(UtcTime::from_unix_millis(1_767_607_201_494));
        for text in ["2026-01-05T10:00:01.494Z", "2026-01-05T11:00:01.4949999+01:00", "2026-01-05T10:00:01.494-00:00"] {
            assert_eq!(UtcTime::from_xml(text), noon, "{text}");
        }
        for text in ["", "2026-01-05", "2026-01-05T10:00:01", "2026-13-05T10:00:01Z", " 2026-01-05T10:00:01Z", "now"] {
            assert_eq!(UtcTime::from_xml(text), Err(NotATime), "{text}");
        }
    }

    #[test]
    fn filetime_never_values_are_none() {
        assert_eq!(UtcTime::from_filetime(0), None);
        assert_eq!(UtcTime::from_filetime(u64::MAX), None);
        assert_eq!(UtcTime::from_filetime(0x7fff_ffff_ffff_ffff), None);
        assert_eq!(UtcTime::from_filetime(116_444_736_000_000_000), Some(UtcTime::from_unix_seconds(0)));
        assert_eq!(UtcTime::from_unix_seconds(0).to_filetime(), 116_444_736_000_000_000);
        assert_eq!(UtcTime::from_unix_millis(i64::MIN).to_filetime(), 0);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(UtcTime::from_unix_seconds(10));
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), UtcTime::from_unix_seconds(15));
        assert_eq!(clock.monotonic(), Duration::from_secs(5));
    }
}
