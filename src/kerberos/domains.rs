//! Which domains may say what: the map realm ↔ domain SID ↔ NetBIOS name ↔ UPN suffixes, and the filter it makes.
//!
//! A ticket's realm is proved by the key it is sealed with; everything in its PAC is the word of that realm. Here the word is
//! held against the configuration: the account must be of the realm's own domain, and SIDs and UPNs that the realm may not
//! assert are dropped and reported (as Windows filters at a trust, MS-PAC 4.1.2.2, with the strictest setting). Knows nothing of
//! tickets and of GSSAPI.

use std::collections::{HashMap, HashSet};

use crate::directory::{Account, Sid};

use super::pac::{Group, GroupAttributes, Pac};

/// One Active Directory domain whose accounts may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedDomain {
    /// Kerberos realm, `CORP.EXAMPLE`; any case, kept in upper case.
    pub realm: String,
    /// SID of the domain, `S-1-5-21-…` with three numbers.
    pub sid: Sid,
    /// NetBIOS name, `CORP`.
    pub netbios: String,
    /// UPN suffixes that accounts of the domain may have, besides the realm itself.
    pub upn_suffixes: Vec<String>,
    /// Name of the forest when several domains of one are configured. Domains with the same name are one security boundary and may
    /// name each other's groups; `None` accepts SIDs of the domain itself only.
    pub forest: Option<String>,
}

/// The configured domains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedDomains {
    by_realm: HashMap<String, TrustedDomain>,
}

/// An account that a trusted domain vouches for, and what was taken out of its word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// The account, with the SIDs its realm may assert.
    pub account: Account,
    /// SIDs that were dropped, for the audit.
    pub dropped: Vec<DroppedSid>,
    /// A UPN that was dropped because its suffix is none of the domain's.
    pub dropped_upn: Option<String>,
}

/// A SID that does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DroppedSid {
    /// The SID as the PAC has it.
    pub sid: Sid,
    /// Why.
    pub reason: DropReason,
}

/// Why a SID of a PAC does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// Of a domain that the realm may not speak for: SID history, or an attempt.
    ForeignDomain,
    /// Well-known, and nothing a KDC may hand out (`S-1-5-32-544`, `S-1-5-18`, …).
    NotAssertable,
    /// The membership may only take rights away.
    DenyOnly,
}

impl TrustedDomains {
    /// The map of these domains.
    ///
    /// # Errors
    /// [`DomainsError`] when two domains share a realm or a SID, or a SID is no domain's.
    pub fn new(domains: impl IntoIterator<Item = TrustedDomain>) -> Result<Self, DomainsError> {
        let mut by_realm: HashMap<String, TrustedDomain> = HashMap::new();
        let mut sids = HashSet::new();
        for mut domain in domains {
            domain.realm = domain.realm.to_uppercase();
            if !domain.sid.is_domain() {
                return Err(DomainsError::NoDomainSid { realm: domain.realm, sid: domain.sid });
            }
            if !sids.insert(domain.sid) {
                return Err(DomainsError::DuplicateSid(domain.sid));
            }
            if let Some(previous) = by_realm.insert(domain.realm.clone(), domain) {
                return Err(DomainsError::DuplicateRealm(previous.realm));
            }
        }
        Ok(Self { by_realm })
    }

    /// The domain of this realm, compared without regard to case.
    pub fn get(&self, realm: &str) -> Option<&TrustedDomain> {
        self.by_realm.get(&realm.to_uppercase())
    }

    /// All domains, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &TrustedDomain> {
        self.by_realm.values()
    }

    /// Holds a verified PAC against the configuration.
    ///
    /// `client_realm` is the realm of the ticket's client, `service_realm` that of the service it is for, whose KDC adds the
    /// resource groups.
    ///
    /// # Errors
    /// [`UntrustedDomain`] when the realm is not configured or the account is not of the realm's domain.
    pub fn identify(&self, client_realm: &str, service_realm: &str, pac: Pac) -> Result<Identified, UntrustedDomain> {
        let domain = self.get(client_realm).ok_or_else(|| UntrustedDomain::Realm { realm: client_realm.to_owned() })?;
        if pac.user_sid.parent() != Some(domain.sid) {
            return Err(UntrustedDomain::Sid {
                realm: domain.realm.clone(),
                expected: Box::new(domain.sid),
                account: Box::new(pac.user_sid),
            });
        }
        if pac.domain_sid == domain.sid && !pac.netbios_domain.eq_ignore_ascii_case(&domain.netbios) {
            return Err(UntrustedDomain::NetbiosName {
                realm: domain.realm.clone(),
                expected: domain.netbios.clone(),
                found: pac.netbios_domain,
            });
        }
        if let Some(found) = pac.dns_domain.filter(|name| !name.eq_ignore_ascii_case(&domain.realm)) {
            return Err(UntrustedDomain::DnsName { realm: domain.realm.clone(), found });
        }

        let resource_domain = pac.resource_domain.filter(|sid| {
            self.may_assert(domain, sid) || self.get(service_realm).is_some_and(|service| service.sid == *sid)
        });
        let of_domain = |sid: &Sid| sid.parent().is_some_and(|parent| self.may_assert(domain, &parent));
        if !of_domain(&pac.primary_group) {
            return Err(UntrustedDomain::PrimaryGroup {
                realm: domain.realm.clone(),
                group: Box::new(pac.primary_group),
            });
        }
        let mut filter = Filter::default();
        filter.keep(pac.primary_group);
        for group in &pac.groups {
            filter.take(group, of_domain);
        }
        for group in &pac.extra {
            filter.take(group, |sid| of_domain(sid) || is_assertable(sid));
        }
        for group in &pac.resource_groups {
            filter.take(group, |sid| sid.parent().is_some_and(|parent| resource_domain == Some(parent)));
        }
        let (upn, dropped_upn) = match pac.upn {
            Some(upn) if domain.owns_upn(&upn) => (Some(upn), None),
            other => (None, other),
        };
        let account = Account {
            sid: pac.user_sid,
            kind: pac.kind,
            realm: domain.realm.clone(),
            netbios_domain: domain.netbios.clone(),
            sam_account_name: pac.sam_account_name,
            upn,
            display_name: pac.display_name,
            primary_group: pac.primary_group,
            groups: filter.kept,
        };
        Ok(Identified { account, dropped: filter.dropped, dropped_upn })
    }

    /// Takes out of an account that was read from the directory of its domain what a ticket of that domain could not say
    /// either: groups of other domains (SID history among them) and a UPN that is not the domain's to give.
    ///
    /// # Errors
    /// [`UntrustedDomain`] when the account's realm is not configured.
    pub fn restrict(&self, account: Account) -> Result<Identified, UntrustedDomain> {
        let domain = self.get(&account.realm).ok_or_else(|| UntrustedDomain::Realm { realm: account.realm.clone() })?;
        let mut filter = Filter::default();
        filter.keep(account.primary_group);
        for sid in &account.groups {
            let of_domain = |sid: &Sid| sid.parent().is_some_and(|parent| self.may_assert(domain, &parent));
            filter.take(&Group { sid: *sid, attributes: ENABLED }, |sid| of_domain(sid) || is_assertable(sid));
        }
        let (upn, dropped_upn) = match account.upn {
            Some(upn) if domain.owns_upn(&upn) => (Some(upn), None),
            other => (None, other),
        };
        let account = Account { upn, groups: filter.kept, ..account };
        Ok(Identified { account, dropped: filter.dropped, dropped_upn })
    }

    /// Whether accounts of `domain` may be members of groups of the domain with this SID.
    fn may_assert(&self, domain: &TrustedDomain, sid: &Sid) -> bool {
        domain.sid == *sid
            || domain.forest.is_some()
                && self.by_realm.values().any(|other| other.sid == *sid && other.forest == domain.forest)
    }
}

impl TrustedDomain {
    /// Whether a UPN with this suffix may be an account's of this domain. Active Directory lets an administrator of any domain
    /// write any UPN; only the configured ones are that domain's to give.
    pub fn owns_upn(&self, upn: &str) -> bool {
        upn.rsplit_once('@').is_some_and(|(name, suffix)| {
            !name.is_empty()
                && (suffix.eq_ignore_ascii_case(&self.realm)
                    || self.upn_suffixes.iter().any(|own| own.to_lowercase() == suffix.to_lowercase()))
        })
    }
}

/// Why a ticket's account is none of a trusted domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UntrustedDomain {
    /// No domain with this realm is configured.
    #[error("realm {realm} is not configured")]
    Realm {
        /// Realm of the client.
        realm: String,
    },
    /// The account's SID is of another domain than the realm's.
    #[error("realm {realm} has domain SID {expected} by configuration, but its ticket names account {account}")]
    Sid {
        /// Realm of the client.
        realm: String,
        /// Its domain SID by configuration.
        expected: Box<Sid>,
        /// The account's SID by the PAC.
        account: Box<Sid>,
    },
    /// The account's primary group is of a domain that the realm may not speak for.
    #[error("a ticket of realm {realm} names primary group {group} of another domain")]
    PrimaryGroup {
        /// Realm of the client.
        realm: String,
        /// The group by the PAC.
        group: Box<Sid>,
    },
    /// The PAC's NetBIOS name of the domain is not the configured one.
    #[error("realm {realm} has NetBIOS name {expected} by configuration, but its ticket says {found}")]
    NetbiosName {
        /// Realm of the client.
        realm: String,
        /// Its name by configuration.
        expected: String,
        /// Its name by the PAC.
        found: String,
    },
    /// The PAC's DNS name of the domain is not the realm.
    #[error("a ticket of realm {realm} names DNS domain {found}")]
    DnsName {
        /// Realm of the client.
        realm: String,
        /// DNS name by the PAC.
        found: String,
    },
}

/// Why a list of domains makes no map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DomainsError {
    /// Two domains with one realm.
    #[error("realm {0} is configured twice")]
    DuplicateRealm(String),
    /// Two domains with one SID.
    #[error("domain SID {0} is configured twice")]
    DuplicateSid(Sid),
    /// The SID is an account's or a well-known one.
    #[error("{sid} is no domain SID (realm {realm}): expected S-1-5-21- and three numbers")]
    NoDomainSid {
        /// The domain's realm.
        realm: String,
        /// What stands in its place.
        sid: Sid,
    },
}

#[derive(Default)]
struct Filter {
    kept: Vec<Sid>,
    dropped: Vec<DroppedSid>,
    seen: HashSet<Sid>,
}

impl Filter {
    fn keep(&mut self, sid: Sid) {
        if self.seen.insert(sid) {
            self.kept.push(sid);
        }
    }

    /// Sorts one SID; where it stands first decides.
    fn take(&mut self, group: &Group, allowed: impl Fn(&Sid) -> bool) {
        let sid = group.sid;
        let reason = if group.attributes.is_deny_only() {
            DropReason::DenyOnly
        } else if allowed(&sid) {
            return self.keep(sid);
        } else if sid.authority() == 5 && sid.sub_authorities().first() == Some(&21) {
            DropReason::ForeignDomain
        } else {
            DropReason::NotAssertable
        };
        if self.seen.insert(sid) {
            self.dropped.push(DroppedSid { sid, reason });
        }
    }
}

/// Well-known SIDs that a KDC adds to say how an account authenticated; they name no privilege.
fn is_assertable(sid: &Sid) -> bool {
    // S-1-18-…: asserted identities, fresh public key identity, multi-factor key property, … (MS-DTYP 2.4.2.4).
    // Of S-1-5-…: this organisation certificate; compounded authentication; claims valid.
    matches!((sid.authority(), sid.sub_authorities()), (18, [_]) | (5, [65, 1] | [21, 0, 0, 0, 496 | 497]))
}

/// Mandatory, enabled by default, enabled.
const ENABLED: GroupAttributes = GroupAttributes::from_bits(0x7);

#[cfg(test)]
mod tests {
    use super::super::pac::decode;
    use super::super::pac::tests::encode::PacContent;
    use super::*;

    const CORP: &str = "S-1-5-21-1004336348-1177238915-682003330";

    fn domain(realm: &str, sid: &str, netbios: &str) -> TrustedDomain {
        TrustedDomain {
            realm: realm.into(),
            sid: sid.parse().unwrap(),
            netbios: netbios.into(),
            upn_suffixes: vec!["brand.example".into()],
            forest: None,
        }
    }

    fn two_domains() -> [TrustedDomain; 2] {
        [domain("corp.example", CORP, "CORP"), domain("OTHER.EXAMPLE", "S-1-5-21-7-8-9", "OTHER")]
    }

    fn identify_in(realm: &str, content: &PacContent) -> Result<Identified, UntrustedDomain> {
        let domains = TrustedDomains::new(two_domains()).unwrap();
        domains.identify(realm, "CORP.EXAMPLE", decode(&content.encode()).unwrap())
    }

    fn sid(text: &str) -> Sid {
        text.parse().unwrap()
    }

    /// An account from LDAP is held to the same rules as one from a ticket.
    #[test]
    fn an_account_of_the_directory_is_restricted_like_a_ticket() {
        let domains = TrustedDomains::new(two_domains()).unwrap();
        let from_ticket = identify_in("CORP.EXAMPLE", &PacContent::user()).unwrap().account;
        let mut read = from_ticket.clone();
        let foreign = ["S-1-5-21-7-8-9-1200", "S-1-5-32-544", "S-1-5-21-1-1-1-512"].map(sid);
        read.groups.extend(foreign);
        read.upn = Some("alice@elsewhere.example".into());
        let restricted = domains.restrict(read).unwrap();
        assert_eq!(restricted.account.groups, from_ticket.groups);
        assert_eq!(restricted.dropped.iter().map(|dropped| dropped.sid).collect::<Vec<_>>(), foreign);
        assert_eq!(restricted.account.upn, None);
        assert_eq!(restricted.dropped_upn.as_deref(), Some("alice@elsewhere.example"));
        let unchanged = domains.restrict(from_ticket.clone()).unwrap();
        assert_eq!((unchanged.account, unchanged.dropped), (from_ticket.clone(), vec![]));
        let nowhere = Account { realm: "NOWHERE.EXAMPLE".into(), ..from_ticket };
        assert!(matches!(domains.restrict(nowhere), Err(UntrustedDomain::Realm { .. })));
    }

    #[test]
    fn an_account_of_its_own_domain() {
        let identified = identify_in("CORP.EXAMPLE", &PacContent::user()).unwrap();
        let account = identified.account;
        assert_eq!(account.sid, sid(&format!("{CORP}-1107")));
        assert_eq!((account.realm.as_str(), account.netbios_domain.as_str()), ("CORP.EXAMPLE", "CORP"));
        assert_eq!(account.upn.as_deref(), Some("alice@corp.example"));
        assert_eq!(account.primary_group, sid(&format!("{CORP}-513")));
        let groups: Vec<_> = account.groups.iter().map(ToString::to_string).collect();
        assert_eq!(groups, [format!("{CORP}-513"), format!("{CORP}-1102"), "S-1-18-1".into()]);
        assert_eq!((identified.dropped, identified.dropped_upn), (Vec::new(), None));
    }

    #[test]
    fn a_realm_speaks_for_its_own_domain_only() {
        let user = PacContent::user();
        let refusal = |realm: &str, content: &PacContent| identify_in(realm, content).unwrap_err();
        assert!(matches!(refusal("EVIL.EXAMPLE", &user), UntrustedDomain::Realm { .. }));
        assert!(matches!(refusal("OTHER.EXAMPLE", &user), UntrustedDomain::Sid { .. }));
        let other_name = PacContent { netbios: "OTHER".into(), ..user.clone() };
        assert!(matches!(refusal("CORP.EXAMPLE", &other_name), UntrustedDomain::NetbiosName { .. }));
        let other_dns = PacContent { dns: "OTHER.EXAMPLE".into(), ..user.clone() };
        assert!(matches!(refusal("CORP.EXAMPLE", &other_dns), UntrustedDomain::DnsName { .. }));
        // By RID 0 an account of CORP, but with groups of OTHER.
        let groups_elsewhere =
            PacContent { user_id: 0, domain: sid("S-1-5-21-7-8-9"), extra: vec![(user.upn_sid, 7)], ..user };
        assert!(matches!(refusal("CORP.EXAMPLE", &groups_elsewhere), UntrustedDomain::PrimaryGroup { .. }));
    }

    #[test]
    fn sids_that_the_realm_may_not_assert_are_dropped_and_named() {
        let extra = [
            ("S-1-18-1", None),
            ("S-1-18-2", None),
            (&format!("{CORP}-1105"), None),
            ("S-1-5-65-1", None),
            ("S-1-5-21-0-0-0-497", None),
            ("S-1-5-21-7-8-9-512", Some(DropReason::ForeignDomain)),
            ("S-1-5-21-99-98-97-519", Some(DropReason::ForeignDomain)),
            ("S-1-5-32-544", Some(DropReason::NotAssertable)),
            ("S-1-5-18", Some(DropReason::NotAssertable)),
            ("S-1-1-0", Some(DropReason::NotAssertable)),
        ];
        let content = PacContent {
            extra: extra.iter().map(|(text, _)| (sid(text), 7)).collect(),
            groups: vec![(513, 7), (513, 7), (1102, 0x10)],
            ..PacContent::user()
        };
        let identified = identify_in("CORP.EXAMPLE", &content).unwrap();
        let mut expected_dropped = vec![DroppedSid { sid: sid(&format!("{CORP}-1102")), reason: DropReason::DenyOnly }];
        let mut expected_kept = vec![sid(&format!("{CORP}-513"))];
        for (text, dropped) in extra {
            match dropped {
                Some(reason) => expected_dropped.push(DroppedSid { sid: sid(text), reason }),
                None => expected_kept.push(sid(text)),
            }
        }
        assert_eq!(identified.account.groups, expected_kept);
        assert_eq!(identified.dropped, expected_dropped);
    }

    #[test]
    fn resource_groups_are_the_services_domain_to_give() {
        for (resource_domain, kept) in [(CORP, true), ("S-1-5-21-7-8-9", false)] {
            let content = PacContent {
                resource_domain: Some(sid(resource_domain)),
                resource_groups: vec![(1500, 7)],
                ..PacContent::user()
            };
            let identified = identify_in("CORP.EXAMPLE", &content).unwrap();
            let group = sid(resource_domain).child(1500).unwrap();
            assert_eq!(identified.account.groups.contains(&group), kept);
            assert_eq!(identified.dropped.is_empty(), kept);
        }
        // A user of OTHER at a service of CORP.
        let visitor = PacContent {
            domain: sid("S-1-5-21-7-8-9"),
            upn_sid: sid("S-1-5-21-7-8-9-1107"),
            netbios: "OTHER".into(),
            dns: "other.example".into(),
            resource_domain: Some(sid(CORP)),
            resource_groups: vec![(1500, 7)],
            ..PacContent::user()
        };
        let identified = identify_in("OTHER.EXAMPLE", &visitor).unwrap();
        assert!(identified.account.groups.contains(&sid(&format!("{CORP}-1500"))));
    }

    #[test]
    fn domains_of_one_forest_name_each_others_groups() {
        let content = PacContent { extra: vec![(sid("S-1-5-21-7-8-9-1300"), 7)], ..PacContent::user() };
        for (forests, kept) in [([Some("f"), Some("f")], true), ([Some("f"), Some("g")], false), ([None, None], false)]
        {
            let domains = two_domains().into_iter().zip(forests);
            let domains = domains.map(|(domain, forest)| TrustedDomain { forest: forest.map(Into::into), ..domain });
            let identified = TrustedDomains::new(domains)
                .unwrap()
                .identify("CORP.EXAMPLE", "CORP.EXAMPLE", decode(&content.encode()).unwrap())
                .unwrap();
            assert_eq!(identified.dropped.is_empty(), kept, "{forests:?}");
        }
    }

    #[test]
    fn a_upn_of_somebody_elses_suffix_is_dropped() {
        for (upn, kept) in [
            ("alice@corp.example", true),
            ("alice@CORP.example", true),
            ("a@b@Brand.Example", true),
            ("alice@other.example", false),
            ("alice@evil.corp.example", false),
            ("alice", false),
            ("@corp.example", false),
        ] {
            let identified =
                identify_in("CORP.EXAMPLE", &PacContent { upn: upn.into(), ..PacContent::user() }).unwrap();
            assert_eq!(identified.account.upn.is_some(), kept, "{upn}");
            assert_eq!(identified.dropped_upn.as_deref(), (!kept).then_some(upn));
        }
    }

    #[test]
    fn a_map_is_unambiguous() {
        let [corp, other] = two_domains();
        let twice = TrustedDomain { realm: "Corp.Example".into(), ..other.clone() };
        assert_eq!(
            TrustedDomains::new([corp.clone(), twice]),
            Err(DomainsError::DuplicateRealm("CORP.EXAMPLE".into()))
        );
        let same_sid = TrustedDomain { sid: corp.sid, ..other.clone() };
        assert_eq!(TrustedDomains::new([corp.clone(), same_sid]), Err(DomainsError::DuplicateSid(corp.sid)));
        let no_domain = TrustedDomain { sid: corp.sid.child(500).unwrap(), ..other };
        assert!(matches!(TrustedDomains::new([no_domain]), Err(DomainsError::NoDomainSid { .. })));
    }
}
