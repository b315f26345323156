//! The WS-Trust endpoints: which version, which credential, from where. Values only; what WS-Trust answers and what MEX and
//! the metadata publish are made of the same list.

/// WS-Trust version of an endpoint; it fixes namespaces and the shape of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// WS-Trust of February 2005 (`/adfs/services/trust/2005/…`).
    February2005,
    /// WS-Trust 1.3 (`/adfs/services/trust/13/…`).
    Trust13,
}

impl Version {
    /// Both versions, in the order MEX publishes them.
    pub const ALL: [Self; 2] = [Self::February2005, Self::Trust13];

    /// The trust namespace.
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::February2005 => "http://schemas.xmlsoap.org/ws/2005/02/trust",
            Self::Trust13 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512",
        }
    }

    /// `wsa:Action` of an issue request.
    pub const fn issue_action(self) -> &'static str {
        match self {
            Self::February2005 => "http://schemas.xmlsoap.org/ws/2005/02/trust/RST/Issue",
            Self::Trust13 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue",
        }
    }

    /// `wsa:Action` of the answer.
    pub const fn response_action(self) -> &'static str {
        match self {
            Self::February2005 => "http://schemas.xmlsoap.org/ws/2005/02/trust/RSTR/Issue",
            Self::Trust13 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RSTRC/IssueFinal",
        }
    }

    /// `RequestType` of an issue request.
    pub const fn issue_request_type(self) -> &'static str {
        match self {
            Self::February2005 => "http://schemas.xmlsoap.org/ws/2005/02/trust/Issue",
            Self::Trust13 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue",
        }
    }

    /// `KeyType` of a token without proof key.
    pub const fn bearer_key_type(self) -> &'static str {
        match self {
            Self::February2005 => "http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey",
            Self::Trust13 => "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Bearer",
        }
    }

    /// The version's part of the path.
    pub const fn path_segment(self) -> &'static str {
        match self {
            Self::February2005 => "2005",
            Self::Trust13 => "13",
        }
    }
}

/// How the client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// Negotiate on HTTP.
    WindowsTransport,
    /// Password in a `UsernameToken`.
    UsernameMixed,
    /// Certificate that signs the security header.
    CertificateMixed,
    /// Certificate in TLS.
    CertificateTransport,
}

impl Credential {
    /// The credential's part of the path.
    pub const fn path_segment(self) -> &'static str {
        match self {
            Self::WindowsTransport => "windowstransport",
            Self::UsernameMixed => "usernamemixed",
            Self::CertificateMixed => "certificatemixed",
            Self::CertificateTransport => "certificatetransport",
        }
    }

    /// Whether the message carries a WS-Security header, and so does the answer.
    pub const fn is_mixed(self) -> bool {
        matches!(self, Self::UsernameMixed | Self::CertificateMixed)
    }
}

/// One WS-Trust endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrustEndpoint {
    /// The version it speaks.
    pub version: Version,
    /// The credential it takes.
    pub credential: Credential,
}

impl TrustEndpoint {
    /// Every endpoint, in the order in which AD FS lists and MEX publishes them.
    pub const ALL: [Self; 8] = [
        Self::new(Version::February2005, Credential::WindowsTransport),
        Self::new(Version::February2005, Credential::CertificateMixed),
        Self::new(Version::February2005, Credential::CertificateTransport),
        Self::new(Version::February2005, Credential::UsernameMixed),
        Self::new(Version::Trust13, Credential::CertificateMixed),
        Self::new(Version::Trust13, Credential::CertificateTransport),
        Self::new(Version::Trust13, Credential::UsernameMixed),
        Self::new(Version::Trust13, Credential::WindowsTransport),
    ];

    /// The endpoint of this version and credential.
    pub const fn new(version: Version, credential: Credential) -> Self {
        Self { version, credential }
    }

    /// Whether only the intranet may use it: it would let passwords be tried through Negotiate past the extranet lockout.
    pub const fn is_intranet_only(self) -> bool {
        matches!(self.credential, Credential::WindowsTransport)
    }

    /// Path below the host: `/adfs/services/trust/13/windowstransport`.
    pub fn path(self) -> String {
        format!("/adfs/services/trust/{}/{}", self.version.path_segment(), self.credential.path_segment())
    }
}

/// Which endpoints are switched on, and which of them are open to the extranet.
#[derive(Debug, Clone, Default)]
pub struct TrustEndpoints {
    switches: Vec<(TrustEndpoint, Exposure)>,
}

/// From where an endpoint may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// From the intranet only.
    Intranet,
    /// From anywhere.
    IntranetAndExtranet,
}

impl TrustEndpoints {
    /// The endpoints that are switched on; an endpoint not listed is off.
    ///
    /// `windowstransport` is never exposed to the extranet, whatever is listed.
    pub fn new(enabled: impl IntoIterator<Item = (TrustEndpoint, Exposure)>) -> Self {
        let switches = enabled
            .into_iter()
            .map(|(endpoint, exposure)| {
                (endpoint, if endpoint.is_intranet_only() { Exposure::Intranet } else { exposure })
            })
            .collect();
        Self { switches }
    }

    /// How an endpoint is exposed; `None` when it is off.
    pub fn exposure(&self, endpoint: TrustEndpoint) -> Option<Exposure> {
        self.switches.iter().find(|(candidate, _)| *candidate == endpoint).map(|(_, exposure)| *exposure)
    }

    /// The endpoints that work for a client on this side of the border, in the order they were listed.
    pub fn reachable_from(&self, extranet: bool) -> impl Iterator<Item = TrustEndpoint> + '_ {
        self.iter()
            .filter(move |(_, exposure)| !extranet || *exposure == Exposure::IntranetAndExtranet)
            .map(|(endpoint, _)| endpoint)
    }

    /// The endpoints that are on, in the order they were listed.
    pub fn iter(&self) -> impl Iterator<Item = (TrustEndpoint, Exposure)> + '_ {
        self.switches.iter().copied()
    }
}
