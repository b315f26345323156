//! One program for all targets: `FUZZ_TARGET` names the one to run. Linking ten programs of this size would take longer
//! than they save.
#![no_main]

use std::sync::LazyLock;

use chancery_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    TARGETS.iter().find(|(known, _)| *known == name).expect("FUZZ_TARGET names no target").1
});

fuzz_target!(|input: &[u8]| TARGET(input));
