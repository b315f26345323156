//! The server is killed again and again while devices join and refresh tokens are rotated: no device that it confirmed is lost,
//! nothing that was used is taken again, and nothing is left behind that nobody would find.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::drs_client::{DeviceKeys, by_user, ldap_modify, user};
use crate::drs_sign_in;
use crate::support::{BROKER, Browser, Device, Lab, Node, NodeSetup, Response, eventually, variable};
use crate::throwaway::{Account, ldap};

#[test]
fn killed_under_way_it_keeps_what_it_confirmed_in_the_directory() {
    let (account, sid) = user("crash");
    // Of any number of devices.
    ldap_modify(&format!(
        "dn: CN=Domain Admins,CN=Users,{}\nchangetype: modify\nadd: member\nmember: {}\n",
        variable("LAB_BASE_DN"),
        account.dn()
    ));
    let (node, confirmed) = killed_under_way(NodeSetup::new(), &account);
    let filter = format!("(&(objectClass=msDS-Device){})", by_user(&sid));
    let found =
        ldap("ldapsearch").args(["-LLL", "-o", "ldif-wrap=no", "-b", &variable("LAB_BASE_DN"), &filter]).output();
    let found = String::from_utf8(found.expect("ldapsearch runs").stdout).expect("text");
    // One object, its attributes one a line, and an empty line.
    let kept: Vec<&str> = found.split("\n\n").filter(|object| object.starts_with("dn: CN=")).collect();
    let object = |id: &str| kept.iter().find(|object| object.contains(&format!("\ncn: {id}\n")));
    for joined in &confirmed {
        let object = object(&joined.id).unwrap_or_else(|| panic!("{} is lost", joined.id));
        assert!(object.contains(&joined.thumbprint) && is_whole(object), "{object}");
    }
    // What was under way at a kill may be there: whole, and its answer never sent; or begun, and marked for the sweep. And the device
    // that proves things used.
    let is_confirmed =
        |object: &&&str| confirmed.iter().any(|joined| object.contains(&format!("\ncn: {}\n", joined.id)));
    let others: Vec<_> = kept.iter().filter(|object| !is_confirmed(object)).collect();
    assert!(others.len() <= CRASHES * JOINING + 1, "{} of {}", others.len(), kept.len());
    for object in others {
        let begun = object.contains("msDS-IsEnabled: FALSE") && object.contains("registration under way");
        assert!(is_whole(object) != begun, "{object}");
    }
    drop(node);
    let name = |object: &&str| object.lines().next().expect("a name").to_owned();
    let deleted: Vec<String> = kept.iter().map(|object| format!("{}\nchangetype: delete\n", name(object))).collect();
    ldap_modify(&deleted.join("\n"));
    account.delete();
}

fn is_whole(object: &str) -> bool {
    object.contains("msDS-IsEnabled: TRUE") && object.contains("msDS-KeyCredentialLink: ")
}

#[test]
fn killed_under_way_it_keeps_what_it_confirmed_in_a_database() {
    let account = Account::new("crashsql").create();
    let setup = NodeSetup::new();
    let file = setup.directory.join("devices.db");
    let sql = format!(
        "[device_registration]\nenabled = true\nregistry = \"sql\"\nregistration_quota = 0\n\
         [device_registration.sqlite]\nfile = \"{}\"\n",
        file.display()
    );
    let setup = setup.replace("[device_registration]\nenabled = true", &sql);
    let (node, confirmed) = killed_under_way(setup, &account);
    let listed = node.command(&["devices", "list", "--json"]).output().expect("the program runs");
    let listed = String::from_utf8(listed.stdout).expect("text");
    let kept: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let device = |id: &str| kept.iter().find(|row| row["id"] == id);
    for joined in &confirmed {
        let row = device(&joined.id).unwrap_or_else(|| panic!("{} is lost", joined.id));
        assert_eq!((&row["certificates"], &row["keys"]), (&json!([joined.thumbprint]), &json!([2])), "{row}");
    }
    let others = kept.iter().filter(|row| confirmed.iter().all(|joined| row["id"] != *joined.id)).count();
    // And the device that proves things used.
    assert!(others <= CRASHES * JOINING + 1, "{others} of {}", kept.len());
    account.delete();
}

/// Joins and rotations, and a kill whenever there are enough of both; the server that is left, and the devices it confirmed.
fn killed_under_way(setup: NodeSetup, account: &Account) -> (Node, Vec<Confirmed>) {
    let setup = setup.write("trusts/api.toml", API).write("trusts/client.toml", CLIENT);
    let setup = setup.replace("[sign_in]\n", "[oauth]\nrefresh_grace_seconds = 0\n\n[sign_in]\n");
    let first = setup.start();
    let address = first.address.clone();
    let browser = Browser::other().at(&address);
    let token = drs_sign_in::by_password(&browser, &account.upn(), &account.password);
    let proving = proving_device(&first, &token);
    let request = DeviceKeys::new().request(4, "Crash").to_string();
    let (confirmed, rotated) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    let done = AtomicBool::new(false);
    let mut node = Some(first);
    std::thread::scope(|scope| {
        for _ in 0..JOINING {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    if let Some(response) = try_to_join(&address, &token, &request) {
                        confirmed.lock().unwrap().push(response);
                    }
                }
            });
        }
        scope.spawn(|| rotate(&address, account, &rotated, &done));
        for crash in 1..=CRASHES {
            let old = node.as_ref().expect("a server");
            let used = Used::something(old, &browser, &proving, account);
            eventually("more devices and tokens", || {
                confirmed.lock().unwrap().len() >= crash * JOINS && rotated.load(Ordering::Relaxed) >= crash * ROTATIONS
            });
            let next = restarted(node.take().expect("a server"), |setup| setup);
            used.is_used(&next, &browser);
            node = Some(next);
        }
        done.store(true, Ordering::Relaxed);
    });
    let confirmed: Vec<Confirmed> = confirmed.into_inner().unwrap().iter().map(Confirmed::of).collect();
    (node.expect("a server"), confirmed)
}

/// A device that the server said it had registered.
struct Confirmed {
    id: String,
    thumbprint: String,
}

impl Confirmed {
    fn of(response: &Response) -> Self {
        let answer: Value = serde_json::from_str(&response.body).expect("JSON");
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
            let old = refresh_token(&token(node, &by_password(account))).expect("a refresh token");
            let next = refresh_token(&token(node, &by_refresh_token(&old))).expect("a refresh token");
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
    let mut chain = None;
    while !done.load(Ordering::Relaxed) {
        let form = chain.as_deref().map_or_else(|| by_password(account), by_refresh_token);
        let answer = post(address, "/adfs/oauth2/token", &[], &form);
        let next = answer.as_ref().and_then(refresh_token);
        if chain.is_some() && next.is_some() {
            rotated.fetch_add(1, Ordering::Relaxed);
        }
        chain = next;
    }
}

/// A device of the account's own, by this server.
fn proving_device(node: &Node, token: &str) -> Device {
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

/// One join, which the server may not survive: `None` when no good answer came.
pub fn try_to_join(address: &str, token: &str, request: &str) -> Option<Response> {
    let path = "/EnrollmentServer/device?api-version=1.0";
    post(address, path, &["--header", &format!("Authorization: Bearer {token}")], request)
}

fn post(address: &str, path: &str, more: &[&str], body: &str) -> Option<Response> {
    let url = format!("{}{path}", Lab::get().url);
    let mut child = Command::new("curl")
        .args([
            "--silent",
            "--fail",
            "--max-time",
            "20",
            "--connect-to",
            &format!("::{address}:"),
            "--data-binary",
            "@-",
        ])
        .args(more)
        .arg(url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl starts");
    let _ = child.stdin.take().expect("a pipe").write_all(body.as_bytes());
    let output = child.wait_with_output().expect("curl ends");
    let body = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| Response { status: 200, headers: Vec::new(), body, correlation: String::new() })
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

fn refresh_token(answer: &Response) -> Option<String> {
    let body: Value = serde_json::from_str(&answer.body).ok()?;
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
const JOINING: usize = 2;
const CRASHES: usize = 4;
/// Of both kinds before each kill: 512 in both tests together.
const JOINS: usize = 32;
const ROTATIONS: usize = 32;
