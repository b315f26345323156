//! Whole requests: a computer's fresh ticket over kept TLS connections to a server process, counted by that process' CPU
//! time; and what the process holds and how fast it is there.
//!
//! The client side of Kerberos costs more than the server side, so tokens are made before the clock runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chancery::clock::SystemClock;
use chancery::kerberos::bindings::tls_server_end_point;
use chancery::kerberos::initiator::TokenOptions;
use chancery::kerberos::replay::{ReplayGuard, ReplayOptions};
use chancery::kerberos::{
    Acceptor, AcceptorOptions, BindingPolicy, ChannelBindings, Initiator, LoginName, TrustedDomain, TrustedDomains,
};

use crate::client::Connection;
use crate::in_process::{bare_signature, rst};
use crate::measure::{Candidate, interleave, median};
use crate::report::Report;
use crate::server::Server;
use crate::world::SERVICE;

/// Measures and reports.
pub(crate) fn figures(report: &mut Report) {
    let configuration = PathBuf::from(std::env::var_os("BENCH_CONFIG").expect("run by benches/run"));
    let address = std::env::var("BENCH_ADDRESS").expect("run by benches/run");
    // The first start makes the keys.
    drop(Server::start(&configuration, &address));
    let starts = (0..5).map(|_| Server::start(&configuration, &address).ready_after.as_secs_f64() * 1000.0).collect();
    report.within("start_to_ready", median(starts), 300.0);
    let server = Server::start(&configuration, &address);
    std::thread::sleep(Duration::from_millis(500));
    Report::note("idle_resident", server.resident() / MEBIBYTE, "MiB");
    report.within("idle_resident", server.resident(), 60e6);

    let computer = Computer::new(&server);
    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| Connection::open(server.https(), SERVICE)).collect();
    let mut load = |requests: usize| {
        let tokens = computer.tokens(requests);
        let before = server.cpu();
        send(&mut connections, &tokens);
        server.cpu().saturating_sub(before).as_nanos() as f64 / requests as f64
    };
    load(2000);

    let acceptor = computer.acceptor();
    let bindings = ChannelBindings::new(BindingPolicy::Allow, &[&computer.certificate]).unwrap();
    let mut rounds = Vec::new();
    let (mut bare_times, mut accept_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut tokens = computer.tokens(ACCEPTS).into_iter();
        let accept = || drop(acceptor.accept(&tokens.next().unwrap(), &bindings).unwrap());
        let candidates =
            vec![Candidate::new("bare", bare_signature()), Candidate::times("accept", accept_count(), accept)];
        let local = interleave(candidates, 1);
        let whole = load(REQUESTS) / 1000.0;
        let (bare, accept) = (local.microseconds("bare"), local.microseconds("accept"));
        rounds.push((bare + accept) / whole);
        bare_times.push(bare);
        accept_times.push(accept);
    }
    Report::note("kerberos_accept", median(accept_times.clone()), "us");
    let share = accept_times.iter().zip(&bare_times).map(|(accept, bare)| accept / bare).collect();
    report.within("kerberos_accept", median(share), 0.40);
    report.ratio("windowstransport_over_tls", median(rounds), 0.80);

    let requests = std::env::var("BENCH_REQUESTS").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let before = server.resident();
    for _ in 0..requests / CHUNK {
        load(CHUNK);
    }
    let growth = server.resident() - before;
    // The replay guard remembers each of these for ten minutes, by design and within its bound.
    let remembered = requests as f64 * OCTETS_REMEMBERED;
    Report::note("resident_growth", growth / MEBIBYTE, "MiB");
    Report::note("of_which_used_authenticators", remembered / MEBIBYTE, "MiB");
    report.within("heap_growth", growth - remembered, 4.0 * MEBIBYTE);
}

/// The tokens in turn over all connections, which are driven at the same time.
fn send(connections: &mut [Connection], tokens: &[Vec<u8>]) {
    let body = rst();
    let share = tokens.len().div_ceil(connections.len());
    std::thread::scope(|scope| {
        for (connection, tokens) in connections.iter_mut().zip(tokens.chunks(share)) {
            let body = &body;
            scope.spawn(move || tokens.iter().for_each(|token| connection.request_token(token, body)));
        }
    });
}

/// WS01$ of the test domain.
pub(crate) struct Computer {
    ticket: Initiator,
    realm: String,
    certificate: Vec<u8>,
    keytabs: PathBuf,
}

impl Computer {
    pub(crate) fn new(server: &Server) -> Self {
        let realm = std::env::var("LAB_REALM").expect("run in the lab: benches/run");
        let keytabs = PathBuf::from(std::env::var_os("LAB_KEYTABS").expect("run in the lab: benches/run"));
        let name = LoginName::Account { user: String::from("WS01$"), realm: realm.clone() };
        let ticket = Initiator::with_keytab(&name, &keytabs.join("ws01.keytab")).unwrap();
        let certificate = Connection::open(server.https(), SERVICE).server_certificate();
        Self { ticket, realm, certificate, keytabs }
    }

    /// Fresh tokens as Windows makes them: SPNEGO, mutual, bound to the TLS connection.
    pub(crate) fn tokens(&self, count: usize) -> Vec<Vec<u8>> {
        let service = format!("HTTP/{SERVICE}@{}", self.realm);
        let bindings = tls_server_end_point(&self.certificate).ok();
        let options = TokenOptions { spnego: true, mutual: true, bindings };
        (0..count).map(|_| self.ticket.begin(&service, &options).unwrap().0).collect()
    }

    /// The acceptor of the server, in this process.
    fn acceptor(&self) -> Acceptor {
        let clock = Arc::new(SystemClock::new());
        let domain = TrustedDomain {
            realm: self.realm.clone(),
            sid: std::env::var("LAB_SID").unwrap_or_else(|_| SID.to_owned()).parse().unwrap(),
            netbios: self.realm.split('.').next().unwrap_or_default().to_owned(),
            upn_suffixes: vec![self.realm.to_lowercase()],
            forest: None,
        };
        Acceptor::new(AcceptorOptions {
            keytab: self.keytabs.join("sts-all.keytab"),
            hosts: vec![SERVICE.to_owned()],
            domains: Arc::new(TrustedDomains::new([domain]).unwrap()),
            replay: Some(Arc::new(ReplayGuard::new(ReplayOptions::default(), clock.clone()))),
            clock,
        })
        .unwrap()
    }
}

fn accept_count() -> u32 {
    u32::try_from(ACCEPTS).unwrap()
}

const CONNECTIONS: usize = 8;
const ROUNDS: usize = 11;
const REQUESTS: usize = 800;
const ACCEPTS: usize = 400;
const CHUNK: usize = 2000;
const MEBIBYTE: f64 = 1_048_576.0;
/// Of one used authenticator: a set of 16-octet keys and a queue of the same with their time, each grown by doubling.
const OCTETS_REMEMBERED: f64 = 100.0;
const SID: &str = "S-1-5-21-1004336348-1177238915-682003330";
