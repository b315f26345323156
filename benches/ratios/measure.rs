//! CPU time of the measuring thread, candidates taking turns.
//!
//! What another process does on the machine costs no CPU time of this thread, and what it does to caches and clock rates hits
//! all candidates of a round alike; the median over the rounds drops what hit one of them alone.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// One thing to be measured.
pub(crate) struct Candidate<'a> {
    pub(crate) name: &'static str,
    work: Box<dyn FnMut() + 'a>,
    times: u32,
}

impl<'a> Candidate<'a> {
    /// As often in each round as fits [`SLICE`].
    pub(crate) fn new(name: &'static str, work: impl FnMut() + 'a) -> Self {
        Self { name, work: Box::new(work), times: 0 }
    }

    /// So often in each round: for work that uses something up.
    pub(crate) fn times(name: &'static str, times: u32, work: impl FnMut() + 'a) -> Self {
        Self { name, work: Box::new(work), times }
    }

    /// Does the work so often, unmeasured.
    pub(crate) fn repeat(&mut self, times: usize) {
        (0..times).for_each(|_| (self.work)());
    }

    /// CPU time of one piece of work, in nanoseconds.
    pub(crate) fn run(&mut self) -> f64 {
        let before = thread_time();
        for _ in 0..self.times {
            (self.work)();
        }
        thread_time().saturating_sub(before).as_nanos() as f64 / f64::from(self.times)
    }

    fn calibrate(&mut self) {
        if self.times > 0 {
            return;
        }
        self.times = 1;
        loop {
            let taken = self.run() * f64::from(self.times);
            if taken > SLICE.as_nanos() as f64 / 4.0 {
                let times = f64::from(self.times) * SLICE.as_nanos() as f64 / taken;
                self.times = format!("{times:.0}").parse().unwrap_or(1).max(1);
                return;
            }
            self.times *= 2;
        }
    }
}

/// Nanoseconds of each candidate in each round.
pub(crate) struct Rounds(Vec<(&'static str, Vec<f64>)>);

/// Lets the candidates take turns; the first one of a round changes from round to round.
pub(crate) fn interleave(mut candidates: Vec<Candidate<'_>>, rounds: usize) -> Rounds {
    candidates.iter_mut().for_each(Candidate::calibrate);
    let mut times: Vec<_> = candidates.iter().map(|candidate| (candidate.name, Vec::new())).collect();
    for round in 0..rounds {
        for turn in 0..candidates.len() {
            let index = (round + turn) % candidates.len();
            times[index].1.push(candidates[index].run());
        }
    }
    Rounds(times)
}

impl Rounds {
    /// Median time of a candidate, in microseconds.
    pub(crate) fn microseconds(&self, name: &str) -> f64 {
        median(self.of(name).to_vec()) / 1000.0
    }

    /// Median over the rounds of `reference` / `name`: 1 when they cost the same, less when `name` costs more.
    pub(crate) fn ratio(&self, reference: &str, name: &str) -> f64 {
        median(self.of(reference).iter().zip(self.of(name)).map(|(reference, time)| reference / time).collect())
    }

    fn of(&self, name: &str) -> &[f64] {
        &self.0.iter().find(|(known, _)| *known == name).expect("a candidate of this run").1
    }
}

/// The middle of these values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Time of one candidate in one round: long against the clock's resolution, short against changes of the machine's load.
const SLICE: Duration = Duration::from_millis(40);
