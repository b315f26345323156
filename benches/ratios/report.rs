//! The lines, and whether all floors hold.

use std::process::ExitCode;

/// What was measured so far.
#[derive(Default)]
pub(crate) struct Report {
    missed: Vec<String>,
}

impl Report {
    /// A ratio and the least it may be.
    pub(crate) fn ratio(&mut self, name: &str, value: f64, floor: f64) {
        println!("RATIO {name} {value:.3} floor {floor:.2}");
        // A figure that is no number holds nothing.
        if value.is_nan() || value < floor {
            self.missed.push(format!("{name} {value:.3} < {floor:.2}"));
        }
    }

    /// A cost and the most it may be, as a ratio: 1 and more is within the bound.
    pub(crate) fn within(&mut self, name: &str, measured: f64, bound: f64) {
        self.ratio(name, bound / measured.max(bound / 1000.0), 1.0);
    }

    /// A figure that holds nothing but explains others; absolute values are those of the machine at this moment.
    pub(crate) fn note(name: &str, value: f64, unit: &str) {
        println!("      {name} {value:.1} {unit}");
    }

    pub(crate) fn end(self) -> ExitCode {
        if self.missed.is_empty() {
            return ExitCode::SUCCESS;
        }
        eprintln!("below the floor: {}", self.missed.join("; "));
        ExitCode::FAILURE
    }
}
