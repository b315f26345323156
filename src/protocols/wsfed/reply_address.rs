//! Where a token may be sent: the registered address of a relying party, or one below it (ws-federation.md 6.1).
//!
//! Addresses are compared by their parts, after everything that a browser or the application's server could read in another way
//! was refused: so no spelling leads anywhere but below the registered address.

use crate::protocols::browser::Address;
use crate::trusts::WsFederationSettings;

/// The address the token is sent to: the one the request names when it is registered or below a registered one, otherwise the
/// trust's own, as in AD FS.
pub(super) fn reply_address<'a>(settings: &'a WsFederationSettings, requested: Option<&'a str>) -> &'a str {
    requested.filter(|requested| is_registered(settings, requested)).unwrap_or(&settings.endpoint)
}

/// Whether an address is one of the relying party's, or below one.
pub fn is_registered(settings: &WsFederationSettings, address: &str) -> bool {
    std::iter::once(&settings.endpoint)
        .chain(&settings.additional_endpoints)
        .any(|registered| registered == address || is_below(registered, address))
}

fn is_below(registered: &str, address: &str) -> bool {
    let (Some(registered), Some(address)) = (Address::parse(registered), Address::parse(address)) else { return false };
    let same_place = registered.scheme == address.scheme
        && registered.host.eq_ignore_ascii_case(address.host)
        && registered.port == address.port;
    let below = match address.path.strip_prefix(registered.path) {
        Some(rest) => rest.is_empty() || registered.path.ends_with('/') || rest.starts_with('/'),
        None => false,
    };
    same_place && below && registered.query.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(endpoint: &str) -> WsFederationSettings {
        WsFederationSettings {
            endpoint: endpoint.into(),
            additional_endpoints: vec!["https://second.example/signin?a=b".into()],
        }
    }

    #[test]
    fn a_registered_address_and_what_is_below_it() {
        let settings = settings("https://rp.example/wsfed");
        for requested in [
            "https://rp.example/wsfed",
            "https://RP.example/wsfed",
            "HTTPS://rp.example:443/wsfed",
            "https://rp.example/wsfed/",
            "https://rp.example/wsfed/deep/er?x=1",
            "https://rp.example/wsfed?return=%2Fhome",
            "https://second.example/signin?a=b",
        ] {
            assert_eq!(reply_address(&settings, Some(requested)), requested);
        }
        assert_eq!(reply_address(&settings, None), "https://rp.example/wsfed");
    }

    #[test]
    fn everything_else_gets_the_trusts_own_address() {
        let settings = settings("https://rp.example/wsfed");
        for requested in [
            "https://evil.example/wsfed",
            "https://rp.example/",
            "https://rp.example/wsfed.evil",
            "https://rp.example/wsfedevil",
            "https://rp.example/WSFED",
            "https://rp.example.evil.example/wsfed",
            "https://evil.example/https://rp.example/wsfed",
            "https://rp.example@evil.example/wsfed",
            "https://rp.example:443@evil.example/wsfed",
            "https://evil.example\\@rp.example/wsfed",
            "https://evil.example#@rp.example/wsfed",
            "https://rp.example/wsfed#fragment",
            "https://rp.example:8443/wsfed",
            "http://rp.example/wsfed",
            "http://rp.example:443/wsfed",
            "//rp.example/wsfed",
            "/wsfed",
            "javascript://rp.example/wsfed",
            "javascript:alert(1)",
            "data:text/html,x",
            "https:rp.example/wsfed",
            "https:///rp.example/wsfed",
            "https://rp.example/wsfed/../evil",
            "https://rp.example/wsfed/..",
            "https://rp.example/wsfed/./x",
            "https://rp.example/wsfed/%2e%2e/evil",
            "https://rp.example/wsfed/%2E./evil",
            "https://rp.example/wsfed/..;a/evil",
            "https://rp.example/wsfed/..%2fevil",
            "https://rp.example/wsfed/..%5cevil",
            "https://rp.example/wsfed/%252e%252e/evil",
            "https://rp.example/wsfed\\..\\evil",
            "https://rp.example/wsfed/\u{2025}/x",
            "https://rp.example/wsfed\r\nSet-Cookie: a=b",
            "https://rp.example/wsfed/\"onload=x",
            "https://rp.example/wsfed/<script>",
            " https://rp.example/wsfed",
            "https://rp.example/wsfed ",
            "https://rp.example./wsfed",
            "https://[::1]/wsfed",
            "https://rp.example:99999/wsfed",
            "https://rp.example:/wsfed",
            "https://second.example/signin",
            "https://second.example/signin?a=b&c=d",
            "https://second.example/signin/x?a=b",
            "",
        ] {
            assert_eq!(reply_address(&settings, Some(requested)), "https://rp.example/wsfed", "{requested:?}");
        }
        let long = format!("https://rp.example/wsfed/{}", "a".repeat(2048));
        assert_eq!(reply_address(&settings, Some(&long)), "https://rp.example/wsfed");
    }

    #[test]
    fn a_whole_site_can_be_registered() {
        for site in ["https://rp.example", "https://rp.example/"] {
            let settings = settings(site);
            assert!(is_registered(&settings, "https://rp.example/anything/below"), "{site}");
            assert!(!is_registered(&settings, "https://rp.example.evil.example/"), "{site}");
        }
    }

    proptest::proptest! {
        /// Whatever is accepted begins with the registered host and path, character by character.
        #[test]
        fn nothing_accepted_leads_elsewhere(tail in "[-/.;:%@?#a-zA-Z0-9\\\\]{0,20}") {
            let settings = settings("https://rp.example/wsfed");
            let requested = format!("https://rp.example{tail}");
            if reply_address(&settings, Some(&requested)) == requested {
                proptest::prop_assert!(tail.starts_with("/wsfed") || tail.starts_with(":443/wsfed"), "{requested}");
                let path = tail.split('?').next().unwrap();
                proptest::prop_assert!(!path.split('/').any(|segment| segment == "..") && !path.contains('\\'), "{requested}");
            }
        }
    }
}
