//! Names of claims providers: unique over all trust files, and the right ones in the lists of relying parties.

use std::collections::BTreeMap;

use super::{ClaimsProviders, RelyingParty};
use crate::claims::types::issuer::{AD_AUTHORITY, CLIENT_CONTEXT, LOCAL_AUTHORITY, SELF_AUTHORITY};
use crate::config::diagnostic::{Code, Place, Report};
use crate::config::document::Document;
use crate::config::names::DnsName;
use crate::config::suggest;

/// What the trust files read so far call claims providers.
#[derive(Debug)]
pub(crate) struct ProviderNames {
    /// Identifier, and whose it is.
    pub(super) identifiers: BTreeMap<String, String>,
    /// Name, and the identifier of the trust with it.
    pub(super) names: BTreeMap<String, String>,
    /// Suffix, and whose it is.
    pub(super) suffixes: BTreeMap<DnsName, String>,
    /// Identifier of each trust, and whether it can sign somebody in.
    pub(super) trusts: BTreeMap<String, bool>,
}

/// An entry of the list of a relying party: which, what it says, and where. Without a place when it has a finding already.
#[derive(Debug)]
pub(crate) struct ListedProvider {
    /// The entry.
    pub(super) text: String,
    /// Its place.
    pub(super) place: Option<Place>,
}

/// The entries of the list at `key` with their places; what they mean is known when every trust file was read.
pub(crate) fn listed(entries: Option<&Vec<String>>, key: &str, document: &Document<'_>) -> Vec<ListedProvider> {
    let entries = entries.into_iter().flatten().enumerate();
    entries
        .map(|(i, text)| ListedProvider { text: text.clone(), place: document.place(&format!("{key}.{i}")) })
        .collect()
}

impl ProviderNames {
    /// The names that no trust file may take: those this server vouches under itself, its own identifier, and the suffixes of its
    /// own domains.
    pub(crate) fn new<'a>(service_identifier: Option<&str>, suffixes: impl IntoIterator<Item = &'a DnsName>) -> Self {
        let reserved = RESERVED.iter().map(|name| ((*name).to_owned(), String::from("this server itself")));
        let own = service_identifier.map(|own| (own.to_owned(), String::from("this federation service")));
        let local = |name: &str| (name.to_owned(), AD_AUTHORITY.to_owned());
        let domains = suffixes.into_iter().map(|suffix| (suffix.clone(), String::from("a domain of `chancery.toml`")));
        Self {
            identifiers: reserved.chain(own).collect(),
            names: [local(AD_AUTHORITY), local(LOCAL_NAME)].into_iter().collect(),
            suffixes: domains.collect(),
            trusts: std::iter::once((AD_AUTHORITY.to_owned(), true)).collect(),
        }
    }

    /// The identifier that an entry of a list means: an identifier, or a name.
    fn identifier<'a>(&'a self, entry: &'a str) -> Option<&'a str> {
        if self.trusts.contains_key(entry) { Some(entry) } else { self.names.get(entry).map(String::as_str) }
    }
}

/// Puts identifiers in place of names in the list of a relying party, after every trust file was read. Findings for entries that
/// mean nothing, and for a list by which nobody can sign in.
pub(crate) fn resolve_lists(
    trust: &mut RelyingParty,
    list: &[ListedProvider],
    names: &ProviderNames,
    report: &mut Report,
) {
    let ClaimsProviders::Listed(identifiers) = &mut trust.claims_providers else { return };
    let mut known = Vec::new();
    for entry in list {
        if let Some(identifier) = names.identifier(&entry.text) {
            known.push(identifier.to_owned());
        } else if let Some(place) = &entry.place {
            let all = names.names.iter().flat_map(|(name, identifier)| [name.as_str(), identifier.as_str()]);
            let help = match suggest::nearest(&entry.text, all) {
                Some(near) => format!("did you mean `{near}`?"),
                None => String::from("write the name or identifier of a `[claims_provider]`, or `AD AUTHORITY`"),
            };
            let message = format!("there is no claims provider `{}`", entry.text);
            report.error(Code::InvalidValue, place.clone(), message, help);
        }
    }
    if !known.iter().any(|identifier| names.trusts.get(identifier) == Some(&true))
        && let Some(place) = list.iter().find_map(|entry| entry.place.clone())
    {
        let message =
            "nobody can sign in: no claims provider of the list is there, enabled and of a protocol that works";
        report.warning(Code::Advice, place, message, format!("add `\"{AD_AUTHORITY}\"`, or enable one of them"));
    }
    *identifiers = known;
}

/// What AD FS calls the local Active Directory in its lists (`Set-AdfsRelyingPartyTrust -ClaimsProviderName`).
const LOCAL_NAME: &str = "Active Directory";
/// Issuers of claims that this server makes itself.
const RESERVED: [&str; 5] = [AD_AUTHORITY, LOCAL_AUTHORITY, SELF_AUTHORITY, CLIENT_CONTEXT, LOCAL_NAME];
