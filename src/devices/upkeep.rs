//! What keeps a registry clean: devices that nobody uses any more are disabled, and deleted when nobody missed them.
//!
//! AD FS deletes at once. Here a device is first disabled, with a mark that says so and since when; it is deleted when the grace
//! period is over. What an administrator disabled has no such mark: it stays as it is, because deleting it would let the device
//! register again. Devices that directory synchronisation wrote are never swept.

use std::time::Duration;

use uuid::Uuid;

use super::{Device, DeviceId, RegistryError};
use crate::clock::UtcTime;

/// A registry that can be swept.
#[async_trait::async_trait]
pub trait DeviceUpkeep: Send + Sync {
    /// Devices that were not used since `before`, and that are enabled or were marked at `marked_before` or earlier; registrations that
    /// were begun an hour before `now` and never ended. A device that was never used counts from its registration. At most `limit`.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn unused(
        &self,
        before: UtcTime,
        marked_before: UtcTime,
        now: UtcTime,
        limit: usize,
    ) -> Result<Vec<UnusedDevice>, RegistryError>;

    /// Disables a device and marks it, if it is enabled and still was not used since `before`. Whether it was.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn disable_unused(&self, id: DeviceId, before: UtcTime, now: UtcTime) -> Result<bool, RegistryError>;

    /// Deletes a device that was marked at `marked_before` or earlier, or half a registration. Whether it was one.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn delete_unused(&self, id: DeviceId, marked_before: UtcTime) -> Result<bool, RegistryError>;

    /// How many devices sweeps have disabled since then, whichever server did it; those that were deleted or used again meanwhile
    /// do not count.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn disabled_since(&self, since: UtcTime) -> Result<usize, RegistryError>;

    /// Claims the next sweep for `holder`, until `until`: of all servers that share this registry one may have it, and its holder may
    /// claim it again. Whether it was free.
    ///
    /// # Errors
    /// [`RegistryError`].
    async fn claim_sweep(&self, holder: Uuid, now: UtcTime, until: UtcTime) -> Result<bool, RegistryError>;
}

/// A device that a sweep looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedDevice {
    /// The device.
    pub device: Device,
    /// Whether its registration was begun and never ended.
    pub begun_only: bool,
}

/// How a registry is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepOptions {
    /// Days without use after which a device is disabled.
    pub inactivity_days: u32,
    /// Days after that until it is deleted.
    pub grace_days: u32,
    /// Changes in one run; what could not be done is none.
    pub most: usize,
    /// What was disabled since then, by whatever server, counts as if this run had done it: a server that takes over from one that
    /// ended within its sweep disables no more than that one had left.
    pub since: Option<UtcTime>,
    /// Whether anything is changed, or only said.
    pub apply: bool,
}

/// What is done with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SweepAction {
    /// It is disabled and marked.
    Disable,
    /// It is deleted.
    Delete,
    /// Half a registration is deleted.
    DeleteHalf,
}

impl SweepAction {
    /// As it is printed and audited.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Delete => "delete",
            Self::DeleteHalf => "delete-half",
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SweepOutcome {
    /// Nothing: it was only asked.
    Planned,
    /// It was done.
    Done,
    /// The device was used or changed meanwhile.
    Passed,
    /// It could not be done.
    Failed(RegistryError),
}

/// One step of a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepStep {
    /// The device.
    pub device: Device,
    /// What is done.
    pub action: SweepAction,
    /// What became of it.
    pub outcome: SweepOutcome,
}

/// Why there is no sweep.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// Devices in use would be swept.
    #[error(
        "{0} days without use are too few: the use of a device is noted every 14 days only, so devices in use would be \
         disabled. 15 is the least, 0 sweeps nothing"
    )]
    TooSoon(u32),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Sweeps once. A period of 0 days sweeps nothing but halves of registrations. A step that fails does not end the run, unless nobody
/// answers any more or too many have failed.
///
/// # Errors
/// [`SweepError`].
pub async fn sweep(
    registry: &dyn DeviceUpkeep,
    options: SweepOptions,
    now: UtcTime,
) -> Result<Vec<SweepStep>, SweepError> {
    let SweepOptions { inactivity_days, grace_days, most, since, apply } = options;
    if (1..LEAST_INACTIVITY_DAYS).contains(&inactivity_days) {
        return Err(SweepError::TooSoon(inactivity_days));
    }
    let before = match inactivity_days {
        0 => UtcTime::from_unix_millis(0),
        some => now.minus(days(some)),
    };
    let marked_before = now.minus(days(grace_days));
    let disabled = match since {
        Some(since) => registry.disabled_since(since).await?,
        None => 0,
    };
    let mut run = Run { left: most.saturating_sub(disabled), ..Run::default() };
    let limit = run.left.saturating_add(LOOKED_AT_BESIDES);
    let mut found = registry.unused(before, marked_before, now, limit).await?;
    // Each run begins somewhere else, so that those which fail each time do not always stand before the others.
    let begin = usize::try_from(now.unix_seconds().unsigned_abs()).unwrap_or_default().checked_rem(found.len());
    found.rotate_left(begin.unwrap_or_default());
    for unused in found {
        if run.is_over() {
            break;
        }
        let Some(action) = action(&unused, before, marked_before, now) else { continue };
        let id = unused.device.id;
        let outcome = match action {
            _ if !apply => SweepOutcome::Planned,
            SweepAction::Disable => registry.disable_unused(id, before, now).await.into(),
            SweepAction::Delete | SweepAction::DeleteHalf => registry.delete_unused(id, marked_before).await.into(),
        };
        run.steps_by(&outcome);
        run.steps.push(SweepStep { device: unused.device, action, outcome });
    }
    Ok(run.steps)
}

/// How far a run is.
#[derive(Default)]
struct Run {
    steps: Vec<SweepStep>,
    /// Changes that it may still make.
    left: usize,
    failed: usize,
    /// Changes in a row that the registry did not answer.
    unanswered: usize,
}

impl Run {
    const fn is_over(&self) -> bool {
        self.left == 0 || self.failed >= MOST_FAILED || self.unanswered >= MOST_UNANSWERED
    }

    const fn steps_by(&mut self, outcome: &SweepOutcome) {
        match outcome {
            SweepOutcome::Planned | SweepOutcome::Done => self.left -= 1,
            SweepOutcome::Passed => {}
            SweepOutcome::Failed(error) => {
                self.failed += 1;
                if matches!(error, RegistryError::Unavailable { .. }) {
                    self.unanswered += 1;
                    return;
                }
            }
        }
        self.unanswered = 0;
    }
}

/// What is done with one device. What a registry should not have given is left alone.
fn action(unused: &UnusedDevice, before: UtcTime, marked_before: UtcTime, now: UtcTime) -> Option<SweepAction> {
    let device = &unused.device;
    if device.written_back {
        return None;
    }
    if unused.begun_only {
        return device.registered.is_some_and(|begun| begun <= now.minus(HALF)).then_some(SweepAction::DeleteHalf);
    }
    // A stamp from the future is not before.
    if last_sign(device).is_none_or(|last| last > before) {
        return None;
    }
    match device.unused_since {
        _ if device.enabled => Some(SweepAction::Disable),
        Some(marked) if marked <= marked_before => Some(SweepAction::Delete),
        _ => None,
    }
}

/// When a device was used, or else registered.
pub(super) fn last_sign(device: &Device) -> Option<UtcTime> {
    device.last_used.or(device.registered)
}

impl From<Result<bool, RegistryError>> for SweepOutcome {
    fn from(result: Result<bool, RegistryError>) -> Self {
        match result {
            Ok(true) => Self::Done,
            Ok(false) => Self::Passed,
            Err(error) => Self::Failed(error),
        }
    }
}

const fn days(count: u32) -> Duration {
    Duration::from_hours(24 * count as u64)
}

/// How long a registration may be under way.
pub(super) const HALF: Duration = Duration::from_hours(1);
/// The use of a device is noted every 14 days.
const LEAST_INACTIVITY_DAYS: u32 = 15;
/// Devices that one run looks at beside those that it changes, so that those which fail leave room for others.
const LOOKED_AT_BESIDES: usize = 10_000;
/// Each is told to the log, and to the audit log.
const MOST_FAILED: usize = 1_000;
/// Each waits as long as a change may take.
const MOST_UNANSWERED: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::samples;

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_800_000_000);

    fn device(days_ago: u32) -> UnusedDevice {
        let last_used = Some(NOW.minus(days(days_ago)));
        let device = Device { last_used, ..samples::device(DeviceId(Uuid::from_u128(1))) };
        UnusedDevice { device, begun_only: false }
    }

    fn of(unused: &UnusedDevice) -> Option<SweepAction> {
        action(unused, NOW.minus(days(90)), NOW.minus(days(30)), NOW)
    }

    #[test]
    fn unused_devices_are_disabled_first_and_deleted_after_the_grace() {
        assert_eq!(of(&device(89)), None);
        assert_eq!(of(&device(91)), Some(SweepAction::Disable));
        let marked = |ago| {
            let unused = device(200);
            let device = Device { enabled: false, unused_since: Some(NOW.minus(days(ago))), ..unused.device };
            UnusedDevice { device, begun_only: false }
        };
        assert_eq!(of(&marked(29)), None);
        assert_eq!(of(&marked(31)), Some(SweepAction::Delete));
    }

    #[test]
    fn what_an_administrator_disabled_stays() {
        let unused = device(1000);
        let device = Device { enabled: false, ..unused.device };
        assert_eq!(of(&UnusedDevice { device, ..unused }), None);
    }

    #[test]
    fn what_was_written_back_is_never_swept() {
        let unused = device(1000);
        let device = Device { written_back: true, ..unused.device };
        assert_eq!(of(&UnusedDevice { device: device.clone(), begun_only: false }), None);
        assert_eq!(of(&UnusedDevice { device, begun_only: true }), None);
    }

    #[test]
    fn a_missing_stamp_counts_as_the_registration_and_the_future_as_use() {
        let unused = device(0);
        let never = |registered| UnusedDevice {
            device: Device { last_used: None, registered, ..unused.device.clone() },
            begun_only: false,
        };
        assert_eq!(of(&never(Some(NOW.minus(days(91))))), Some(SweepAction::Disable));
        assert_eq!(of(&never(Some(NOW.minus(days(89))))), None);
        assert_eq!(of(&never(None)), None);
        assert_eq!(of(&never(Some(NOW.plus(days(1))))), None);
    }

    #[test]
    fn half_a_registration_is_given_an_hour() {
        let half = |ago| {
            let device = Device { registered: Some(NOW.minus(ago)), ..device(0).device };
            UnusedDevice { device, begun_only: true }
        };
        assert_eq!(of(&half(Duration::from_mins(59))), None);
        assert_eq!(of(&half(Duration::from_mins(61))), Some(SweepAction::DeleteHalf));
    }

    /// Five devices, of which the first so many cannot be changed.
    struct Five {
        fails: u128,
        error: RegistryError,
    }

    impl Five {
        fn failing(fails: u128) -> Self {
            Self { fails, error: RegistryError::Refused { reason: String::from("not this one") } }
        }
    }

    #[async_trait::async_trait]
    impl DeviceUpkeep for Five {
        async fn unused(
            &self,
            _: UtcTime,
            _: UtcTime,
            _: UtcTime,
            limit: usize,
        ) -> Result<Vec<UnusedDevice>, RegistryError> {
            assert!(limit >= 10_000, "{limit}");
            let numbered = |number| {
                let unused = device(100);
                let device = Device { id: DeviceId(Uuid::from_u128(number)), ..unused.device };
                UnusedDevice { device, ..unused }
            };
            Ok((1..=5).map(numbered).collect())
        }

        async fn disable_unused(&self, id: DeviceId, _: UtcTime, _: UtcTime) -> Result<bool, RegistryError> {
            if id.0.as_u128() <= self.fails { Err(self.error.clone()) } else { Ok(id.0.as_u128() != 5) }
        }

        async fn delete_unused(&self, _: DeviceId, _: UtcTime) -> Result<bool, RegistryError> {
            Ok(false)
        }

        async fn claim_sweep(&self, _: Uuid, _: UtcTime, _: UtcTime) -> Result<bool, RegistryError> {
            Ok(true)
        }

        async fn disabled_since(&self, since: UtcTime) -> Result<usize, RegistryError> {
            Ok(if since == NOW.minus(days(1)) { 2 } else { 9 })
        }
    }

    const OPTIONS: SweepOptions =
        SweepOptions { inactivity_days: 90, grace_days: 30, most: 1, since: None, apply: true };

    /// Those that always fail, and those that are used again, take nobody's place.
    #[tokio::test]
    async fn only_what_is_done_counts() {
        let done = |steps: &[SweepStep]| steps.iter().filter(|step| step.outcome == SweepOutcome::Done).count();
        // Whichever the run begins with.
        for second in 0..5 {
            let now = NOW.plus(Duration::from_secs(second));
            let steps = sweep(&Five::failing(3), OPTIONS, now).await.unwrap();
            assert_eq!(done(&steps), 1, "{steps:?}");
            let steps = sweep(&Five::failing(0), SweepOptions { most: 2, ..OPTIONS }, now).await.unwrap();
            assert_eq!(done(&steps), 2, "{steps:?}");
        }
        // A registry that does not answer is not asked for each of them.
        let gone = Five { fails: 5, error: RegistryError::Unavailable { reason: String::from("gone") } };
        assert_eq!(sweep(&gone, OPTIONS, NOW).await.unwrap().len(), 3);
        assert_eq!(sweep(&Five::failing(5), OPTIONS, NOW).await.unwrap().len(), 5);
    }

    #[test]
    fn failures_end_a_run_too() {
        let failed = |error: &RegistryError| {
            let mut run = Run { left: 1, ..Run::default() };
            while !run.is_over() {
                run.steps_by(&SweepOutcome::Failed(error.clone()));
            }
            run.failed
        };
        assert_eq!(failed(&RegistryError::Refused { reason: String::new() }), 1000);
        assert_eq!(failed(&RegistryError::Unavailable { reason: String::new() }), 3);
    }

    #[tokio::test]
    async fn a_run_has_a_cap_and_periods_have_a_least() {
        let five = Five::failing(0);
        let options = SweepOptions { most: 3, apply: false, ..OPTIONS };
        let steps = sweep(&five, options, NOW).await.unwrap();
        assert_eq!(steps.len(), 3);
        assert!(steps.iter().all(|step| step.outcome == SweepOutcome::Planned));
        for (since, left) in [(days(1), 1), (days(2), 0)] {
            let options = SweepOptions { since: Some(NOW.minus(since)), ..options };
            assert_eq!(sweep(&five, options, NOW).await.unwrap().len(), left, "others have disabled some");
        }
        for inactivity_days in 1..15 {
            let refused = sweep(&five, SweepOptions { inactivity_days, ..options }, NOW).await;
            assert!(matches!(refused, Err(SweepError::TooSoon(_))), "{inactivity_days}");
        }
        assert!(sweep(&five, SweepOptions { inactivity_days: 0, ..options }, NOW).await.unwrap().is_empty());
        assert!(sweep(&five, SweepOptions { inactivity_days: 15, ..options }, NOW).await.is_ok());
    }
}
