//! Addresses of this service as clients write them: `https://STS.corp.example:443/adfs/` and `https://sts.corp.example/adfs` are one.
//!
//! Only for asking whether what somebody names is ours. Where answers go is compared character by character, elsewhere.

/// Whether two https addresses are one: scheme and host without regard to case, port 443 where none is named, path without regard
/// to case or to a slash at its end, and the query as it stands.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    matches!((split(one), split(other)), (Some(one), Some(other)) if one == other)
}

/// Host and port of an https address, in lower case and without port 443.
pub(crate) fn authority(address: &str) -> Option<String> {
    split(address).map(|(authority, _, _)| authority)
}

/// Authority, path and query.
fn split(address: &str) -> Option<(String, String, String)> {
    let rest = address.get(..8).filter(|scheme| scheme.eq_ignore_ascii_case("https://")).and(address.get(8..))?;
    let (authority, path) = rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at));
    let authority = authority.to_ascii_lowercase();
    let authority = authority.strip_suffix(":443").unwrap_or(&authority).to_owned();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Some((authority, path.trim_end_matches('/').to_ascii_lowercase(), query.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        let issuer = "https://sts.corp.example/adfs";
        for same in ["https://sts.corp.example:443/adfs", "HTTPS://STS.corp.example/ADFS/", issuer] {
            assert!(is_same(issuer, same) && is_same(same, issuer), "{same}");
        }
        for other in [
            "http://sts.corp.example/adfs",
            "https://sts.corp.example:444/adfs",
            "https://sts.corp.example:4430/adfs",
            "https://sts.corp.example/adfs?x",
            "https://sts.corp.example/adfs#x",
            "https://sts.corp.example/adfs/oauth2",
            "https://sts.corp.example@evil.example/adfs",
            "https://sts.corp.example.evil.example/adfs",
            "sts.corp.example/adfs",
            "common",
            "",
        ] {
            assert!(!is_same(issuer, other), "{other}");
        }
        assert_eq!(authority("https://Sts.corp.example:443#x").as_deref(), Some("sts.corp.example"));
        assert_eq!(authority("https://sts.corp.example:444/").as_deref(), Some("sts.corp.example:444"));
        assert_eq!(authority("ftp://sts.corp.example"), None);
    }
}
