//! Whether a device is registered, and as what: values in, a registration or a refusal out.
//!
//! In two steps, because what must be looked up depends on who asks: [`apply`] checks claims and keys, [`Application::decide`]
//! checks the account, the quota and what is registered already (device-registration.md 4.3). Nothing is signed or written
//! here. Knows no token format, no directory and no protocol.

use super::{
    CertificateMark, CertificateRequest, CsrError, Device, DeviceId, JoinType, KeyBlob, KeyBlobError, Registration,
    Sha1Requests, TrustType,
};
use crate::clock::UtcTime;
use crate::directory::{AccountKind, ObjectGuid, Sid, SignInState};

/// What the token of a registration says, read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnrolmentClaims {
    /// `PermitDeviceRegistration` is true.
    pub permitted: bool,
    /// The UPN, or the implicit one.
    pub upn: Option<String>,
    /// `primarysid`.
    pub sid: Option<Sid>,
    /// `accounttype` is `DJ`.
    pub domain_joined: bool,
    /// `onpremobjectguid`.
    pub object_guid: Option<ObjectGuid>,
    /// `deviceregistrationquota`, where the rules say one.
    pub quota: Option<u32>,
}

/// What a client asks for, as it was sent.
#[derive(Debug, Clone)]
pub struct EnrolmentRequest {
    /// Kind of registration.
    pub join_type: JoinType,
    /// Name shown to people.
    pub display_name: String,
    /// Type of the operating system.
    pub os_type: String,
    /// Version of the operating system.
    pub os_version: String,
    /// DER of the certificate request.
    pub certificate_request: Vec<u8>,
    /// The session transport key; a SOAP enrolment has none.
    pub transport_key: Option<Vec<u8>>,
    /// Whether the client asks for its earlier registration to be used again.
    pub reuse: bool,
}

/// What the configuration permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentPolicy {
    /// Kinds of registration that are allowed.
    pub join_types: Vec<JoinType>,
    /// Certificate requests signed with SHA-1.
    pub sha1: Sha1Requests,
}

/// A request whose claims and keys are good.
#[derive(Debug, Clone)]
pub struct Application {
    /// Who registers the device: its owner.
    pub owner: Sid,
    /// The owner's UPN.
    pub upn: String,
    /// The device's identifier, where the account decides it: a domain-joined computer's.
    pub computer: Option<DeviceId>,
    join_type: JoinType,
    quota: Option<u32>,
    reuse: bool,
    display_name: String,
    os_type: String,
    os_version: String,
    csr: CertificateRequest,
    transport_key: Option<KeyBlob>,
}

/// What is known of the account and of earlier registrations.
#[derive(Debug, Clone)]
pub struct EnrolmentFacts {
    /// The owner's account, as the directory has it now; `None` when it is gone.
    pub account: Option<OwnerAccount>,
    /// Devices that the owner is a registered user of.
    pub devices_of_owner: Vec<Device>,
    /// The device that has the identifier which the account decides.
    pub existing: Option<Device>,
    /// How many devices a user may have; `None` for no limit, or an account that is exempt.
    pub quota: Option<u32>,
    /// A random identifier, for a device that is new.
    pub new_id: DeviceId,
}

/// The account of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerAccount {
    /// Its `objectGUID`.
    pub guid: ObjectGuid,
    /// What it is.
    pub kind: AccountKind,
    /// Whether it may sign in.
    pub state: SignInState,
}

/// A registration that is allowed, and lacks only its certificate.
#[derive(Debug, Clone)]
pub struct Approved {
    /// The device's identifier.
    pub id: DeviceId,
    /// `objectGUID` of the account, for the certificate.
    pub account: ObjectGuid,
    /// The request with the key that is certified.
    pub csr: CertificateRequest,
    quota: Option<u32>,
    application: Application,
}

/// Why a device is not registered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EnrolmentRefusal {
    /// The kind of registration is not allowed.
    #[error("registrations of type {} are not allowed", .0.as_str())]
    JoinType(JoinType),
    /// The token lacks a claim, or has one of the wrong value.
    #[error("the token has no usable claim {0}")]
    Claim(&'static str),
    /// The rules did not permit the registration.
    #[error("the token does not permit a device registration")]
    NotPermitted,
    /// A name or version that the directory cannot hold.
    #[error("{0} is missing, too long, or has characters that cannot be stored")]
    Detail(&'static str),
    /// The certificate request cannot be used.
    #[error(transparent)]
    CertificateRequest(#[from] CsrError),
    /// The transport key is missing.
    #[error("the transport key is missing")]
    NoTransportKey,
    /// The transport key cannot be used.
    #[error("transport key: {0}")]
    TransportKey(#[from] KeyBlobError),
    /// The account in the token is not in the directory any more, or is another one.
    #[error("the account in the token is not in the directory")]
    NoAccount,
    /// The account may not sign in now.
    #[error("the account may not sign in: {0:?}")]
    AccountState(SignInState),
    /// The user has as many devices as allowed.
    #[error("the account has {count} devices, and {limit} are allowed")]
    Quota {
        /// How many there are.
        count: usize,
        /// How many are allowed.
        limit: u32,
    },
    /// An administrator disabled the device.
    #[error("device {id} is disabled")]
    Disabled {
        /// The device.
        id: DeviceId,
    },
    /// Directory synchronisation wrote the device; changing it would be undone or do damage.
    #[error("device {id} was written by directory synchronisation and is registered elsewhere")]
    WrittenBack {
        /// The device.
        id: DeviceId,
    },
}

/// Checks the claims, then the request.
///
/// # Errors
/// [`EnrolmentRefusal`].
pub fn apply(
    claims: &EnrolmentClaims,
    request: EnrolmentRequest,
    policy: &EnrolmentPolicy,
) -> Result<Application, EnrolmentRefusal> {
    let join_type = request.join_type;
    if !policy.join_types.contains(&join_type) {
        return Err(EnrolmentRefusal::JoinType(join_type));
    }
    if !claims.permitted {
        return Err(EnrolmentRefusal::NotPermitted);
    }
    let owner = claims.sid.ok_or(EnrolmentRefusal::Claim("primarysid"))?;
    let upn = claims.upn.clone().ok_or(EnrolmentRefusal::Claim("upn"))?;
    let computer = match join_type {
        JoinType::DomainJoin if !claims.domain_joined => return Err(EnrolmentRefusal::Claim("accounttype")),
        JoinType::DomainJoin => {
            let guid = claims.object_guid.ok_or(EnrolmentRefusal::Claim("onpremobjectguid"))?;
            Some(DeviceId(uuid::Uuid::from_bytes_le(guid.to_directory_bytes())))
        }
        JoinType::WorkplaceJoin | JoinType::Enrolment => None,
        // Whatever the configuration says: nothing here knows how to do these.
        other => return Err(EnrolmentRefusal::JoinType(other)),
    };
    let csr = CertificateRequest::read(&request.certificate_request, policy.sha1)?;
    let transport_key = match (join_type, request.transport_key) {
        (JoinType::Enrolment, _) => None,
        (_, Some(octets)) => Some(KeyBlob::transport_key(&octets)?),
        (_, None) => return Err(EnrolmentRefusal::NoTransportKey),
    };
    Ok(Application {
        owner,
        upn,
        computer,
        join_type,
        quota: claims.quota,
        reuse: request.reuse,
        display_name: detail("DeviceDisplayName", request.display_name, 256)?,
        os_type: detail("DeviceType", request.os_type, 1024)?,
        os_version: detail("OSVersion", request.os_version, 512)?,
        csr,
        transport_key,
    })
}

impl Application {
    /// Decides by what is known.
    ///
    /// # Errors
    /// [`EnrolmentRefusal`].
    pub fn decide(self, facts: &EnrolmentFacts) -> Result<Approved, EnrolmentRefusal> {
        let account = facts.account.ok_or(EnrolmentRefusal::NoAccount)?;
        match account.state {
            // A password that has expired was no hindrance to the token.
            SignInState::Permitted | SignInState::PasswordExpired | SignInState::OutsideHours => {}
            state => return Err(EnrolmentRefusal::AccountState(state)),
        }
        let (id, existing) = match self.computer {
            Some(id) => {
                // A computer that was deleted and made again has another GUID than its old token says.
                let same = id.0 == uuid::Uuid::from_bytes_le(account.guid.to_directory_bytes());
                if !same || account.kind != AccountKind::Computer {
                    return Err(EnrolmentRefusal::NoAccount);
                }
                (id, facts.existing.as_ref())
            }
            None => match self.earlier(&facts.devices_of_owner) {
                Some(device) => (device.id, Some(device)),
                None => (facts.new_id, None),
            },
        };
        if let Some(device) = existing {
            if device.written_back {
                return Err(EnrolmentRefusal::WrittenBack { id });
            }
            // One that a sweep disabled comes back by registering.
            if !device.enabled && device.unused_since.is_none() {
                return Err(EnrolmentRefusal::Disabled { id });
            }
        }
        let quota = self.limit(facts);
        if let Some(limit) = quota {
            let count = facts.devices_of_owner.iter().filter(|device| device.id != id).count();
            if count >= usize::try_from(limit).unwrap_or(usize::MAX) {
                return Err(EnrolmentRefusal::Quota { count, limit });
            }
        }
        Ok(Approved { id, account: account.guid, csr: self.csr.clone(), quota, application: self })
    }

    /// The owner's own registration of the same device, where it is to be used again.
    fn earlier<'f>(&self, devices: &'f [Device]) -> Option<&'f Device> {
        let key = self.transport_key.as_ref().filter(|_| self.reuse)?;
        devices.iter().find(|device| {
            device.owner == Some(self.owner)
                && device.computer_sid.is_none()
                && device.trust_type != Some(TrustType::DOMAIN)
                && device.display_name == self.display_name
                && device.keys.iter().any(|own| own.usage == TRANSPORT_KEY && own.material == key.octets())
        })
    }

    /// How many devices the owner may have. Ten means ten: the device that would be the eleventh is refused; one that is replaced is
    /// not counted. A computer of the domain is one device.
    fn limit(&self, facts: &EnrolmentFacts) -> Option<u32> {
        if self.computer.is_some() {
            return None;
        }
        match self.quota {
            Some(EXEMPT | 0) => None,
            Some(limit) => Some(limit),
            None => facts.quota.filter(|limit| *limit != 0),
        }
    }
}

impl Approved {
    /// The registration with its certificate.
    pub fn certified(self, certificate: CertificateMark, at: UtcTime) -> Registration {
        let Application { owner, computer, join_type, display_name, os_type, os_version, transport_key, .. } =
            self.application;
        Registration {
            id: self.id,
            display_name,
            os_type,
            os_version,
            owner,
            computer_sid: computer.map(|_| owner),
            trust_type: match join_type {
                JoinType::DomainJoin => Some(TrustType::DOMAIN),
                JoinType::WorkplaceJoin => Some(TrustType::WORKPLACE),
                _ => None,
            },
            certificate,
            transport_key: transport_key.map(KeyBlob::into_octets),
            quota: self.quota,
            at,
        }
    }
}

/// A text of the device, without blanks around it.
fn detail(name: &'static str, value: String, characters: usize) -> Result<String, EnrolmentRefusal> {
    let text = value.trim();
    if text.is_empty() || text.encode_utf16().count() > characters || text.chars().any(char::is_control) {
        return Err(EnrolmentRefusal::Detail(name));
    }
    Ok(if text.len() == value.len() { value } else { text.to_owned() })
}

/// Usage of a session transport key.
const TRANSPORT_KEY: u8 = 2;
/// The value of `deviceregistrationquota` that AD FS gives to administrators.
const EXEMPT: u32 = 2_147_483_647;

#[cfg(test)]
mod tests;
