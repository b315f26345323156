//! Cookies: what a browser sends, and what it is told to keep.
//!
//! Long values go in pieces, as AD FS sends them (`MSISAuth`, `MSISAuth1`, …); the first piece says how many there are, so that
//! pieces of an older value are never taken for a part of a newer one. Knows names and attributes; the values are sealed text.

use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};

use crate::protocols::http::Call;

/// The cookies of a request. Of two with one name the first counts, which is the one with the longer path.
#[derive(Debug, Clone, Default)]
pub struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// Those of a request.
    pub fn of(call: &Call) -> Self {
        let headers = call.headers.get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
        Self::parse(headers)
    }

    fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Self {
        let pairs = headers.flat_map(|header| header.split(';')).take(MAX_COOKIES).filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            Some((name.to_owned(), value.trim_matches('"').to_owned()))
        });
        Self(pairs.collect())
    }

    /// The value of a cookie.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The value of a cookie that came in pieces.
    pub fn get_long(&self, name: &str) -> Option<String> {
        let (count, first) = self.get(name)?.split_once('.')?;
        let count: usize = count.parse().ok().filter(|count| (1..=MAX_PIECES).contains(count))?;
        let mut value = first.to_owned();
        for piece in 1..count {
            value.push_str(self.get(&format!("{name}{piece}"))?);
        }
        Some(value)
    }
}

/// What browsers are told to do with a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Until they are closed.
    Session,
    /// For so long.
    For(Duration),
    /// No more.
    Forget,
}

/// A cookie for the pages below `/adfs`. Sign-in requests come from other sites, by POST too, so it is sent with those.
pub fn set(name: &str, value: &str, keep: Keep) -> Option<(HeaderName, HeaderValue)> {
    line(name, value, "/adfs", keep)
}

/// A cookie that only this host can have set: no neighbour under the same domain can put it there.
pub fn set_for_host(name: &str, value: &str, keep: Keep) -> Option<(HeaderName, HeaderValue)> {
    line(&format!("{HOST_PREFIX}{name}"), value, "/", keep)
}

/// A long value in pieces; `None` when it has too many.
pub fn set_long(name: &str, value: &str, keep: Keep) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let pieces: Vec<&str> = value.as_bytes().chunks(PIECE).map(std::str::from_utf8).collect::<Result<_, _>>().ok()?;
    if pieces.is_empty() || pieces.len() > MAX_PIECES {
        return None;
    }
    let cookies = pieces.iter().enumerate().map(|(place, piece)| match place {
        0 => set(name, &format!("{}.{piece}", pieces.len()), keep),
        _ => set(&format!("{name}{place}"), piece, keep),
    });
    cookies.collect()
}

/// Tells the browser to forget a cookie and all its pieces that it sent.
pub fn forget(name: &str, sent: &Cookies) -> Vec<(HeaderName, HeaderValue)> {
    let pieces = (1..MAX_PIECES).map(|piece| format!("{name}{piece}"));
    let names = std::iter::once(name.to_owned()).chain(pieces).filter(|name| sent.get(name).is_some());
    names.filter_map(|name| set(&name, "", Keep::Forget)).collect()
}

fn line(name: &str, value: &str, path: &str, keep: Keep) -> Option<(HeaderName, HeaderValue)> {
    let lifetime = match keep {
        Keep::Session => String::new(),
        Keep::For(time) => format!("; Max-Age={}", time.as_secs()),
        Keep::Forget => String::from("; Max-Age=0"),
    };
    let text = format!("{name}={value}; Path={path}; Secure; HttpOnly; SameSite=None{lifetime}");
    HeaderValue::from_str(&text).ok().map(|value| (header::SET_COOKIE, value))
}

/// Browsers take a cookie with this prefix only from the host itself, over TLS, for every path.
pub const HOST_PREFIX: &str = "__Host-";
/// Characters of one piece.
const PIECE: usize = 2000;
const MAX_PIECES: usize = 4;
/// Cookies that are looked at.
const MAX_COOKIES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(headers: &[(HeaderName, HeaderValue)]) -> Cookies {
        let pairs: Vec<&str> =
            headers.iter().map(|(_, value)| value.to_str().unwrap().split(';').next().unwrap()).collect();
        Cookies::parse([pairs.join("; ")].iter().map(String::as_str))
    }

    #[test]
    fn a_long_value_comes_back_whole() {
        for length in [1, PIECE - 1, PIECE, PIECE + 1, MAX_PIECES * PIECE] {
            let value = "x".repeat(length);
            let headers = set_long("MSISAuth", &value, Keep::Session).unwrap();
            assert_eq!(headers.len(), length.div_ceil(PIECE));
            assert!(headers.iter().all(|(_, value)| value.len() < 2100));
            assert_eq!(sent(&headers).get_long("MSISAuth").as_deref(), Some(&*value));
        }
        assert_eq!(set_long("MSISAuth", &"x".repeat(MAX_PIECES * PIECE + 1), Keep::Session), None);
        assert_eq!(set_long("MSISAuth", "", Keep::Session), None);
    }

    #[test]
    fn pieces_of_an_older_value_do_no_harm() {
        let mut headers = set_long("MSISAuth", "short", Keep::Session).unwrap();
        headers.extend(set("MSISAuth1", "old", Keep::Session));
        assert_eq!(sent(&headers).get_long("MSISAuth").as_deref(), Some("short"));
        let names: Vec<String> = forget("MSISAuth", &sent(&headers))
            .iter()
            .map(|(_, value)| value.to_str().unwrap().split('=').next().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["MSISAuth", "MSISAuth1"]);
    }

    #[test]
    fn nonsense_is_no_value() {
        for header in ["MSISAuth=x", "MSISAuth=0.x", "MSISAuth=5.x", "MSISAuth=2.x", "MSISAuth=-1.x", "MSISAuth", ""] {
            assert_eq!(Cookies::parse([header].into_iter()).get_long("MSISAuth"), None, "{header}");
        }
        assert_eq!(Cookies::parse(["a=1; a=2"].into_iter()).get("a"), Some("1"));
    }

    #[test]
    fn attributes_are_those_that_protect() {
        let (_, value) = set("MSISAuth", "x", Keep::Session).unwrap();
        assert_eq!(value.to_str().unwrap(), "MSISAuth=x; Path=/adfs; Secure; HttpOnly; SameSite=None");
        let (_, value) = set_for_host("b", "x", Keep::For(Duration::from_mins(1))).unwrap();
        assert_eq!(value.to_str().unwrap(), "__Host-b=x; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=60");
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_read(header in ".{0,200}") {
            let cookies = Cookies::parse([header.as_str()].into_iter());
            let _ = cookies.get_long("MSISAuth");
        }
    }
}
