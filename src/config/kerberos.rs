//! `[kerberos]`: the service's keytab and how tickets are accepted.

use std::path::PathBuf;

use super::names::ServicePrincipal;

/// Acceptance of Kerberos tickets.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kerberos {
    /// Keytab with the keys of every service principal, in MIT format. Old key versions stay in it until their tickets expired.
    pub keytab: PathBuf,
    /// Principals tickets are accepted for. After loading never empty: `HTTP/<federation_service_name>` when the file does not say.
    #[serde(default)]
    pub service_principals: Vec<ServicePrincipal>,
    /// Extended Protection; use [`Kerberos::channel_binding`], which knows the default.
    #[serde(default, rename = "channel_binding")]
    pub channel_binding_setting: Option<ChannelBinding>,
    /// PEM files with the certificates of balancers that end clients' TLS; their channel bindings are expected then.
    #[serde(default)]
    pub front_certificates: Vec<PathBuf>,
    /// Refuse an authenticator that this node has seen before.
    #[serde(default = "yes")]
    pub replay_guard: bool,
}

impl Kerberos {
    /// The channel binding policy in force. Default: `allow` where this process ends TLS or knows the front certificates,
    /// else `none`, because bindings to an unknown certificate cannot match.
    pub fn channel_binding(&self, tls_ends_in_front: bool) -> ChannelBinding {
        self.channel_binding_setting.unwrap_or(if tls_ends_in_front && self.front_certificates.is_empty() {
            ChannelBinding::None
        } else {
            ChannelBinding::Allow
        })
    }
}

/// Extended Protection, AD FS' `ExtendedProtectionTokenCheck` (ws-federation.md 9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelBinding {
    /// Channel bindings are not looked at.
    None,
    /// Bindings that a client sends must match; a client that sends none is accepted.
    Allow,
    /// Every client must send bindings that match.
    Require,
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_binding_follows_where_tls_ends() {
        let kerberos = |front: &[&str]| Kerberos {
            keytab: "k".into(),
            service_principals: Vec::new(),
            channel_binding_setting: None,
            front_certificates: front.iter().map(PathBuf::from).collect(),
            replay_guard: true,
        };
        assert_eq!(kerberos(&[]).channel_binding(false), ChannelBinding::Allow);
        assert_eq!(kerberos(&[]).channel_binding(true), ChannelBinding::None);
        assert_eq!(kerberos(&["lb.pem"]).channel_binding(true), ChannelBinding::Allow);
    }
}
