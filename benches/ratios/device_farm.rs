//! A farm with registered devices in this process: everything the server assembles for a configuration, with the SQL registry, and a
//! directory that answers at once; and what devices send to it.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chancery::audit::{Auditor, AuditorOptions, WriterSink};
use chancery::authn::{AuthenticationMethod, NetworkLocation, RequestOrigin};
use chancery::claims::StoreSet;
use chancery::claims::store::{ActiveDirectoryStore, PasswordExpiryStore};
use chancery::clock::{Clock, Random, SystemClock, SystemRandomSource};
use chancery::config::{self, Loader, Registry, SqliteStore};
use chancery::correlation::CorrelationId;
use chancery::devices::DeviceId;
use chancery::directory::{
    Account, AccountKey, AccountKind, AttributeName, AttributeValue, Attributes, CacheOptions, CachedDirectory,
    Directory, DirectoryError, ObjectGuid, Sid, SignInState,
};
use chancery::issuance::Services;
use chancery::protocols::browser::Door;
use chancery::protocols::drs::{self, RegistrationEndpoint};
use chancery::protocols::environment::Environment;
use chancery::protocols::http::{Answer, Call, Connection};
use chancery::protocols::oauth::{self, OAuthEndpoint};
use chancery::protocols::passive;
use chancery::prt::{Around, DeviceCertificate, IssuedPrt, KdfVersion, NewPrt, ProofOrigin, TransportKey};
use chancery::server::Lasting;
use chancery::store::NodeStores;
use chancery::tokens::SignatureAlgorithm;
use futures_util::StreamExt as _;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::X509ReqBuilder;
use serde_json::{Value, json};

use crate::world::SERVICE;

/// Computers that join at the same moment.
const AT_ONCE: usize = 8;

/// What serves requests, and where it works.
pub(crate) struct Farm {
    pub(crate) environment: Environment,
    pub(crate) runtime: tokio::runtime::Runtime,
    _lasting: Lasting,
}

impl Farm {
    /// The farm of a configuration directory, its devices in this SQLite file.
    pub(crate) fn new(configuration: &Path, devices: &Path) -> Self {
        for (name, text) in [("bench-api.toml", RELYING_PARTY), ("bench-client.toml", CLIENT_FILE)] {
            std::fs::write(configuration.join("trusts").join(name), text).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
            (Arc::new(SystemClock::new()), Arc::new(SystemRandomSource::new()));
        let file = configuration.join("chancery.toml");
        let loader = Loader { file, environment: config::Environment::of_process(), clock: clock.clone() };
        let mut read = loader.load().loaded.expect("a configuration that can be served");
        let registration = &mut read.config.device_registration;
        registration.registry = Registry::Sql;
        registration.registration_quota = 0;
        registration.sqlite = Some(SqliteStore { file: devices.to_owned() });
        let sink = Arc::new(WriterSink::new("nowhere", std::io::sink()));
        let auditor = Arc::new(Auditor::start(sink, AuditorOptions::default()).unwrap());
        let node = NodeStores::lasting(&clock, &devices.with_extension("journal")).unwrap();
        let guard = runtime.enter();
        let lasting = Lasting::new(clock.clone(), random, auditor, node);
        let mut environment = lasting.assemble(&Arc::new(read)).unwrap().commit(&lasting);
        drop(guard);
        let own = &environment.services;
        let directory = Arc::new(CachedDirectory::new(Arc::new(AtOnce), clock, CacheOptions::default()));
        let stores = StoreSet::new()
            .with("Active Directory", Arc::new(ActiveDirectoryStore::new(directory.clone())))
            .with("_PasswordExpiryStore", Arc::new(PasswordExpiryStore));
        environment.services = Arc::new(Services {
            clock: own.clock.clone(),
            random: own.random.clone(),
            directory,
            stores: Arc::new(stores),
            keys: own.keys.clone(),
            one_time: own.one_time.clone(),
            revocations: own.revocations.clone(),
            auditor: own.auditor.clone(),
            trusts: own.trusts.clone(),
        });
        Self { environment, runtime, _lasting: lasting }
    }

    /// Answers a request to join.
    pub(crate) fn join(&self, call: &Call) -> Answer {
        self.runtime.block_on(drs::handle(&self.environment, RegistrationEndpoint::Devices, call))
    }

    /// Answers requests to join, so many at once.
    pub(crate) fn joins(&self, calls: &[Call]) -> Vec<Answer> {
        let answers = calls.iter().map(|call| drs::handle(&self.environment, RegistrationEndpoint::Devices, call));
        self.runtime.block_on(futures_util::stream::iter(answers).buffered(AT_ONCE).collect())
    }

    /// Answers a request at the token endpoint.
    pub(crate) fn token(&self, call: &Call) -> Answer {
        self.runtime.block_on(oauth::handle(&self.environment, OAuthEndpoint::Token, call))
    }

    /// The request of a computer of the domain, the number of which decides its account, to join.
    pub(crate) fn join_request(&self, number: u32, key: &DeviceKey) -> Call {
        let (sid, guid) = (computer(number), guid(number));
        let now = self.environment.services.clock.now().unix_millis() / 1000;
        let token = self.signed(&json!({
            "aud": drs::RESOURCE, "iss": self.environment.service_identifier, "iat": now, "nbf": now, "exp": now + 3600,
            "appid": "dd762716-544d-4aeb-a526-687b73838a22", "apptype": "Public", "ver": "1.0",
            "http://schemas.microsoft.com/authorization/claims/PermitDeviceRegistration": "true",
            "primarysid": sid.to_string(), "upn": format!("ws{number}$@corp.example"),
            "http://schemas.microsoft.com/ws/2012/01/accounttype": "DJ",
            "http://schemas.microsoft.com/identity/claims/onpremobjectguid": guid.to_base64(),
        }));
        let body = json!({
            "CertificateRequest": {"Type": "pkcs10", "Data": STANDARD.encode(&key.request)},
            "TransportKey": STANDARD.encode(&key.blob), "TargetDomain": "corp.example", "DeviceType": "Windows",
            "OSVersion": "10.0.26100.0", "DeviceDisplayName": format!("WS{number}"), "JoinType": 6,
        });
        let authorization = format!("Bearer {token}");
        call(
            Method::POST,
            "/EnrollmentServer/device",
            "api-version=1.0",
            &[("authorization", &authorization)],
            body.to_string(),
        )
    }

    /// A device that joined, with the certificate it got.
    pub(crate) fn joined(&self, number: u32, key: DeviceKey) -> Device {
        let answer = self.join(&self.join_request(number, &key));
        Device::of(number, key, &answer)
    }

    /// A primary refresh token of a device, as one that was given to a user who typed a password.
    pub(crate) fn prt(&self, device: &Device) -> IssuedPrt {
        let service = self.environment.prt.as_deref().unwrap();
        let certificate = DeviceCertificate::read(&device.certificate).unwrap();
        let registered = self.runtime.block_on(service.registry().find(device.id())).unwrap().unwrap();
        let transport_key = TransportKey::of(&registered).unwrap();
        let new = NewPrt {
            user: user(device.number),
            device: device.id(),
            certificate: &certificate.mark,
            transport_key: &transport_key,
            client: BROKER.to_owned(),
            kdf: KdfVersion::Two,
            methods: vec![AuthenticationMethod::Password],
            instant: self.environment.services.clock.now(),
            alternate_login_id: None,
            origin: ProofOrigin::Password(Some(PASSWORD_SET)),
            after: None,
        };
        service.issue(new, self.around()).unwrap()
    }

    /// A request for a PRT, which an earlier one proves.
    pub(crate) fn prt_request(&self, device: &Device, prt: &IssuedPrt) -> Call {
        let nonce = self.environment.prt.as_deref().unwrap().nonce(self.around()).unwrap();
        let text = device.sign(&json!({
            "client_id": BROKER, "scope": "openid aza ugs", "request_nonce": nonce, "win_ver": "10.0.26100.1",
            "grant_type": "refresh_token", "refresh_token": prt.text,
        }));
        signed_request(&text)
    }

    /// An exchange of a PRT for an access token and an id token.
    pub(crate) fn exchange(&self, prt: &IssuedPrt) -> Call {
        let now = self.environment.services.clock.now().unix_millis() / 1000;
        signed_request(&by_session(
            prt,
            &json!({
                "client_id": CLIENT, "scope": "openid", "resource": RESOURCE, "iat": now, "exp": now + 300,
                "grant_type": "refresh_token", "refresh_token": prt.text, "iss": "aad:brokerplugin",
            }),
        ))
    }

    /// A refresh token of a native client, by the authorization endpoint, where the device signs its user in.
    pub(crate) fn refresh_token(&self, prt: &IssuedPrt) -> String {
        let credential = self.credential(prt);
        let verifier = "v".repeat(64);
        let challenge = URL_SAFE_NO_PAD.encode(openssl::sha::sha256(verifier.as_bytes()));
        let query = format!(
            "response_type=code&client_id={CLIENT}&redirect_uri=http%3A%2F%2F127.0.0.1%3A8400%2Fcb&resource={RESOURCE}&state=s\
             &code_challenge={challenge}&code_challenge_method=S256"
        );
        let fields = [("user-agent", USER_AGENT), ("x-ms-refreshtokencredential", &*credential)];
        let ask = call(Method::GET, "/adfs/oauth2/authorize", &query, &fields, String::new());
        let door = OAuthEndpoint::Authorize(Door::Main);
        let answer = self.runtime.block_on(oauth::handle(&self.environment, door, &ask));
        let location =
            answer.headers.iter().find(|(name, _)| *name == "location").expect("a location").1.to_str().unwrap();
        let code = location.split_once("code=").unwrap_or_else(|| panic!("{location}")).1.split('&').next().unwrap();
        let form = format!(
            "grant_type=authorization_code&client_id={CLIENT}&code={code}&redirect_uri=http%3A%2F%2F127.0.0.1%3A8400%2Fcb\
             &code_verifier={verifier}"
        );
        refresh_token_in(&self.token(&token_request(form)))
    }

    /// What a browser of the device sends to sign its user in.
    pub(crate) fn credential(&self, prt: &IssuedPrt) -> String {
        let nonce = self.environment.prt.as_deref().unwrap().nonce(self.around()).unwrap();
        by_session(prt, &json!({"refresh_token": prt.text, "is_primary": "true", "request_nonce": nonce}))
    }

    /// Answers a request of WS-Federation.
    pub(crate) fn passive(&self, call: &Call) -> Answer {
        self.runtime.block_on(passive::handle(&self.environment, Door::Main, call))
    }

    fn around(&self) -> Around<'_> {
        Around::from(&*self.environment.services)
    }

    /// An access token with these members.
    fn signed(&self, members: &Value) -> String {
        let key = &self.environment.services.keys.primary_signing().key;
        let x5t = openssl::hash::hash(MessageDigest::sha1(), &key.certificate).unwrap();
        let kid = URL_SAFE_NO_PAD.encode(x5t);
        let text = joined(&json!({"typ": "JWT", "alg": "RS256", "x5t": kid, "kid": kid}), members);
        let signature = self.runtime.block_on(key.signer.sign(SignatureAlgorithm::RsaSha256, text.as_bytes())).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.0))
    }
}

/// A browser's request for a token for Entra, by WS-Federation.
pub(crate) fn passive_request(fields: &[(&str, &str)]) -> Call {
    let fields: Vec<_> = [("user-agent", USER_AGENT)].iter().chain(fields).copied().collect();
    let query = "wa=wsignin1.0&wtrealm=urn:federation:MicrosoftOnline";
    call(Method::GET, "/adfs/ls/", query, &fields, String::new())
}

/// The cookies that an answer sets, as the browser sends them back.
pub(crate) fn cookies_of(answer: &Answer) -> String {
    let set = answer.headers.iter().filter(|(name, _)| *name == "set-cookie");
    let pairs: Vec<_> = set.filter_map(|(_, value)| value.to_str().unwrap().split(';').next()).collect();
    assert!(!pairs.is_empty(), "{answer:?}");
    pairs.join("; ")
}

/// The refresh token of a client, exchanged.
pub(crate) fn refresh(token: &str) -> Call {
    token_request(format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={token}"))
}

/// The refresh token in an answer; found, not parsed, so that looking costs nothing.
pub(crate) fn refresh_token_in(answer: &Answer) -> String {
    let text = std::str::from_utf8(&answer.body).unwrap();
    let (_, rest) = text.split_once("\"refresh_token\":\"").unwrap_or_else(|| panic!("{text}"));
    rest.split('"').next().unwrap().to_owned()
}

/// What every answer of these figures must be.
pub(crate) fn good(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer.body));
}

/// A key of a device: device key and transport key in one.
#[derive(Clone)]
pub(crate) struct DeviceKey {
    key: PKey<Private>,
    request: Vec<u8>,
    blob: Vec<u8>,
}

impl DeviceKey {
    pub(crate) fn new() -> Self {
        let rsa = Rsa::generate(2048).unwrap();
        let mut blob = b"RSA1".to_vec();
        for word in [2048_u32, 3, 256, 0, 0] {
            blob.extend(word.to_le_bytes());
        }
        blob.extend(rsa.e().to_vec());
        blob.extend(rsa.n().to_vec());
        let key = PKey::from_rsa(rsa).unwrap();
        let mut builder = X509ReqBuilder::new().unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { request: builder.build().to_der().unwrap(), blob, key }
    }
}

/// A registered device.
pub(crate) struct Device {
    number: u32,
    key: DeviceKey,
    certificate: Vec<u8>,
}

impl Device {
    /// The device that an answer says was registered.
    pub(crate) fn of(number: u32, key: DeviceKey, answer: &Answer) -> Self {
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let certificate = answer.pointer("/Certificate/RawBody").and_then(Value::as_str);
        let certificate = STANDARD.decode(certificate.unwrap_or_else(|| panic!("{answer}"))).unwrap();
        Self { number, key, certificate }
    }

    /// Its identifier: that of the computer.
    fn id(&self) -> DeviceId {
        DeviceId(uuid::Uuid::from_bytes_le(guid(self.number).to_directory_bytes()))
    }

    fn sign(&self, payload: &Value) -> String {
        let header = json!({"alg": "RS256", "typ": "JWT", "x5c": STANDARD.encode(&self.certificate), "kdf_ver": 2});
        let text = joined(&header, payload);
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key.key).unwrap();
        let signature = signer.sign_oneshot_to_vec(text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn by_session(prt: &IssuedPrt, payload: &Value) -> String {
    let mut ctx = [0; 24];
    openssl::rand::rand_bytes(&mut ctx).unwrap();
    let payload = payload.to_string();
    let header = json!({"alg": "HS256", "ctx": STANDARD.encode(ctx), "kdf_ver": 2}).to_string();
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(&payload));
    let key = prt.prt.session_key.derive(KdfVersion::Two, &ctx, payload.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes())))
}

fn joined(header: &Value, payload: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload.to_string()))
}

fn signed_request(text: &str) -> Call {
    let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    token_request(format!("grant_type={grant}&request={text}&windows_api_version=2.2"))
}

fn token_request(form: String) -> Call {
    call(Method::POST, "/adfs/oauth2/token", "", &[("content-type", "application/x-www-form-urlencoded")], form)
}

fn call(method: Method, path: &str, query: &str, fields: &[(&str, &str)], body: String) -> Call {
    let mut headers = HeaderMap::new();
    for (name, value) in [("host", SERVICE)].iter().chain(fields) {
        headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let mut octets = [0; 16];
    openssl::rand::rand_bytes(&mut octets).unwrap();
    Call {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: body.into_bytes().into(),
        connection: Arc::new(Connection { tls: true, ..Connection::default() }),
        origin: RequestOrigin {
            peer: [10, 0, 0, 1].into(),
            client_ip: [10, 0, 0, 1].into(),
            forwarded_for: Vec::new(),
            proxy: None,
            location: NetworkLocation::Extranet,
            ignored_headers: false,
        },
        correlation: CorrelationId::from_random(octets),
    }
}

/// A directory without a network: it has every computer and every user.
struct AtOnce;

#[async_trait::async_trait]
impl Directory for AtOnce {
    async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError> {
        let AccountKey::Sid(sid) = key else { return Err(DirectoryError::NotFound { key: key.to_string() }) };
        let rid = sid.rid().unwrap_or_default();
        let machine = !rid.is_multiple_of(2);
        let group = |rid| domain().child(rid).unwrap();
        let name = if machine { format!("WS{}$", rid / 2) } else { format!("user{}", rid / 2) };
        let primary = if machine { 515 } else { 513 };
        Ok(Account {
            sid: *sid,
            kind: if machine { AccountKind::Computer } else { AccountKind::User },
            realm: String::from("CORP.EXAMPLE"),
            netbios_domain: String::from("CORP"),
            upn: (!machine).then(|| format!("{name}@corp.example")),
            display_name: name.clone(),
            sam_account_name: name,
            primary_group: group(primary),
            groups: std::iter::once(primary).chain(2_000_000_000..2_000_000_009).map(group).collect(),
        })
    }

    async fn object_guid(&self, sid: &Sid) -> Result<ObjectGuid, DirectoryError> {
        // The cache asks for the attribute.
        Ok(guid(sid.rid().unwrap_or_default() / 2))
    }

    async fn attributes(&self, sid: &Sid, names: &[AttributeName]) -> Result<Attributes, DirectoryError> {
        let rid = sid.rid().unwrap_or_default();
        let guid = || AttributeValue::Octets(guid(rid / 2).to_directory_bytes().to_vec());
        let mut found = Attributes::default();
        for name in names {
            let value = match name.as_str() {
                "objectguid" => guid(),
                "userprincipalname" if rid.is_multiple_of(2) => {
                    AttributeValue::Text(format!("user{}@corp.example", rid / 2))
                }
                _ => continue,
            };
            found.insert(name.clone(), vec![value]);
        }
        Ok(found)
    }

    async fn search(&self, _: &str, _: &str, names: &[AttributeName]) -> Result<Vec<Attributes>, DirectoryError> {
        let mut found = Attributes::default();
        if let [name] = names {
            found.insert(name.clone(), vec![AttributeValue::Text(PASSWORD_SET.to_string())]);
        }
        Ok(vec![found])
    }

    async fn sign_in_state(&self, _: &Sid) -> Result<SignInState, DirectoryError> {
        Ok(SignInState::Permitted)
    }
}

/// The account of a computer: an odd relative identifier.
fn computer(number: u32) -> Sid {
    domain().child(number * 2 + 1).unwrap()
}

/// The user of a computer: an even one.
fn user(number: u32) -> Sid {
    domain().child(number * 2).unwrap()
}

/// `objectGUID` of both.
fn guid(number: u32) -> ObjectGuid {
    let mut octets = [0xa5; 16];
    // Spread over the whole range, as those of a directory are.
    octets[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_le_bytes());
    ObjectGuid::from_directory_bytes(octets)
}

fn domain() -> Sid {
    static DOMAIN: OnceLock<Sid> = OnceLock::new();
    *DOMAIN.get_or_init(|| "S-1-5-21-1004336348-1177238915-682003330".parse().unwrap())
}

/// `pwdLastSet` of everybody.
const PASSWORD_SET: i64 = 133_000_000_000_000_000;
const BROKER: &str = "38aa3b87-a06d-4817-b275-7a316988d93b";
const CLIENT: &str = "d3590ed6-52b3-4102-aeff-aad2292ab01c";
const RESOURCE: &str = "urn:bench:api";
const RELYING_PARTY: &str = "[relying_party]\nname = \"Bench\"\nidentifiers = [\"urn:bench:api\"]\ntoken_type = \"jwt\"\n\
    access_control_policy = \"permit-everyone\"\ntransform_rules = '''c:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"] => issue(claim = c);'''\n";
const USER_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0)";
const CLIENT_FILE: &str = "[client]\nid = \"d3590ed6-52b3-4102-aeff-aad2292ab01c\"\nname = \"Bench\"\nkind = \"native\"\n\
    redirect_uris = [\"http://127.0.0.1:8400/cb\"]\ngrants = [\"authorization_code\", \"refresh_token\"]\nresources = [\"urn:bench:api\"]\n";
