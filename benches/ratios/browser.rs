//! A browser over TLS: signing in again by its session cookie, what pages cost, and that neither they nor the start notice how many
//! trusts the farm has. All counted by the CPU time of a server process.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::client::{Connection, Response};
use crate::in_process::bare_signature;
use crate::measure::{Candidate, interleave, median};
use crate::report::Report;
use crate::server::Server;
use crate::whole::Computer;
use crate::world::SERVICE;

/// Measures and reports.
pub(crate) fn figures(report: &mut Report) {
    let configuration = PathBuf::from(std::env::var_os("BENCH_CONFIG").expect("run by benches/run"));
    let address = std::env::var("BENCH_ADDRESS").expect("run by benches/run");
    {
        let server = Server::start(&configuration, &address);
        let mut browser = Browser::sign_in(&server);
        browser.repeat(&server, Visit::Session, 400);
        let mut ratios = Vec::new();
        for _ in 0..ROUNDS {
            let bare = interleave(vec![Candidate::new("bare", bare_signature())], 1).microseconds("bare");
            ratios.push(bare / browser.repeat(&server, Visit::Session, REQUESTS));
        }
        Report::note("passive_sign_in_over_tls", median(ratios), "of a signature's rate");
        let page = (0..ROUNDS).map(|_| browser.repeat(&server, Visit::SignInPage, REQUESTS)).collect();
        let page = median(page);
        Report::note("sign_in_page", page, "us");
        report.within("sign_in_page", page, 300.0);
    }

    let many = with_many_trusts(&configuration);
    drop(Server::start(&many, &address));
    let starts = (0..3).map(|_| Server::start(&many, &address).ready_after.as_secs_f64() * 1000.0).collect();
    let start = median(starts);
    Report::note("start_with_11000_trusts", start, "ms");
    report.within("start_with_11000_trusts", start, 1000.0);
    let server = Server::start(&many, &address);
    let mut browser = Browser::sign_in(&server);
    browser.repeat(&server, Visit::HomeRealmPage, 400);
    let page = median((0..ROUNDS).map(|_| browser.repeat(&server, Visit::HomeRealmPage, REQUESTS / 4)).collect());
    Report::note("home_realm_page_of_1000_providers", page, "us");
    report.within("home_realm_page_of_1000_providers", page, 300.0);
}

/// What the browser asks for.
#[derive(Clone, Copy)]
enum Visit {
    /// A token, by the session it has.
    Session,
    /// The page to sign in on, without a session.
    SignInPage,
    /// The page to choose an organisation on, without a session.
    HomeRealmPage,
}

/// A browser that signed in once.
struct Browser {
    connection: Connection,
    cookies: String,
}

impl Browser {
    /// Signs in by Kerberos and keeps the cookies of the session.
    fn sign_in(server: &Server) -> Self {
        let mut connection = Connection::open(server.https(), SERVICE);
        let token = Computer::new(server).tokens(1).pop().expect("one token");
        let authorization = format!("Authorization: Negotiate {}\r\n", STANDARD.encode(token));
        let answer = connection.get(&format!("/adfs/ls/wia?{REQUEST}"), &authorization);
        assert!(answer.has("wresult"), "{}", answer.text());
        let cookies = answer.cookies().into_iter().filter(|cookie| cookie.starts_with("MSISAuth")).collect::<Vec<_>>();
        Self { connection, cookies: cookies.join("; ") }
    }

    /// CPU time of the server for one of so many visits, in microseconds.
    fn repeat(&mut self, server: &Server, visit: Visit, count: usize) -> f64 {
        let before = server.cpu();
        for _ in 0..count {
            let answer = self.visit(visit);
            assert!(answer.has(visit.shows()), "{}", answer.text());
        }
        server.cpu().saturating_sub(before).as_nanos() as f64 / 1000.0 / count as f64
    }

    fn visit(&mut self, visit: Visit) -> Response {
        let cookies = format!("Cookie: {}\r\n", self.cookies);
        match visit {
            Visit::Session => self.connection.get(&format!("/adfs/ls/?{REQUEST}"), &cookies),
            Visit::SignInPage => self.connection.get(&format!("/adfs/ls/?{REQUEST}&whr=AD%20AUTHORITY"), OUTSIDE),
            Visit::HomeRealmPage => self.connection.get(&format!("/adfs/ls/?{REQUEST}"), OUTSIDE),
        }
    }
}

impl Visit {
    /// Text by which its answer is known.
    const fn shows(self) -> &'static str {
        match self {
            Self::Session => "wresult",
            Self::SignInPage => "id=\"loginForm\"",
            Self::HomeRealmPage => "hrd",
        }
    }
}

/// The same configuration with 10,000 relying parties and 1,000 claims providers more.
pub(crate) fn with_many_trusts(configuration: &Path) -> PathBuf {
    let many = configuration.with_extension("many");
    let _ = fs::remove_dir_all(&many);
    fs::create_dir_all(many.join("trusts")).unwrap();
    for name in ["kek", "other-password"] {
        fs::copy(configuration.join(name), many.join(name)).unwrap();
    }
    let text = fs::read_to_string(configuration.join("chancery.toml")).unwrap();
    let text = text.replace(&configuration.display().to_string(), &many.display().to_string());
    fs::write(many.join("chancery.toml"), text).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let partner =
        rcgen::CertificateParams::new(vec![String::from("partner.example")]).unwrap().self_signed(&key).unwrap();
    fs::write(many.join("trusts/partner.pem"), partner.pem()).unwrap();
    for number in 0..10_000 {
        fs::write(many.join(format!("trusts/rp-{number}.toml")), relying_party(number)).unwrap();
    }
    for number in 0..1000 {
        fs::write(many.join(format!("trusts/cp-{number}.toml")), claims_provider(number)).unwrap();
    }
    many
}

fn relying_party(number: usize) -> String {
    let mut text = format!(
        "[relying_party]\nname = 'Application {number}'\nidentifiers = ['https://app{number}.example/']\n\
         access_control_policy = 'permit-everyone'\ntransform_rules = '''\n"
    );
    for (name, claim_type) in [("UPN", "upn"), ("Name", "name"), ("Mail", "emailaddress")] {
        let _ = write!(
            text,
            "@RuleName = \"{name} {number}\"\nc:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/{claim_type}\"]\n \
             => issue(claim = c);\n"
        );
    }
    let _ = write!(text, "'''\n[relying_party.ws_federation]\nendpoint = 'https://app{number}.example/signin'\n");
    text
}

fn claims_provider(number: usize) -> String {
    format!(
        "[claims_provider]\nname = 'Partner {number}'\nidentifier = 'urn:partner:{number}'\nprotocol = 'ws_federation'\n\
         sign_in_url = 'https://idp{number}.example/'\nsigning_certificates = ['partner.pem']\n\
         account_suffixes = ['partner{number}.example']\n\
         acceptance_rules = '''c:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"] => issue(claim = c);'''\n"
    )
}

const REQUEST: &str = "wa=wsignin1.0&wtrealm=urn:federation:MicrosoftOnline";
/// A browser that does not sign in by Windows.
const OUTSIDE: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\r\nAccept-Language: en\r\n";
const ROUNDS: usize = 9;
const REQUESTS: usize = 800;
