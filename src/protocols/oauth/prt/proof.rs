//! How the user of a device proves who they are in a request for a primary refresh token. The device has been judged before.

use crate::audit::{CredentialFailure, Parties};
use crate::authn::AuthenticationMethod;
use crate::authn::certificate::{CertificateAccountError, CertificateError, account_for_certificate};
use crate::clock::{RandomError, UtcTime};
use crate::devices::{Device, RegistryError, TrustType};
use crate::directory::{self, Account, AccountKey, DirectoryError};
use crate::issuance::Context;
use crate::protocols::credential::{self, PasswordRefusal, Proof, USERNAME_TOKEN};
use crate::protocols::environment::Environment;
use crate::protocols::http::Call;
use crate::protocols::prt_failure::{DEVICE_TOKEN, credential_failure};
use crate::prt::{
    Around, AssertionNonce, CertificateAssertion, DeviceRequest, HelloAssertion, HelloError, JwsError, Lineage,
    NonceError, PrimaryRefreshToken, ProofOrigin, PrtError, PrtRefusal, PrtService, UserAssertion, UserProof,
    check_assertion_nonce, check_user,
};
use crate::secret::Secret;

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
    /// A refresh token that is no PRT.
    #[error("the refresh token is no primary refresh token")]
    NotPrimary,
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
    pub(super) cx: &'a Context,
    pub(super) call: &'a Call,
    pub(super) service: &'a PrtService,
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
        Ok(proved) if may_use(&request.asked.device, &proved.account) => Ok(proved),
        Ok(_) => Err(ProofRefusal::NotTheirDevice),
        Err(refusal) => Err(refusal),
    };
    if let Err(refusal) = &proved {
        audit(request, refusal);
    }
    proved
}

/// A workplace-joined device is one person's; a computer of the domain serves whoever may sign in to it.
fn may_use(device: &Device, account: &Account) -> bool {
    device.trust_type != Some(TrustType::WORKPLACE)
        || device.owner == Some(account.sid)
        || device.users.contains(&account.sid)
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
    })
}

async fn by_refresh_token(request: Request<'_>, text: &str) -> Result<Proved, ProofRefusal> {
    let around = Around::from(&*request.cx.services);
    if !PrimaryRefreshToken::is_one(text) {
        return Err(ProofRefusal::NotPrimary);
    }
    let prt = request.service.open(text)?;
    if prt.device != request.asked.device.id || prt.certificate != request.asked.certificate.mark.thumbprint {
        return Err(ProofRefusal::OtherDevice);
    }
    let holder = request.service.holder(&prt, None, around).await?;
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
    })
}

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
    let alternate_login_id = None;
    Ok(Proved { account, methods, instant, alternate_login_id, origin, after: None, password_expires: None })
}

fn audit(request: Request<'_>, refusal: &ProofRefusal) {
    let client = &request.asked.request.client_id;
    let failure = match refusal {
        // In the log already.
        ProofRefusal::Password(_) => return,
        ProofRefusal::Prt(refusal) => credential_failure(refusal),
        ProofRefusal::Account(error) => credential_failure(&error.clone().into()),
        ProofRefusal::OtherDevice | ProofRefusal::NotPrimary => CredentialFailure::PrimaryRefreshToken,
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
