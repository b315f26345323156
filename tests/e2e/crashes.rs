//! The server is killed again and again while devices join and refresh tokens are rotated: no device that it confirmed is lost,
//! nothing that was used is taken again, and nothing is left behind that nobody would find.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::drs_client::{DeviceKeys, by_user, ldap_modify, user};
use crate::drs_sign_in;
use crate::support::{BROKER, Browser, Device, KeepAlive, Lab, Node, NodeSetup, Response, variable};
use crate::throwaway::{Account, ldap};

#[test]
fn killed_under_way_it_keeps_what_it_confirmed_in_the_directory() {
    let (accounts, sids): (Vec<_>, Vec<_>) = (0..JOINING).map(|_| user("crash")).unzip();
    // Of any number of devices.
    let members: String = accounts.iter().map(|account| format!("member: {}\n", account.dn())).collect();
    let base = variable("LAB_BASE_DN");
    ldap_modify(&format!("dn: CN=Domain Admins,CN=Users,{base}\nchangetype: modify\nadd: member\n{members}"));
    let (node, confirmed) = killed_under_way(NodeSetup::new(), &accounts);
    let of_users: String = sids.iter().map(|sid| by_user(sid)).collect();
    let filter = format!("(&(objectClass=msDS-Device)(|{of_users}))");
    let found =
        ldap("ldapsearch").args(["-LLL", "-o", "ldif-wrap=no", "-b", &variable("LAB_BASE_DN"), &filter]).output();
    let found = String::from_utf8(found.expect("ldapsearch runs").stdout).expect("text");
    // One object, its attributes one a line, and an empty line.
    let kept: Vec<&str> = found.split("\n\n").filter(|object| object.starts_with("dn: CN=")).collect();
    let cn = |object: &str| object.lines().find_map(|line| line.strip_prefix("cn: ").map(str::to_owned));
    let mut objects: HashMap<String, &str> = kept.iter().map(|object| (cn(object).expect("a name"), *object)).collect();
    for joined in &confirmed {
        let object = objects.remove(&joined.id).unwrap_or_else(|| panic!("{} is lost", joined.id));
        assert!(object.contains(&joined.thumbprint) && is_whole(object), "{object}");
    }
    // What was under way at a kill may be there: whole, and its answer never sent; or begun, and marked for the sweep. And the device
    // that proves things used.
    let others: Vec<_> = objects.into_values().collect();
    assert!(others.len() <= CRASHES * JOINING + 1, "{} of {}", others.len(), kept.len());
    for object in others {
        let begun = object.contains("msDS-IsEnabled: FALSE") && object.contains("registration under way");
        assert!(is_whole(object) != begun, "{object}");
    }
    drop(node);
    let name = |object: &&str| object.lines().next().expect("a name").to_owned();
    let deleted: Vec<String> = kept.iter().map(|object| format!("{}\nchangetype: delete\n", name(object))).collect();
    ldap_modify(&deleted.join("\n"));
    accounts.iter().for_each(Account::delete);
}

fn is_whole(object: &str) -> bool {
    object.contains("msDS-IsEnabled: TRUE") && object.contains("msDS-KeyCredentialLink: ")
}

#[test]
fn killed_under_way_it_keeps_what_it_confirmed_in_a_database() {
    let accounts: Vec<Account> = (0..JOINING).map(|_| Account::new("crashsql").create()).collect();
    let setup = NodeSetup::new();
    let file = setup.directory.join("devices.db");
    let sql = format!(
        "[device_registration]\nenabled = true\nregistry = \"sql\"\nregistration_quota = 0\n\
         [device_registration.sqlite]\nfile = \"{}\"\n",
        file.display()
    );
    let setup = setup.replace("[device_registration]\nenabled = true", &sql);
    let (node, confirmed) = killed_under_way(setup, &accounts);
    let listed = node.command(&["devices", "list", "--json"]).output().expect("the program runs");
    let listed = String::from_utf8(listed.stdout).expect("text");
    let kept: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut rows: HashMap<&str, &Value> = kept.iter().map(|row| (row["id"].as_str().expect("an id"), row)).collect();
    for joined in &confirmed {
        let row = rows.remove(&*joined.id).unwrap_or_else(|| panic!("{} is lost", joined.id));
        assert_eq!((&row["certificates"], &row["keys"]), (&json!([joined.thumbprint]), &json!([2])), "{row}");
    }
    // What was under way at a kill may be there, its answer never sent, and the device that proves things used; none is half a device.
    assert!(rows.len() <= CRASHES * JOINING + 1, "{} of {}", rows.len(), kept.len());
    for row in rows.into_values() {
        let certificates = row["certificates"].as_array().map_or(0, Vec::len);
        assert_eq!((certificates, &row["keys"], &row["enabled"]), (1, &json!([2]), &json!(true)), "{row}");
    }
    accounts.iter().for_each(Account::delete);
}

/// Joins and rotations, and a kill whenever there are enough of both; the server that is left, and the devices it confirmed. Each
/// account joins for itself, since one may not join without end.
fn killed_under_way(setup: NodeSetup, accounts: &[Account]) -> (Node, Vec<Confirmed>) {
    let setup = setup.write("trusts/api.toml", API).write("trusts/client.toml", CLIENT);
    let setup = setup.replace("[sign_in]\n", "[oauth]\nrefresh_grace_seconds = 0\n\n[sign_in]\n");
    let first = setup.start();
    let address = first.address.clone();
    let browser = Browser::other().at(&address);
    let token_of =
        |account: &Account| drs_sign_in::by_password(&Browser::other().at(&address), &account.upn(), &account.password);
    let tokens: Vec<String> = accounts.iter().map(token_of).collect();
    let account = accounts.first().expect("an account");
    drs_sign_in::by_password(&browser, &account.upn(), &account.password);
    let proving = proving_device(&first, tokens.first().expect("a token"));
    // One key for all: what is made of it each time is a device of its own.
    let request = DeviceKeys::new().request(4, "Crash").to_string();
    let (confirmed, rotated) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    let done = AtomicBool::new(false);
    let mut node = Some(first);
    std::thread::scope(|scope| {
        for token in &tokens {
            scope.spawn(|| join_on(&address, token, &request, &confirmed, &done));
        }
        for _ in 0..ROTATING {
            scope.spawn(|| rotate(&address, account, &rotated, &done));
        }
        let _ended = Ended(&done);
        for crash in 1..=CRASHES {
            let old = node.as_ref().expect("a server");
            let used = Used::something(old, &browser, &proving, account);
            let (began, so_far) =
                (Instant::now(), || (confirmed.lock().unwrap().len(), rotated.load(Ordering::Relaxed)));
            while so_far().0 < crash * JOINS || so_far().1 < crash * ROTATIONS {
                assert!(began.elapsed() < PATIENCE, "no more devices and tokens than {:?}:\n{}", so_far(), old.log());
                std::thread::sleep(Duration::from_millis(5));
            }
            let next = restarted(node.take().expect("a server"), |setup| setup);
            used.is_used(&next, &browser);
            node = Some(next);
        }
    });
    let confirmed: Vec<Confirmed> =
        confirmed.into_inner().unwrap().iter().map(|answer| Confirmed::of(answer)).collect();
    (node.expect("a server"), confirmed)
}

/// Tells the others of a test that it is over, also when it failed.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection to the server that is at an address, for as long as it lives.
struct Line {
    connector: openssl::ssl::SslConnector,
    address: String,
    open: Option<KeepAlive>,
}

impl Line {
    fn to(address: &str) -> Self {
        Self { connector: KeepAlive::connector(), address: address.to_owned(), open: None }
    }

    /// The body of a good answer; `None` for another, and when the server did not live to give one.
    fn post(&mut self, path: &str, more: &[(&str, &str)], body: &str) -> Option<String> {
        if self.open.is_none() {
            self.open = KeepAlive::open_by(&self.connector, &self.address, 443).ok();
        }
        let answer = self.open.as_mut().and_then(|line| line.try_post(path, more, body));
        if answer.is_none() {
            self.open = None;
            std::thread::sleep(Duration::from_millis(20));
        }
        answer.and_then(|(status, body)| (status == 200).then_some(body))
    }
}

/// One join after the other, until told to stop.
fn join_on(address: &str, token: &str, request: &str, confirmed: &Mutex<Vec<String>>, done: &AtomicBool) {
    let mut line = Line::to(address);
    let authorization = format!("Bearer {token}");
    while !done.load(Ordering::Relaxed) {
        if let Some(answer) = line.post(JOIN, &[("Authorization", &authorization)], request) {
            confirmed.lock().unwrap().push(answer);
        }
    }
}

/// A device that the server said it had registered.
struct Confirmed {
    id: String,
    thumbprint: String,
}

impl Confirmed {
    fn of(answer: &str) -> Self {
        let answer: Value = serde_json::from_str(answer).expect("JSON");
        let text = |path: &str| answer.pointer(path).and_then(Value::as_str).expect("text").to_owned();
        let der = STANDARD.decode(text("/Certificate/RawBody")).expect("base64");
        let certificate = openssl::x509::X509::from_der(&der).expect("a certificate");
        let subject = certificate.subject_name().entries().next().expect("a name").data();
        let id = std::str::from_utf8(subject.as_slice()).expect("text").to_owned();
        Self { id, thumbprint: text("/Certificate/Thumbprint") }
    }
}

/// What may be used once, and was.
struct Used {
    code: String,
    /// A request that a device signed, with its nonce.
    signed: String,
    /// A refresh token; and the newest of a sign-in of which another one was used twice.
    refresh: [String; 2],
}

impl Used {
    fn something(node: &Node, browser: &Browser, device: &Device, account: &Account) -> Self {
        let code = drs_sign_in::code(browser);
        assert_eq!(drs_sign_in::redeem(browser, &code).status, 200);
        let nonce: Value = serde_json::from_str(&token(node, "grant_type=srv_challenge").body).expect("JSON");
        let signed = device.sign(&json!({
            "client_id": BROKER, "scope": "openid aza", "request_nonce": nonce["Nonce"], "grant_type": "password",
            "username": account.upn(), "password": account.password,
        }));
        let answer = token(node, &signed_request(&signed));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let rotated = || {
            let old = refresh_token(&token(node, &by_password(account)).body).expect("a refresh token");
            let next = refresh_token(&token(node, &by_refresh_token(&old)).body).expect("a refresh token");
            (old, next)
        };
        let (old, _) = rotated();
        let (copied, ended) = rotated();
        assert_eq!(token(node, &by_refresh_token(&copied)).status, 400);
        Self { code, signed, refresh: [old, ended] }
    }

    /// None of it is taken; and what ended stays ended.
    fn is_used(&self, node: &Node, browser: &Browser) {
        let refused = |answer: Response| {
            let body: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{}", answer.body));
            assert_eq!((answer.status, &body["error"]), (400, &json!("invalid_grant")), "{body}");
        };
        refused(drs_sign_in::redeem(browser, &self.code));
        refused(token(node, &signed_request(&self.signed)));
        for token in &self.refresh {
            refused(self::token(node, &by_refresh_token(token)));
        }
    }
}

/// One chain of refresh tokens after the other, until told to stop: one whose answer got lost is at its end.
fn rotate(address: &str, account: &Account, rotated: &AtomicUsize, done: &AtomicBool) {
    let mut line = Line::to(address);
    let mut chain: Option<String> = None;
    while !done.load(Ordering::Relaxed) {
        let form = chain.as_deref().map_or_else(|| by_password(account), by_refresh_token);
        let next = line.post("/adfs/oauth2/token", &[], &form).as_deref().and_then(refresh_token);
        if chain.is_some() && next.is_some() {
            rotated.fetch_add(1, Ordering::Relaxed);
        }
        chain = next;
    }
}

/// A device of the account's own, by this server.
pub fn proving_device(node: &Node, token: &str) -> Device {
    Device::certified(|_, key| {
        let request = json!({
            "CertificateRequest": {"Type": "pkcs10", "Data": STANDARD.encode(Device::request_for(key))},
            "TransportKey": STANDARD.encode(crate::support::blob(key)),
            "TargetDomain": Lab::get().domain, "DeviceType": "Windows", "OSVersion": "10.0.26100.0",
            "DeviceDisplayName": "Proving", "JoinType": 4,
        });
        let answer = try_to_join(&node.address, token, &request.to_string()).expect("an answer");
        let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
        let certificate = answer.pointer("/Certificate/RawBody").and_then(Value::as_str).expect("a certificate");
        STANDARD.decode(certificate).expect("base64")
    })
}

/// One join, which may not succeed: `None` when no good answer came.
pub fn try_to_join(address: &str, token: &str, request: &str) -> Option<Response> {
    let body = Line::to(address).post(JOIN, &[("Authorization", &format!("Bearer {token}"))], request)?;
    Some(Response { status: 200, headers: Vec::new(), body, correlation: String::new() })
}

/// An answer of the token endpoint, good or bad.
pub fn token(node: &Node, form: &str) -> Response {
    node.curl("/adfs/oauth2/token").header("Content-Type", "application/x-www-form-urlencoded").post(form).send()
}

pub fn signed_request(text: &str) -> String {
    format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&request={text}")
}

fn by_password(account: &Account) -> String {
    let (name, password) = (account.upn(), &account.password);
    format!("grant_type=password&client_id=crash&resource=urn%3Ae2e%3Acrash&username={name}&password={password}")
}

fn by_refresh_token(token: &str) -> String {
    format!("grant_type=refresh_token&client_id=crash&refresh_token={token}")
}

fn refresh_token(answer: &str) -> Option<String> {
    let body: Value = serde_json::from_str(answer).ok()?;
    body["refresh_token"].as_str().map(str::to_owned)
}

/// The server of the same address and keys, after it was killed, with a changed configuration.
pub fn restarted(node: Node, change: impl FnOnce(NodeSetup) -> NodeSetup) -> Node {
    let octet = node.address.rsplit('.').next().and_then(|octet| octet.parse().ok()).expect("an address");
    node.signal("KILL");
    drop(node);
    change(NodeSetup::at(octet)).start()
}

const API: &str = "[relying_party]\nname = \"Crash\"\nidentifiers = [\"urn:e2e:crash\"]\ntoken_type = \"jwt\"\n\
    access_control_policy = \"permit-everyone\"\n";
const CLIENT: &str = "[client]\nid = \"crash\"\nname = \"Crash\"\nkind = \"native\"\ngrants = [\"password\", \"refresh_token\"]\n\
    resources = [\"urn:e2e:crash\"]\n";
const JOIN: &str = "/EnrollmentServer/device?api-version=1.0";
/// Accounts that join at the same time, and chains of refresh tokens.
const JOINING: usize = 4;
const ROTATING: usize = 2;
const CRASHES: usize = 5;
/// Of both kinds before each kill: 500 in each of both tests.
const JOINS: usize = 100;
const ROTATIONS: usize = 100;
/// Of a machine that has other things to do.
const PATIENCE: Duration = Duration::from_mins(2);
