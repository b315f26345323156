//! Cookies: what a browser sends, and what it is told to keep.
//!
//! Long values go in pieces, as AD FS sends them (`MSISAuth`, `MSISAuth1`, …); the first piece says how many there are, so that
//! pieces of an older value are never taken for a part of a newer one. There are no cookies but those of [`Cookie`], and each has
//! its share of what balancers take as one header field: nothing here can make a request too large. Knows names, sizes and
//! attributes; the values are sealed text.

use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};

use crate::protocols::http::Call;

/// Every cookie of this service. Names are those of AD FS where it has the cookie, because programs look for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The session, in pieces.
    Session,
    /// When its user was authenticated.
    Authenticated,
    /// The relying parties that were signed in to.
    Participants,
    /// When tokens were issued lately.
    Loop,
    /// Where the person chose to sign in.
    HomeRealm,
    /// A random number that ties a page to its browser. Only this host can have set it: no neighbour under the same domain can
    /// put it there.
    Browser,
    /// The device that was proved a moment ago.
    Device,
    /// The browser has no device to prove.
    NoDevice,
    /// Negotiate failed a moment ago.
    SkipWindows,
}

impl Cookie {
    /// All of them.
    pub const ALL: [Self; Self::SkipWindows as usize + 1] = [
        Self::Session,
        Self::Authenticated,
        Self::Participants,
        Self::Loop,
        Self::HomeRealm,
        Self::Browser,
        Self::Device,
        Self::NoDevice,
        Self::SkipWindows,
    ];

    /// Its name; of one in pieces, that of the first.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "MSISAuth",
            Self::Authenticated => "MSISAuthenticated",
            Self::Participants => "MSISSignOut",
            Self::Loop => "MSISLoopDetectionCookie",
            Self::HomeRealm => "MSISIPSelectionPersistent",
            // Browsers take a cookie with this prefix only from the host itself, over TLS, for every path.
            Self::Browser => "__Host-Chancery-Browser",
            Self::Device => "Chancery-Device",
            Self::NoDevice => "Chancery-NoDevice",
            Self::SkipWindows => "Chancery-SkipWindows",
        }
    }

    /// Most characters of its value. This is the one place where they are shared out: together with the names they are less than
    /// [`MAX_HEADER`], or this does not compile.
    pub const fn most(self) -> usize {
        match self {
            Self::Session => 4900,
            Self::Authenticated | Self::Browser => 32,
            Self::Participants => 1950,
            Self::Loop => 490,
            Self::HomeRealm => 400,
            Self::Device => 120,
            Self::NoDevice | Self::SkipWindows => 1,
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Browser => "/",
            _ => "/adfs",
        }
    }

    /// Octets that a browser sends for it at most, with what stands between two cookies.
    const fn most_sent(self) -> usize {
        let pieces = self.most().div_ceil(PIECE);
        // `; name=`, and for a further piece its number; how many there are stands in front of a value in pieces.
        pieces * (self.name().len() + 3) + (pieces - 1) + 2 + self.most()
    }
}

/// Octets that a browser sends for these at most. They stand in the order in which they are declared, so that none is left out.
const fn most_sent(cookies: &[Cookie], place: usize) -> usize {
    match cookies {
        [] => 0,
        [first, rest @ ..] => {
            assert!(*first as usize == place);
            first.most_sent() + most_sent(rest, place + 1)
        }
    }
}

const _: () =
    assert!(most_sent(&Cookie::ALL, 0) <= MAX_HEADER, "all cookies together are larger than a header field may be");

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
    pub fn get(&self, cookie: Cookie) -> Option<&str> {
        self.named(cookie.name())
    }

    /// The value of a cookie that is not this service's own: a client's, by its name.
    pub fn named(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The value of the session's cookie, which comes in pieces.
    pub fn session(&self) -> Option<String> {
        let (count, first) = self.get(Cookie::Session)?.split_once('.')?;
        let count: usize = count.parse().ok().filter(|count| (1..=MAX_PIECES).contains(count))?;
        let mut value = first.to_owned();
        for piece in 1..count {
            value.push_str(self.named(&piece_name(piece))?);
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

/// A cookie; `None` when it is larger than its share. Sign-in requests come from other sites, by POST too, so it is sent with those.
pub fn set(cookie: Cookie, value: &str, keep: Keep) -> Option<(HeaderName, HeaderValue)> {
    (value.len() <= cookie.most()).then(|| line(cookie, cookie.name(), value, keep))?
}

/// The session's cookie, in pieces; `None` when it is larger than its share, or empty.
pub fn set_session(value: &str, keep: Keep) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let cookie = Cookie::Session;
    let pieces: Vec<&str> = value.as_bytes().chunks(PIECE).map(std::str::from_utf8).collect::<Result<_, _>>().ok()?;
    if pieces.is_empty() || value.len() > cookie.most() {
        return None;
    }
    let cookies = pieces.iter().enumerate().map(|(place, piece)| match place {
        0 => line(cookie, cookie.name(), &format!("{}.{piece}", pieces.len()), keep),
        _ => line(cookie, &piece_name(place), piece, keep),
    });
    cookies.collect()
}

/// Tells the browser to forget a cookie and all its pieces that it sent.
pub fn forget(cookie: Cookie, sent: &Cookies) -> Vec<(HeaderName, HeaderValue)> {
    let pieces = (1..MAX_PIECES).filter(|_| cookie == Cookie::Session).map(piece_name);
    let names = std::iter::once(cookie.name().to_owned()).chain(pieces).filter(|name| sent.named(name).is_some());
    names.filter_map(|name| line(cookie, &name, "", Keep::Forget)).collect()
}

fn piece_name(piece: usize) -> String {
    format!("{}{piece}", Cookie::Session.name())
}

fn line(cookie: Cookie, name: &str, value: &str, keep: Keep) -> Option<(HeaderName, HeaderValue)> {
    let lifetime = match keep {
        Keep::Session => String::new(),
        Keep::For(time) => format!("; Max-Age={}", time.as_secs()),
        Keep::Forget => String::from("; Max-Age=0"),
    };
    let text = format!("{name}={value}; Path={}; Secure; HttpOnly; SameSite=None{lifetime}", cookie.path());
    HeaderValue::from_str(&text).ok().map(|value| (header::SET_COOKIE, value))
}

/// Octets of a header field that every balancer and server takes: 8 KiB, with its name.
pub const MAX_HEADER: usize = 8 * 1024 - "Cookie: \r\n".len();
/// Characters of one piece.
const PIECE: usize = 2000;
const MAX_PIECES: usize = Cookie::Session.most().div_ceil(PIECE);
/// Cookies that are looked at.
const MAX_COOKIES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(headers: &[(HeaderName, HeaderValue)]) -> String {
        let pairs: Vec<&str> =
            headers.iter().map(|(_, value)| value.to_str().unwrap().split(';').next().unwrap()).collect();
        pairs.join("; ")
    }

    fn sent(headers: &[(HeaderName, HeaderValue)]) -> Cookies {
        Cookies::parse([header_of(headers)].iter().map(String::as_str))
    }

    /// Each filled to its most: what a browser sends with one request.
    #[test]
    fn all_cookies_together_pass_as_one_header_field() {
        let mut headers = Vec::new();
        for cookie in Cookie::ALL {
            let value = "x".repeat(cookie.most());
            match cookie {
                Cookie::Session => headers.extend(set_session(&value, Keep::Session).unwrap()),
                _ => headers.extend(set(cookie, &value, Keep::Session)),
            }
            assert_eq!(set(cookie, &format!("{value}x"), Keep::Session), None, "{cookie:?}");
        }
        assert_eq!(headers.len(), Cookie::ALL.len() + MAX_PIECES - 1);
        let header = format!("Cookie: {}\r\n", header_of(&headers));
        assert!(header.len() <= 8192, "{}", header.len());
        assert_eq!(sent(&headers).session().map(|value| value.len()), Some(Cookie::Session.most()));
    }

    #[test]
    fn a_long_value_comes_back_whole() {
        for length in [1, PIECE - 1, PIECE, PIECE + 1, Cookie::Session.most()] {
            let value = "x".repeat(length);
            let headers = set_session(&value, Keep::Session).unwrap();
            assert_eq!(headers.len(), length.div_ceil(PIECE));
            assert!(headers.iter().all(|(_, value)| value.len() < 2100));
            assert_eq!(sent(&headers).session().as_deref(), Some(&*value));
        }
        assert_eq!(set_session(&"x".repeat(Cookie::Session.most() + 1), Keep::Session), None);
        assert_eq!(set_session("", Keep::Session), None);
    }

    #[test]
    fn pieces_of_an_older_value_do_no_harm() {
        let mut headers = set_session("short", Keep::Session).unwrap();
        headers.extend(line(Cookie::Session, "MSISAuth1", "old", Keep::Session));
        assert_eq!(sent(&headers).session().as_deref(), Some("short"));
        let names: Vec<String> = forget(Cookie::Session, &sent(&headers))
            .iter()
            .map(|(_, value)| value.to_str().unwrap().split('=').next().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["MSISAuth", "MSISAuth1"]);
    }

    #[test]
    fn nonsense_is_no_value() {
        for header in ["MSISAuth=x", "MSISAuth=0.x", "MSISAuth=5.x", "MSISAuth=2.x", "MSISAuth=-1.x", "MSISAuth", ""] {
            assert_eq!(Cookies::parse([header].into_iter()).session(), None, "{header}");
        }
        assert_eq!(Cookies::parse(["a=1; a=2"].into_iter()).named("a"), Some("1"));
    }

    #[test]
    fn attributes_are_those_that_protect() {
        let (_, value) = set(Cookie::NoDevice, "x", Keep::Session).unwrap();
        assert_eq!(value.to_str().unwrap(), "Chancery-NoDevice=x; Path=/adfs; Secure; HttpOnly; SameSite=None");
        let (_, value) = set(Cookie::Browser, "x", Keep::For(Duration::from_mins(1))).unwrap();
        assert_eq!(
            value.to_str().unwrap(),
            "__Host-Chancery-Browser=x; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=60"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_read(header in ".{0,200}") {
            let cookies = Cookies::parse([header.as_str()].into_iter());
            let _ = cookies.session();
        }
    }
}
