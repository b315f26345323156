//! A browser that comes back with its session: what its next token costs, and that it does not notice how many trusts the farm has.
//! In the process, by the CPU time of the thread that answers; over TLS the same is in `browser`.

use std::fs;
use std::path::{Path, PathBuf};

use chancery::protocols::http::Call;

use crate::browser::with_many_trusts;
use crate::device_farm::{DeviceKey, Farm, cookies_of, passive_request};
use crate::in_process::bare_signature;
use crate::measure::{Candidate, interleave};
use crate::report::Report;

/// Measures and reports.
pub(crate) fn figures(report: &mut Report) {
    let configuration = PathBuf::from(std::env::var_os("BENCH_CONFIG").expect("run by benches/run"));
    let (few, many) = (Browser::new(&configuration), Browser::new(&with_many_trusts(&configuration)));
    let candidates = vec![
        Candidate::new("bare", bare_signature()),
        Candidate::new("few", || few.comes_back()),
        Candidate::new("many", || many.comes_back()),
    ];
    let rounds = interleave(candidates, ROUNDS);
    Report::note("passive_sign_in_by_session", rounds.microseconds("few"), "us");
    report.ratio("passive_sign_in_by_session", rounds.ratio("bare", "few"), 0.80);
    report.ratio("passive_sign_in_among_11000_trusts", rounds.ratio("few", "many"), 0.97);
}

/// Repeats the browser's request, for a profiler to look at.
pub(crate) fn profile() {
    let configuration = PathBuf::from(std::env::var_os("BENCH_CONFIG").expect("run by benches/run"));
    let browser = Browser::new(&configuration);
    let alone = Candidate::times("alone", PROFILED, || browser.comes_back());
    Report::note("passive_sign_in_by_session", interleave(vec![alone], 1).microseconds("alone"), "us");
}

/// A browser that was signed in by its device, and the farm that it comes to.
struct Browser {
    farm: Farm,
    request: Call,
    /// Octets of the page that carries the token.
    length: usize,
}

impl Browser {
    fn new(configuration: &Path) -> Self {
        let devices = configuration.join("sessions.db");
        let _ = fs::remove_file(&devices);
        let farm = Farm::new(configuration, &devices);
        let prt = farm.prt(&farm.joined(0, DeviceKey::new()));
        let credential = farm.credential(&prt);
        let signed_in = farm.passive(&passive_request(&[("x-ms-refreshtokencredential", &credential)]));
        let request = passive_request(&[("cookie", &cookies_of(&signed_in))]);
        let page = farm.passive(&request);
        let text = String::from_utf8_lossy(&page.body);
        assert!(text.contains("wresult"), "{text}");
        Self { farm, request, length: page.body.len() }
    }

    /// The page must be as long as the one that was looked into: looking into each would be measured, too.
    fn comes_back(&self) {
        let answer = self.farm.passive(&self.request);
        assert!(answer.body.len().abs_diff(self.length) < 64, "{}", String::from_utf8_lossy(&answer.body));
    }
}

const ROUNDS: usize = 15;
const PROFILED: u32 = 3000;
