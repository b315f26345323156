//! Whether an account exists is not to be learnt: not from the answer's octets, and not from its time.

use std::sync::Mutex;
use std::time::Duration;

use crate::fault::{USERNAME, message};
use crate::support::Lab;
use crate::throwaway::{Account, create_all};
use crate::wire::{Reply, Route};

/// Every pair is an account of its own name, or one of few uses, and a source of few attempts, so that neither lockout nor
/// the budget of a source answers in the domain's place.
#[test]
fn an_unknown_account_is_a_wrong_password_in_octets_and_in_time() {
    let difference = measure(200);
    if difference >= TOLERANCE {
        // A busy machine is no finding: a larger sample decides.
        let again = measure(400);
        assert!(again < TOLERANCE, "the medians differ by {:.1} %, then by {:.1} %", difference * 100.0, again * 100.0);
    }
}

/// Sends so many interleaved pairs; the difference of the medians, as a part of the larger one.
fn measure(pairs: usize) -> f64 {
    let accounts: Vec<Account> = (0..pairs.div_ceil(USES)).map(|n| Account::new(&format!("e{n}"))).collect();
    create_all(&accounts);
    let domain = Lab::get().realm.to_lowercase();
    let reference = Mutex::new(None);
    let times = Mutex::new((Vec::new(), Vec::new()));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (accounts, domain, reference, times) = (&accounts, &domain, &reference, &times);
            scope.spawn(move || {
                for pair in (thread..pairs).step_by(THREADS) {
                    let account = &accounts[pair / USES];
                    let nobody = format!("{}-nobody@{domain}", account.name);
                    let source = u8::try_from(FIRST_SOURCE + pair % SOURCES).expect("an address");
                    let mut order = [(account.upn(), true), (nobody, false)];
                    // Neither kind always goes first.
                    if (pair / THREADS) % 2 == 1 {
                        order.reverse();
                    }
                    for (name, exists) in order {
                        let reply = attempt(source, &name);
                        let octets = reply.without_ids_and_times();
                        assert_eq!(reference.lock().expect("no panic").get_or_insert_with(|| octets.clone()), &octets);
                        let mut times = times.lock().expect("no panic");
                        if exists { times.0.push(reply.took) } else { times.1.push(reply.took) }
                    }
                }
            });
        }
    });
    // The pairs did mean what they say.
    for account in accounts.iter().step_by(20) {
        assert!(account.bad_passwords() > 0, "{} was not asked for", account.name);
    }
    let (known, unknown) = times.into_inner().expect("no panic");
    let (known, unknown) = (median(known), median(unknown));
    eprintln!("{pairs} pairs: wrong password {known:?}, unknown account {unknown:?}");
    known.abs_diff(unknown).as_secs_f64() / known.max(unknown).as_secs_f64()
}

fn attempt(source: u8, name: &str) -> Reply {
    let mut wire = Route::inside().from(source).open();
    let reply = wire.request("POST", USERNAME, &[], message(name, "Wrong").as_bytes());
    assert_eq!(reply.status, 500, "{}", reply.body);
    reply
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Side by side, as many people sign in at once; it disturbs both kinds alike.
const THREADS: usize = 4;
const TOLERANCE: f64 = 0.05;
/// Wrong passwords for one account: below the threshold of 4.
const USES: usize = 3;
const FIRST_SOURCE: usize = 210;
const SOURCES: usize = 40;
