//! Web addresses in their parts, after everything that a browser or a server could read in another way was refused.
//!
//! What an address is good for is for those who ask to know.

/// Scheme and host of an address, as policies name them.
pub(in crate::protocols) fn origin(address: &str) -> Option<String> {
    let Address { scheme, host, port, .. } = Address::parse(address)?;
    Some(match (scheme, port) {
        (Scheme::Https, 443) => format!("https://{host}"),
        (Scheme::Http, 80) => format!("http://{host}"),
        (Scheme::Https, port) => format!("https://{host}:{port}"),
        (Scheme::Http, port) => format!("http://{host}:{port}"),
    })
}

/// An address in its parts.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::protocols) struct Address<'a> {
    /// `http` or `https`.
    pub(in crate::protocols) scheme: Scheme,
    /// As it was written.
    pub(in crate::protocols) host: &'a str,
    /// The scheme's own when none is written.
    pub(in crate::protocols) port: u16,
    /// `/` when there is none.
    pub(in crate::protocols) path: &'a str,
    /// Behind the question mark.
    pub(in crate::protocols) query: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocols) enum Scheme {
    /// `https`.
    Https,
    /// `http`.
    Http,
}

impl<'a> Address<'a> {
    /// The parts of an address that has one reading only.
    pub(in crate::protocols) fn parse(text: &'a str) -> Option<Self> {
        let odd = |octet: u8| !octet.is_ascii_graphic() || b"\\\"<>^`{|}#".contains(&octet);
        if text.len() > MAX_OCTETS || text.bytes().any(odd) {
            return None;
        }
        let (scheme, rest) = match text.split_once("://")? {
            (scheme, rest) if scheme.eq_ignore_ascii_case("https") => (Scheme::Https, rest),
            (scheme, rest) if scheme.eq_ignore_ascii_case("http") => (Scheme::Http, rest),
            _ => return None,
        };
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at_checked(slash)?,
            None => (rest, "/"),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => (host, port.parse().ok()?),
            Some(_) => return None,
            None => (authority, if scheme == Scheme::Https { 443 } else { 80 }),
        };
        let plain_host = host.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_'));
        (plain_host && !host.is_empty() && has_one_reading(path)).then_some(Self { scheme, host, port, path, query })
    }
}

/// Whether no part of a path moves it elsewhere, for whoever reads it: dots, slashes or percent signs in disguise.
fn has_one_reading(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    if ["%2f", "%5c", "%25", "%00"].iter().any(|disguise| lower.contains(disguise)) {
        return false;
    }
    // Parameters of a segment are left out, as some servers do: `/..;x/` is `/../` to them.
    let mut segments =
        lower.split('/').map(|segment| segment.split(';').next().unwrap_or_default().replace("%2e", "."));
    !segments.any(|segment| segment == "." || segment == "..")
}

const MAX_OCTETS: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_policies_name() {
        assert_eq!(origin("https://rp.example/x?y").as_deref(), Some("https://rp.example"));
        assert_eq!(origin("https://rp.example:8443/").as_deref(), Some("https://rp.example:8443"));
        assert_eq!(origin("https://rp.example; script-src *"), None);
    }
}
