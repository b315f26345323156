//! A client of device registration, made of openssl, curl and the LDAP tools; and tokens that the server would never issue,
//! signed with its own key. The tokens it issues are of `drs_sign_in`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::clock::{SystemClock, SystemRandomSource};
use crate::support::{Curl, Lab, Response, run, variable};
use crate::throwaway::{Account, feed, ldap};
use chancery::keys::{KeyRing, KeyRingOptions};
use chancery::tokens::SignatureAlgorithm;

/// The service as a resource.
pub const RESOURCE: &str = "urn:ms-drs:434DF4A9-3CF2-4C1D-917E-2CD2B72F515A";
pub const PERMISSION: &str = "http://schemas.microsoft.com/authorization/claims/PermitDeviceRegistration";
pub const ACCOUNT_TYPE: &str = "http://schemas.microsoft.com/ws/2012/01/accounttype";
pub const OBJECT_GUID: &str = "http://schemas.microsoft.com/identity/claims/onpremobjectguid";

/// Keys of a device, and its certificate request.
pub struct DeviceKeys {
    pub key: PathBuf,
    /// DER.
    pub csr: Vec<u8>,
    /// `BCRYPT_RSAKEY_BLOB`; the transport key is the device key, as tools have it.
    pub blob: Vec<u8>,
}

impl DeviceKeys {
    pub fn new() -> Self {
        Self::with(&["-sha256", "-subj", "/CN=7E980AD9-B86D-4306-9425-9AC066FB014A"], 2048)
    }

    /// What `openssl req` makes with these arguments.
    pub fn with(arguments: &[&str], bits: u32) -> Self {
        let key = Lab::get().new_file("device.key");
        let csr = Lab::get().new_file("device.csr");
        run(Command::new("openssl")
            .args(["req", "-new", "-nodes", "-outform", "DER", "-newkey", &format!("rsa:{bits}")])
            .args(arguments)
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&csr));
        let modulus = run(Command::new("openssl").args(["rsa", "-noout", "-modulus", "-in"]).arg(&key));
        let modulus = hex::decode(modulus.trim().trim_start_matches("Modulus=")).expect("a modulus");
        let mut blob = b"RSA1".to_vec();
        for word in [bits, 3, bits / 8, 0, 0] {
            blob.extend(word.to_le_bytes());
        }
        blob.extend([1, 0, 1]);
        blob.extend(modulus);
        Self { key, csr: std::fs::read(csr).expect("a request"), blob }
    }

    /// A join request.
    pub fn request(&self, join_type: u32, name: &str) -> Value {
        json!({
            "CertificateRequest": {"Type": "pkcs10", "Data": STANDARD.encode(&self.csr)},
            "TransportKey": STANDARD.encode(&self.blob),
            "TargetDomain": Lab::get().domain,
            "DeviceType": "Windows",
            "OSVersion": "10.0.26100.0",
            "DeviceDisplayName": name,
            "JoinType": join_type,
        })
    }

    /// A SOAP enrolment with a token.
    pub fn enrolment(&self, token: &str, name: &str) -> String {
        let sample = include_str!("../../src/protocols/drs/enrolment_request.xml");
        sample
            .replace("ZXlKaC5lMzAuQUE=", &STANDARD.encode(token))
            .replace("MII=", &STANDARD.encode(&self.csr))
            .replace("Poste de Zoé", name)
    }
}

/// The key ring of a server, by its configuration directory.
fn keys_of(directory: &Path) -> KeyRing {
    let host = Lab::get().host.clone();
    let options = KeyRingOptions::new(directory.join("state/keys"), directory.join("kek"), host);
    KeyRing::load_or_create(&options, &SystemClock::new(), &SystemRandomSource::new()).expect("the server's keys")
}

/// The members that every access token of this server for device registration has, with an account's.
pub fn members(sid: &str, upn: &str) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
    json!({
        "aud": RESOURCE,
        "iss": format!("http://{}/adfs/services/trust", Lab::get().host),
        "iat": now, "nbf": now, "exp": now + 3600,
        "appid": "dd762716-544d-4aeb-a526-687b73838a22", "apptype": "Public", "ver": "1.0",
        "auth_time": time(Duration::ZERO),
        PERMISSION: "true",
        "primarysid": sid,
        "upn": upn,
    })
}

/// Some time ago, as access tokens have it.
pub fn time(ago: Duration) -> String {
    crate::clock::UtcTime::from(time::OffsetDateTime::now_utc()).minus(ago).to_xml()
}

/// Members of a computer's token.
pub fn computer(account: &str) -> Value {
    let object = Lab::get().object(account);
    let mut members = members(&object.sid, &format!("{}@{}", account.to_lowercase(), Lab::get().domain));
    members[ACCOUNT_TYPE] = "DJ".into();
    members[OBJECT_GUID] = object.guid_base64().into();
    members
}

/// A token with these members, signed by the lab server's key.
pub fn token(members: &Value) -> String {
    static KEYS: LazyLock<KeyRing> = LazyLock::new(|| keys_of(&Lab::get().config));
    signed(&KEYS, members)
}

/// A token with these members, signed by the key of the server with this configuration directory.
pub fn token_of(directory: &Path, members: &Value) -> String {
    signed(&keys_of(directory), members)
}

/// The same with more in its header, signed as any other.
pub fn token_with(header: &Value, members: &Value) -> String {
    signed_with(&keys_of(&Lab::get().config), header, members)
}

/// A token with these members, signed by a server's key.
fn signed(keys: &KeyRing, members: &Value) -> String {
    signed_with(keys, &json!({}), members)
}

fn signed_with(keys: &KeyRing, more: &Value, members: &Value) -> String {
    let key = &keys.primary_signing().key;
    let x5t = openssl::hash::hash(openssl::hash::MessageDigest::sha1(), &key.certificate).expect("a digest");
    let kid = URL_SAFE_NO_PAD.encode(x5t);
    let mut header = json!({"typ": "JWT", "alg": "RS256", "x5t": kid, "kid": kid});
    let more = more.as_object().expect("members").clone();
    header.as_object_mut().expect("members").extend(more);
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", encode(&header), encode(members));
    let signature = key.signer.sign(SignatureAlgorithm::RsaSha256, text.as_bytes());
    let signature = tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(signature);
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.expect("a signature").0))
}

/// Posts a join request.
pub fn join(token: &str, request: &Value) -> Response {
    Curl::new(&format!("{}/EnrollmentServer/device/?api-version=1.0", Lab::get().url))
        .header("Authorization", &format!("Bearer {token}"))
        .header("Content-Type", "application/json")
        .post(request.to_string())
        .send()
}

/// Posts a SOAP enrolment.
pub fn enrol(message: String) -> Response {
    Curl::new(&format!("{}/EnrollmentServer/DeviceEnrollmentWebService.svc", Lab::get().url)).soap(message).send()
}

/// A registration that succeeded.
pub struct Joined {
    /// The certificate, PEM.
    pub certificate: PathBuf,
    pub thumbprint: String,
    pub upn: String,
    /// The device's identifier, from the certificate's subject as openssl shows it.
    pub id: String,
}

impl Joined {
    pub fn of(response: &Response) -> Self {
        assert_eq!(response.status, 200, "{}", response.body);
        let answer: Value = serde_json::from_str(&response.body).expect("JSON");
        let text = |path: &str| answer.pointer(path).and_then(Value::as_str).expect("text").to_owned();
        assert_eq!(answer["MembershipChanges"], json!([{"LocalSID": "S-1-5-32-544", "AddSIDs": []}]));
        Self::certificate(&text("/Certificate/RawBody"), text("/Certificate/Thumbprint"), text("/User/Upn"))
    }

    /// From a provisioning document.
    pub fn of_enrolment(response: &Response) -> Self {
        assert_eq!(response.status, 200, "{}", response.body);
        let between = |text: &str, before: &str, after: &str| {
            let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
            rest.split_once(after).expect("an end").0.to_owned()
        };
        let document = between(&response.body, "DeviceEnrollmentProvisionDoc\">", "<");
        let document = String::from_utf8(STANDARD.decode(document).expect("base64")).expect("text");
        let certificate = between(&document, "name=\"EncodedCertificate\" value=\"", "\"");
        let (_, user) = document.split_once("type=\"User\"").expect("a user's certificate");
        let thumbprint = between(user, "type=\"", "\"");
        let upn = between(&response.body, "Name=\"UserPrincipalName\"><ac:Value>", "<");
        Self::certificate(&certificate, thumbprint, upn)
    }

    fn certificate(base64: &str, thumbprint: String, upn: String) -> Self {
        let der = Lab::get().new_file("device.der");
        std::fs::write(&der, STANDARD.decode(base64).expect("base64")).expect("a file");
        let certificate = Lab::get().new_file("device.pem");
        run(Command::new("openssl").args(["x509", "-inform", "DER", "-in"]).arg(&der).arg("-out").arg(&certificate));
        let joined = Self { certificate, thumbprint, upn, id: String::new() };
        let subject = joined.x509(&["-noout", "-subject", "-nameopt", "RFC2253"]);
        Self { id: subject.trim().trim_start_matches("subject=CN=").to_owned(), ..joined }
    }

    /// What `openssl x509` says of the certificate.
    pub fn x509(&self, arguments: &[&str]) -> String {
        run(Command::new("openssl").arg("x509").args(arguments).arg("-in").arg(&self.certificate))
    }

    /// `DELETE` by the certificate, of the device that `path` names.
    pub fn leave(&self, keys: &DeviceKeys, path: &str) -> Response {
        leave(
            path,
            &["--cert", self.certificate.to_str().expect("a path"), "--key", keys.key.to_str().expect("a path")],
        )
    }
}

/// `DELETE` where devices leave.
pub fn leave(device: &str, arguments: &[&str]) -> Response {
    let host = format!("enterpriseregistration.{}", Lab::get().domain);
    Curl::new(&format!("https://{host}/EnrollmentServer/device/{device}?api-version=1.0"))
        .args(["--request", "DELETE"])
        .args(arguments.iter().copied())
        .send()
}

/// Attributes of an object in LDIF, one a line, as the domain administrator reads them; empty when there is none.
pub fn ldap_read(dn: &str, attributes: &[&str]) -> String {
    let output = ldap("ldapsearch")
        .args(["-LLL", "-o", "ldif-wrap=no", "-b", dn, "-s", "base", "(objectClass=*)"])
        .args(attributes)
        .output()
        .expect("ldapsearch runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The names of devices that match a filter.
pub fn devices(filter: &str) -> Vec<String> {
    let base = format!("CN=RegisteredDevices,{}", variable("LAB_BASE_DN"));
    let found = run(ldap("ldapsearch").args([
        "-LLL",
        "-o",
        "ldif-wrap=no",
        "-b",
        &base,
        &format!("(&(objectClass=msDS-Device){filter})"),
        "cn",
    ]));
    found.lines().filter_map(|line| line.strip_prefix("cn: ").map(str::to_owned)).collect()
}

/// The `objectGUID` of an object.
pub fn guid(dn: &str) -> String {
    let read = ldap_read(dn, &["objectGUID"]);
    let guid = read.lines().find_map(|line| line.strip_prefix("objectGUID:: ")).expect("a GUID");
    let octets = STANDARD.decode(guid).expect("base64").try_into().expect("16 octets");
    uuid::Uuid::from_bytes_le(octets).to_string()
}

/// A filter by the SID of a registered user.
pub fn by_user(sid: &str) -> String {
    let octets = chancery::directory::Sid::to_bytes(&sid.parse().expect("a SID"));
    let escaped: String = octets.iter().map(|octet| format!("\\{octet:02x}")).collect();
    format!("(msDS-RegisteredUsers={escaped})")
}

/// Name of a device's object.
pub fn device_dn(id: &str) -> String {
    format!("CN={id},CN=RegisteredDevices,{}", variable("LAB_BASE_DN"))
}

/// A user of a test's own, and its SID.
pub fn user(what: &str) -> (Account, String) {
    let account = Account::new(what).create();
    let read = ldap_read(&account.dn(), &["objectSid"]);
    let sid = read.lines().find_map(|line| line.strip_prefix("objectSid:: ")).expect("a SID");
    let sid = chancery::directory::Sid::from_bytes(&STANDARD.decode(sid).expect("base64")).expect("a SID");
    (account, sid.to_string())
}

/// Changes the directory as its administrator.
pub fn ldap_modify(ldif: &str) {
    feed("ldapmodify", ldif);
}
