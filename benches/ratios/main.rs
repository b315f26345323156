//! The product's speed against the physical limit: one RSA signature.
//!
//! Every figure is a ratio of two CPU times measured in the same run, candidates taking turns, so that it says the same on a
//! busy machine and on an idle one. One line each, `RATIO <name> <value> floor <floor>`; the exit status says whether all
//! hold. `benches/run` starts the test domain first; without it the figures that need a real ticket are left out by
//! `--in-process`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::disallowed_methods, clippy::cast_precision_loss, clippy::print_stdout)]

mod browser;
mod client;
mod device_farm;
mod devices;
mod in_process;
mod measure;
mod report;
mod server;
mod sessions;
mod trusts;
mod whole;
mod world;

use report::Report;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let mut report = Report::default();
    if let [option, name] = arguments.as_slice()
        && option == "--profile"
    {
        match name.as_str() {
            "parse" => trusts::profile_parsing(),
            "join" => devices::profile_joins(),
            "refresh" => devices::profile_refreshes(),
            "session" => sessions::profile(),
            _ => in_process::figures(&mut report, Some(name)),
        }
        return report.end();
    }
    // Parts by name; all of them without one.
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == part);
    if wanted("--in-process") {
        in_process::figures(&mut report, None);
        trusts::figures(&mut report);
    }
    if wanted("--whole") {
        whole::figures(&mut report);
    }
    if wanted("--browser") {
        sessions::figures(&mut report);
        browser::figures(&mut report);
    }
    if wanted("--devices") {
        devices::figures(&mut report);
    }
    report.end()
}
