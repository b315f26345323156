//! Registered devices: what joining, asking for a primary refresh token, exchanging it and refreshing a client's token cost beside
//! the RSA operations they cannot do without; and that a registry of a million devices costs a request no more than one of ten.
//!
//! Counted is the CPU time of all threads of this process, the database's among them; the wait for a commit is none.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use rustix::time::{ClockId, clock_gettime};
use sqlx::ConnectOptions as _;

use crate::device_farm::{Device, DeviceKey, Farm, good, refresh, refresh_token_in};
use crate::in_process::bare_signature;
use crate::measure::{Candidate, interleave, median};
use crate::report::Report;

/// Measures and reports.
pub(crate) fn figures(report: &mut Report) {
    let (configuration, scratch) = places();
    tokens(report, &configuration, &scratch);
    registries(report, &configuration, &scratch);
    let _ = fs::remove_dir_all(&scratch);
}

/// The configuration, and an empty directory for databases.
fn places() -> (PathBuf, PathBuf) {
    let configuration = PathBuf::from(std::env::var_os("BENCH_CONFIG").expect("run by benches/run"));
    let scratch = configuration.join("devices");
    let _ = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch).unwrap();
    (configuration, scratch)
}

/// Repeats joins, for a profiler to look at.
pub(crate) fn profile_joins() {
    let (configuration, scratch) = places();
    let farm = Farm::new(&configuration, &scratch.join("joins.db"));
    let key = DeviceKey::new();
    let joins: Vec<_> = (0..PROFILED).map(|number| farm.join_request(number, &key)).collect();
    let join = cost(joins.len(), || farm.joins(&joins).iter().for_each(good));
    Report::note("join", join, "us");
}

/// Repeats refreshes, for a profiler to look at.
pub(crate) fn profile_refreshes() {
    let (configuration, scratch) = places();
    let farm = Farm::new(&configuration, &scratch.join("tokens.db"));
    let device = farm.joined(0, DeviceKey::new());
    let mut token = farm.refresh_token(&farm.prt(&device));
    let refreshed = cost(PROFILED as usize, || {
        for _ in 0..PROFILED {
            token = refresh_token_in(&farm.token(&refresh(&token)));
        }
    });
    Report::note("refresh", refreshed, "us");
}

/// Each kind of request beside the operations it needs.
fn tokens(report: &mut Report, configuration: &Path, scratch: &Path) {
    let farm = Farm::new(configuration, &scratch.join("tokens.db"));
    let key = DeviceKey::new();
    let device = farm.joined(0, key.clone());
    let prt = farm.prt(&device);
    let mut token = farm.refresh_token(&prt);
    let mut joined = 0;
    let mut ratios: [Vec<f64>; 4] = Default::default();
    let mut costs: [Vec<f64>; 4] = Default::default();
    for round in 0..=rounds() {
        let bare = Bare::measure();
        let joins: Vec<_> = (0..REQUESTS).map(|_| farm.join_request(next(&mut joined), &key)).collect();
        let join = cost(joins.len(), || farm.joins(&joins).iter().for_each(good));
        let requests: Vec<_> = (0..REQUESTS).map(|_| farm.prt_request(&device, &prt)).collect();
        let request = cost(requests.len(), || requests.iter().for_each(|call| good(&farm.token(call))));
        // Of another person each round: one person on one device may not ask so often.
        let of_another = farm.prt(&farm.joined(next(&mut joined), key.clone()));
        let exchanges: Vec<_> = (0..REQUESTS).map(|_| farm.exchange(&of_another)).collect();
        let exchange = cost(exchanges.len(), || exchanges.iter().for_each(|call| good(&farm.token(call))));
        let refreshed = cost(REQUESTS, || {
            for _ in 0..REQUESTS {
                token = refresh_token_in(&farm.token(&refresh(&token)));
            }
        });
        if round == 0 {
            // Caches fill, connections open, patterns are compiled.
            continue;
        }
        // A PRT: the device's signature and the one on its certificate are verified, a key is wrapped, an id token signed. An
        // exchange signs an access token and an id token.
        let bounds = [
            bare.authority,
            bare.signature + 2.0 * bare.verification + bare.wrapping,
            2.0 * bare.signature,
            bare.signature,
        ];
        for (index, (bound, cost)) in bounds.into_iter().zip([join, request, exchange, refreshed]).enumerate() {
            ratios[index].push(bound / cost);
            costs[index].push(cost);
        }
    }
    let figures = [("join", 0.60), ("prt_request", 0.70), ("prt_exchange", 0.70), ("refresh", 0.85)];
    for ((name, floor), (ratios, costs)) in figures.into_iter().zip(ratios.into_iter().zip(costs)) {
        Report::note(name, median(costs), "us");
        report.ratio(name, median(ratios), floor);
    }
}

/// The same requests at registries of different sizes, taking turns.
fn registries(report: &mut Report, configuration: &Path, scratch: &Path) {
    let key = DeviceKey::new();
    let farms: Vec<_> = SIZES
        .into_iter()
        .map(|size| {
            let file = scratch.join(format!("of-{size}.db"));
            let farm = Farm::new(configuration, &file);
            let _ = farm.joined(0, key.clone());
            farm.runtime.block_on(fill(&file, size));
            farm
        })
        .collect();
    let mut joined = 0;
    let mut costs: [[Vec<f64>; 2]; SIZES.len()] = Default::default();
    for round in 0..=rounds() {
        let numbers: Vec<_> = (0..REQUESTS).map(|_| next(&mut joined)).collect();
        for turn in 0..farms.len() {
            let index = (turn + round) % farms.len();
            let farm = &farms[index];
            let joins: Vec<_> = numbers.iter().map(|number| farm.join_request(*number, &key)).collect();
            let mut answers = Vec::new();
            let join = cost(joins.len(), || answers = farm.joins(&joins));
            let requests: Vec<_> = numbers
                .iter()
                .zip(&answers)
                .map(|(number, answer)| {
                    let device = Device::of(*number, key.clone(), answer);
                    farm.prt_request(&device, &farm.prt(&device))
                })
                .collect();
            // Each by a device whose certificate was not looked for before.
            let request = cost(requests.len(), || requests.iter().for_each(|call| good(&farm.token(call))));
            if round > 0 {
                costs[index][0].push(join);
                costs[index][1].push(request);
            }
        }
    }
    let costs = costs.map(|costs| costs.map(median));
    let [few, more @ ..] = costs;
    for (what, at) in [("join", 0), ("prt_request", 1)] {
        Report::note(&format!("{what}_among_{}", SIZES[0]), few[at], "us");
        for (size, costs) in SIZES[1..].iter().zip(&more) {
            Report::note(&format!("{what}_among_{size}"), costs[at], "us");
            report.within(&format!("{what}_among_{size}"), costs[at], 1.25 * few[at]);
        }
    }
}

/// So many devices more, of as many owners.
async fn fill(file: &Path, devices: u32) {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(file)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Off)
        .pragma("cache_size", "-500000")
        .busy_timeout(Duration::from_secs(30));
    let mut connection = options.connect().await.unwrap();
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
         INSERT INTO device (id, display_name, os_type, os_version, enabled, owner, trust_type, computer_sid, thumbprint,
             public_key, transport_key, last_used, registered, key_created)
         SELECT randomblob(16), 'PC' || i, 'Windows', '10.0.26100.0', 1, x'010500000000000515000000' || randomblob(16), 2, NULL,
             randomblob(20), randomblob(32), randomblob(283), $2, $2, $2 FROM n",
    )
    .bind(i64::from(devices))
    .bind(1_767_607_201_000_i64)
    .execute(&mut connection)
    .await
    .unwrap();
    sqlx::query("ANALYZE").execute(&mut connection).await.unwrap();
}

/// Microseconds of the operations that nothing can be done without, keys parsed once where they are this server's own.
struct Bare {
    signature: f64,
    authority: f64,
    verification: f64,
    wrapping: f64,
}

impl Bare {
    fn measure() -> Self {
        let (verify, wrap) = public_operations();
        let candidates = vec![
            Candidate::new("signature", bare_signature()),
            Candidate::new("authority", authority_signature()),
            Candidate::new("verification", verify),
            Candidate::new("wrapping", wrap),
        ];
        let rounds = interleave(candidates, 1);
        let [signature, authority, verification, wrapping] =
            ["signature", "authority", "verification", "wrapping"].map(|name| rounds.microseconds(name));
        Self { signature, authority, verification, wrapping }
    }
}

/// One signature as the device authority makes it, which has its keys in OpenSSL.
fn authority_signature() -> impl Fn() {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let message = [0x61; 700];
    move || {
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        black_box(signer.sign_oneshot_to_vec(black_box(&message)).unwrap());
    }
}

/// Verifying a signature by a key that comes with it, and wrapping a key of 32 octets.
fn public_operations() -> (impl Fn(), impl Fn()) {
    let key = Rsa::generate(2048).unwrap();
    let pair = RsaKeyPair::from_der(&key.private_key_to_der().unwrap()).unwrap();
    let message = [0x61; 1500];
    let mut signature = vec![0; 256];
    let random = aws_lc_rs::rand::SystemRandom::new();
    pair.sign(&aws_lc_rs::signature::RSA_PKCS1_SHA256, &random, &message, &mut signature).unwrap();
    let public = pair.public_key().as_ref().to_vec();
    let verify = move || {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, black_box(&public)).verify(&message, &signature).unwrap();
    };
    let spki = PKey::from_rsa(key).unwrap().public_key_to_der().unwrap();
    let encrypting = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&spki).unwrap()).unwrap();
    let wrap = move || {
        let mut room = [0; 256];
        black_box(encrypting.encrypt(&OAEP_SHA1_MGF1SHA1, &[7; 32], &mut room, None).unwrap());
    };
    (verify, wrap)
}

/// CPU time of this process for one of so many, in microseconds.
fn cost(count: usize, work: impl FnOnce()) -> f64 {
    let before = process_time();
    work();
    process_time().saturating_sub(before).as_nanos() as f64 / 1000.0 / count as f64
}

fn process_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn next(number: &mut u32) -> u32 {
    *number += 1;
    *number
}

/// `BENCH_ROUNDS` of both kinds.
fn rounds() -> usize {
    std::env::var("BENCH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS)
}

const SIZES: [u32; 3] = [10, 100_000, 1_000_000];
const ROUNDS: usize = 11;
const REQUESTS: usize = 200;
const PROFILED: u32 = 4000;
