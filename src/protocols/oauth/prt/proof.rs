//! How the user of a device proves who they are in a request for a primary refresh token. The device has been judged before.

use std::time::Duration;

use crate::audit::{CredentialFailure, Parties};
use crate::authn::certificate::{CertificateAccountError, CertificateError, account_for_certificate};
use crate::authn::{AuthenticationMethod, SsoSession, SubjectOrigin};
use crate::clock::{RandomError, UtcTime};
use crate::devices::{Device, RegistryError, TrustType};
use crate::directory::{self, Account, AccountKey, DirectoryError};
use crate::issuance::Context;
use crate::protocols::credential::{self, PasswordRefusal, Proof, USERNAME_TOKEN};
use crate::protocols::environment::Environment;
use crate::protocols::http::Call;
use crate::protocols::oauth::OAuthSettings;
use crate::protocols::oauth::error::OAuthError;
use crate::protocols::oauth::refresh_grant::{Opened, Redeeming, Unused};
use crate::protocols::prt_failure::{DEVICE_TOKEN, credential_failure};
use crate::prt::{
    Around, AssertionNonce, CertificateAssertion, DeviceRequest, HelloAssertion, HelloError, JwsError, Lineage,
    NonceError, PrimaryRefreshToken, ProofOrigin, PrtError, PrtRefusal, PrtService, UserAssertion, UserProof,
    check_assertion_nonce, check_user, may_use,
};
use crate::secret::Secret;
use crate::trusts::Client;

/// A user who was proved.
#[derive(Debug)]
pub(super) struct Proved {
    pub(super) account: Account,
    pub(super) methods: Vec<AuthenticationMethod>,
    pub(super) instant: UtcTime,
    pub(super) alternate_login_id: Option<String>,
    pub(super) origin: ProofOrigin,
    /// The sign-in that it goes on from.
    pub(super) after: Option<Lineage>,
    pub(super) password_expires: Option<UtcTime>,
    /// The refresh token that it was, to be used up when the PRT is certain.
    pub(super) unused: Option<Unused>,
}

/// Why the user was not proved. Audited when it comes back.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProofRefusal {
    /// The password was not accepted.
    #[error("the password was not accepted: {}", .0.detail)]
    Password(PasswordRefusal),
    /// The PRT or a nonce in the request.
    #[error(transparent)]
    Prt(#[from] PrtRefusal),
    /// The account of a key is not there, or may not sign in.
    #[error(transparent)]
    Account(PrtError),
    /// A PRT of another device.
    #[error("the primary refresh token was issued to another device")]
    OtherDevice,
    /// A refresh token of the broker that is not good.
    #[error("the broker's refresh token: {0}")]
    Refresh(Box<OAuthError>),
    /// The Windows Hello assertion.
    #[error(transparent)]
    Hello(#[from] HelloError),
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Its account.
    #[error(transparent)]
    CertificateAccount(#[from] CertificateAccountError),
    /// No authority of user certificates is configured.
    #[error("no certificate authority is configured in [certificates]")]
    NoCertificates,
    /// The device is another person's.
    #[error("the device is registered to other people")]
    NotTheirDevice,
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl From<JwsError> for ProofRefusal {
    fn from(error: JwsError) -> Self {
        Self::Hello(error.into())
    }
}

impl From<NonceError> for ProofRefusal {
    fn from(error: NonceError) -> Self {
        Self::Prt(error.into())
    }
}

impl From<PrtError> for ProofRefusal {
    fn from(error: PrtError) -> Self {
        Self::Prt(error.into())
    }
}

impl From<DirectoryError> for ProofRefusal {
    fn from(error: DirectoryError) -> Self {
        Self::Prt(PrtError::from(error).into())
    }
}

impl From<RegistryError> for ProofRefusal {
    fn from(error: RegistryError) -> Self {
        Self::Prt(PrtError::from(error).into())
    }
}

/// What a proof is checked with.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) environment: &'a Environment,
    pub(super) settings: &'a OAuthSettings,
    pub(super) cx: &'a Context,
    pub(super) call: &'a Call,
    pub(super) service: &'a PrtService,
    /// The broker that asks.
    pub(super) client: &'a Client,
    pub(super) asked: &'a DeviceRequest,
    /// What assertions may name as their audience.
    pub(super) audiences: &'a [String],
}

/// The user, when the proof is good and the device is theirs to use.
///
/// # Errors
/// [`ProofRefusal`].
pub(super) async fn prove(request: Request<'_>) -> Result<Proved, ProofRefusal> {
    let proved = match &request.asked.request.proof {
        UserProof::Password { username, password } => by_password(request, username, password).await,
        UserProof::RefreshToken(text) => by_refresh_token(request, text.expose()).await,
        UserProof::Assertion(text) => by_assertion(request, text).await,
    };
    let proved = match proved {
        Ok(proved) if may_use(&request.asked.device, &proved.account.sid) => Ok(proved),
        Ok(_) => Err(ProofRefusal::NotTheirDevice),
        Err(refusal) => Err(refusal),
    };
    if let Err(refusal) = &proved {
        audit(request, refusal);
    }
    proved
}

async fn by_password(request: Request<'_>, username: &str, password: &Secret<String>) -> Result<Proved, ProofRefusal> {
    let Request { environment, cx, call, .. } = request;
    let client = &request.asked.request.client_id;
    let accepted = credential::password(environment, cx, call, username, password, client).await;
    let accepted = accepted.map_err(ProofRefusal::Password)?;
    let method = AuthenticationMethod::Password;
    let alternate_login_id = accepted.alternate_login_id.as_deref();
    let proof = Proof { method, certificate: None, password_expires: accepted.expires, alternate_login_id };
    let subject = credential::accepted(cx, accepted.account.clone(), proof, client, USERNAME_TOKEN)?;
    let set = directory::password_set(&*cx.services.directory, &accepted.account).await?;
    Ok(Proved {
        account: accepted.account,
        methods: subject.methods,
        instant: subject.instant,
        alternate_login_id: subject.alternate_login_id,
        origin: ProofOrigin::Password(set),
        after: None,
        password_expires: accepted.expires,
        unused: None,
    })
}

async fn by_refresh_token(request: Request<'_>, text: &str) -> Result<Proved, ProofRefusal> {
    let around = Around::from(&*request.cx.services);
    if !PrimaryRefreshToken::is_one(text) {
        return by_brokers_refresh_token(request, text).await;
    }
    let prt = request.service.open(text)?;
    if prt.device != request.asked.device.id || prt.certificate != request.asked.certificate.mark.thumbprint {
        return Err(ProofRefusal::OtherDevice);
    }
    let holder = request.service.holder(&prt, around).await?;
    let subject = holder.subject(&prt);
    credential::prt_accepted(request.cx, &subject, Some(&request.asked.request.client_id));
    Ok(Proved {
        account: holder.account,
        methods: prt.methods.clone(),
        instant: prt.instant,
        alternate_login_id: prt.alternate_login_id.clone(),
        after: Some(prt.lineage()),
        origin: prt.origin,
        password_expires: None,
        unused: None,
    })
}

/// By an ordinary refresh token that the broker got when its user signed in. It must be of a sign-in on this very device, or the
/// user has just registered the device: otherwise who got hold of a refresh token would make it one that a device of their own
/// renews.
async fn by_brokers_refresh_token(request: Request<'_>, text: &str) -> Result<Proved, ProofRefusal> {
    let Request { environment, settings, cx, client, .. } = request;
    let on_this_device = async |session: &SsoSession| {
        let now = cx.services.clock.now();
        let ours = match (&session.subject.device, &session.subject.origin) {
            (Some(device), SubjectOrigin::Directory(_)) => device.id == request.asked.device.id,
            (None, SubjectOrigin::Directory(account)) => is_just_registered(&request.asked.device, account, now),
            _ => false,
        };
        let other = || OAuthError::Refresh(String::from("it is not of a sign-in on this device"));
        if ours { Ok(()) } else { Err(other()) }
    };
    let redeeming = Redeeming { environment, settings, cx, client };
    let refused = |error| ProofRefusal::Refresh(Box::new(error));
    let unused = redeeming.open(text, on_this_device).await.map_err(refused)?;
    let Opened { session, travelled, password_set } = unused.opened.clone();
    // A sign-in by a certificate stands on no password; every other one ends with it.
    let origin = if session.subject.stands_on_password() {
        ProofOrigin::Password(password_set)
    } else {
        ProofOrigin::Certificate
    };
    let SubjectOrigin::Directory(account) = session.subject.origin else { return Err(ProofRefusal::OtherDevice) };
    let after = Lineage { family: travelled.family, begun: session.subject.instant, generation: 0 };
    Ok(Proved {
        account,
        methods: session.subject.methods,
        instant: session.subject.instant,
        alternate_login_id: session.subject.alternate_login_id,
        origin,
        after: Some(after),
        password_expires: session.subject.password_expires,
        unused: Some(unused),
    })
}

/// Uses up what may be used once. Everything that may fail for a while has been asked before.
///
/// # Errors
/// [`ProofRefusal`], audited.
pub(super) async fn spend(request: Request<'_>, unused: Option<Unused>) -> Result<(), ProofRefusal> {
    let Some(unused) = unused else { return Ok(()) };
    let Request { environment, settings, cx, client, .. } = request;
    let spent = Redeeming { environment, settings, cx, client }.spend(unused).await;
    let spent = spent.map(drop).map_err(|error| ProofRefusal::Refresh(Box::new(error)));
    if let Err(refusal) = &spent {
        audit(request, refusal);
    }
    spent
}

/// Whether the account registered this device of its own a moment ago.
fn is_just_registered(device: &Device, account: &Account, now: UtcTime) -> bool {
    device.trust_type == Some(TrustType::WORKPLACE)
        && device.owner == Some(account.sid)
        && device.registered.is_some_and(|registered| now.since(registered) <= JUST_REGISTERED)
}

/// From the end of a registration to the request for a PRT.
const JUST_REGISTERED: Duration = Duration::from_mins(10);

async fn by_assertion(request: Request<'_>, text: &str) -> Result<Proved, ProofRefusal> {
    match UserAssertion::read(text)? {
        UserAssertion::Hello(assertion) => by_hello(request, &assertion).await,
        UserAssertion::Certificate(assertion) => by_certificate(request, &assertion).await,
    }
}

async fn by_hello(request: Request<'_>, assertion: &HelloAssertion) -> Result<Proved, ProofRefusal> {
    let Request { cx, service, asked, .. } = request;
    let services = &*cx.services;
    let user = AccountKey::Upn(assertion.claimed_user()?);
    let account = services.directory.account(&user).await.map_err(|error| ProofRefusal::Account(error.into()))?;
    let keys = service.registry().user_keys(&account.sid).await?;
    let (key, asserted) = assertion.verify(&keys, request.audiences, services.clock.now())?;
    let nonce = check_assertion_nonce(key, asked.device.id, asserted.nonce.as_deref(), &asked.nonce)?;
    if let (AssertionNonce::ItsOwn, Some(nonce)) = (nonce, &asserted.nonce) {
        service.use_assertion_nonce(nonce, services.into()).await?;
    }
    check_user(&*services.directory, &account.sid, false).await.map_err(ProofRefusal::Account)?;
    let origin = ProofOrigin::Key(assertion.key_id());
    proved_by_key(request, account, origin, None)
}

async fn by_certificate(request: Request<'_>, assertion: &CertificateAssertion) -> Result<Proved, ProofRefusal> {
    let Request { environment, cx, asked, .. } = request;
    let services = &*cx.services;
    let now = services.clock.now();
    let sign_in = environment.certificates.as_ref().ok_or(ProofRefusal::NoCertificates)?;
    let (leaf, others) = assertion.certificates().split_first().ok_or(ProofRefusal::NoCertificates)?;
    let identity = sign_in.trust.validate(leaf, others, now)?;
    let asserted = assertion.verify(request.audiences, now)?;
    // A signature made elsewhere is worth nothing here: it carries the nonce of this very request.
    if asserted.nonce.as_deref() != Some(asked.nonce.as_str()) {
        return Err(HelloError::Nonce.into());
    }
    let directory = &*services.directory;
    let found = account_for_certificate(directory, &sign_in.domains, &identity, sign_in.mapping, now).await;
    let (account, _) = found?;
    proved_by_key(request, account, ProofOrigin::Certificate, Some(leaf))
}

fn proved_by_key(
    request: Request<'_>,
    account: Account,
    origin: ProofOrigin,
    certificate: Option<&[u8]>,
) -> Result<Proved, ProofRefusal> {
    let proof =
        Proof { method: AuthenticationMethod::X509, certificate, password_expires: None, alternate_login_id: None };
    let client = &request.asked.request.client_id;
    let subject = credential::accepted(request.cx, account.clone(), proof, client, DEVICE_TOKEN)?;
    let (methods, instant) = (subject.methods, subject.instant);
    Ok(Proved {
        account,
        methods,
        instant,
        alternate_login_id: None,
        origin,
        after: None,
        password_expires: None,
        unused: None,
    })
}

fn audit(request: Request<'_>, refusal: &ProofRefusal) {
    let client = &request.asked.request.client_id;
    let failure = match refusal {
        // In the log already.
        ProofRefusal::Password(_) => return,
        ProofRefusal::Prt(refusal) => credential_failure(refusal),
        ProofRefusal::Account(error) => credential_failure(&error.clone().into()),
        ProofRefusal::OtherDevice | ProofRefusal::Refresh(_) => CredentialFailure::PrimaryRefreshToken,
        ProofRefusal::Hello(HelloError::Jws(JwsError::Signature)) => CredentialFailure::Signature,
        ProofRefusal::Hello(HelloError::Nonce) => CredentialFailure::Nonce,
        ProofRefusal::Certificate(_) | ProofRefusal::NoCertificates => CredentialFailure::CertificateUntrusted,
        ProofRefusal::CertificateAccount(_) => CredentialFailure::CertificateUnmapped,
        ProofRefusal::NotTheirDevice => CredentialFailure::Restricted,
        ProofRefusal::Hello(_) | ProofRefusal::Random(_) => CredentialFailure::MalformedToken,
    };
    let user = match &request.asked.request.proof {
        UserProof::Password { username, .. } => username.as_str(),
        UserProof::RefreshToken(_) | UserProof::Assertion(_) => "",
    };
    let parties = Parties::claimed(user, Some(client));
    let detail = format!("device {}: {refusal}", request.asked.device.id);
    let method = AuthenticationMethod::X509;
    credential::rejected(request.cx, parties, method, DEVICE_TOKEN, failure, &detail);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::session::tests::subject;
    use crate::devices::samples;

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);

    /// Somebody, a stranger, and a device of the first.
    fn people() -> (Account, Account, Device) {
        let SubjectOrigin::Directory(owner) = subject(AuthenticationMethod::Password, NOW).origin else {
            panic!("an account");
        };
        let stranger = Account { sid: "S-1-5-21-1-2-3-9999".parse().unwrap(), ..owner.clone() };
        let device = Device {
            owner: Some(owner.sid),
            users: vec![owner.sid],
            trust_type: Some(TrustType::WORKPLACE),
            registered: Some(NOW.minus(JUST_REGISTERED)),
            ..samples::device(samples::device_id())
        };
        (owner, stranger, device)
    }

    #[test]
    fn a_device_of_ones_own_is_just_registered_for_ten_minutes_and_for_nobody_else() {
        let (owner, stranger, device) = people();
        assert!(is_just_registered(&device, &owner, NOW));
        assert!(!is_just_registered(&device, &stranger, NOW));
        assert!(!is_just_registered(&device, &owner, NOW.plus(Duration::from_secs(1))));
        for other in [
            Device { registered: None, ..device.clone() },
            Device { trust_type: Some(TrustType::DOMAIN), ..device.clone() },
            Device { trust_type: None, ..device.clone() },
            // One of its users, who has not registered it.
            Device { owner: None, ..device.clone() },
            Device { owner: Some(stranger.sid), ..device },
        ] {
            assert!(!is_just_registered(&other, &owner, NOW), "{other:?}");
        }
    }
}
