//! `application/x-www-form-urlencoded` parameters, of a query or of a form.
//!
//! Names are compared without regard to case, as AD FS does. A parameter that counts and comes twice is refused: two readers
//! of one request could take different ones.

use std::borrow::Cow;

use actix_web::http::header;
use zeroize::Zeroizing;

use crate::protocols::http::Call;

/// The parameters of a request, in their order.
#[derive(Debug, Clone, Default)]
pub struct Parameters(Vec<(String, Zeroizing<String>)>);

/// Why text is no list of parameters, or not one to be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// A POST whose body is no form.
    #[error("the request has a body that is no form")]
    ContentType,
    /// More octets than are read.
    #[error("the parameters have {octets} octets, more than {limit}")]
    TooLong {
        /// Their octets.
        octets: usize,
        /// The limit.
        limit: usize,
    },
    /// More parameters than are read.
    #[error("there are more than {limit} parameters")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// A percent sign without two hexadecimal digits.
    #[error("a parameter has a percent sign that stands for nothing")]
    Escape,
    /// Not UTF-8 when decoded.
    #[error("a parameter is not UTF-8")]
    NotText,
    /// The same name twice.
    #[error("the parameter {name} comes twice")]
    Repeated {
        /// The name.
        name: &'static str,
    },
    /// Longer than this parameter may be, or with a character it cannot have.
    #[error("the parameter {name} has a value that cannot be used")]
    Value {
        /// The name.
        name: &'static str,
    },
}

impl Parameters {
    /// Reads parameters.
    ///
    /// # Errors
    /// [`ParameterError`].
    pub fn parse(text: &[u8]) -> Result<Self, ParameterError> {
        Self::parse_up_to(text, MAX_OCTETS)
    }

    /// As [`Parameters::parse`], for a longer text.
    ///
    /// # Errors
    /// [`ParameterError`].
    pub(in crate::protocols) fn parse_up_to(text: &[u8], limit: usize) -> Result<Self, ParameterError> {
        if text.len() > limit {
            return Err(ParameterError::TooLong { octets: text.len(), limit });
        }
        let mut parameters = Vec::new();
        for pair in text.split(|octet| *octet == b'&').filter(|pair| !pair.is_empty()) {
            if parameters.len() == MAX_PARAMETERS {
                return Err(ParameterError::TooMany { limit: MAX_PARAMETERS });
            }
            let mut parts = pair.splitn(2, |octet| *octet == b'=');
            let name = decode(parts.next().unwrap_or_default())?;
            let value = decode(parts.next().unwrap_or_default())?;
            parameters.push((name.to_string(), value));
        }
        Ok(Self(parameters))
    }

    /// Reads the fields of a form that was posted.
    ///
    /// # Errors
    /// [`ParameterError`].
    pub fn of_form(call: &Call) -> Result<Self, ParameterError> {
        let content_type = call.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(ParameterError::ContentType);
        }
        // Tokens of claims providers are large; other forms are not.
        let form = Self::parse_up_to(&call.body, MAX_TOKEN_FORM)?;
        if call.body.len() > MAX_OCTETS && !form.has("wresult") && !form.has("SAMLResponse") {
            return Err(ParameterError::TooLong { octets: call.body.len(), limit: MAX_OCTETS });
        }
        Ok(form)
    }

    /// The value of a parameter; `None` when it is absent or empty.
    ///
    /// # Errors
    /// [`ParameterError::Repeated`].
    pub fn get(&self, name: &'static str) -> Result<Option<&str>, ParameterError> {
        let mut values = self.0.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let value = values.next();
        if values.next().is_some() {
            return Err(ParameterError::Repeated { name });
        }
        Ok(value.map(|value| value.as_str()).filter(|value| !value.is_empty()))
    }

    /// The value of a parameter that has at most `limit` octets and no control characters.
    ///
    /// # Errors
    /// [`ParameterError`].
    pub fn line(&self, name: &'static str, limit: usize) -> Result<Option<&str>, ParameterError> {
        match self.get(name)? {
            Some(value) if value.len() > limit || value.chars().any(char::is_control) => {
                Err(ParameterError::Value { name })
            }
            value => Ok(value),
        }
    }

    /// Whether the parameter is there.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
    }

    /// Every parameter but those of these names, decoded.
    pub fn others(&self, without: &[&str]) -> Vec<(String, String)> {
        let is_named = |name: &str| without.iter().any(|own| name.eq_ignore_ascii_case(own));
        let others = self.0.iter().filter(|(name, _)| !is_named(name));
        others.map(|(name, value)| (name.clone(), value.to_string())).collect()
    }

    /// The parameters as a query, whatever form they came in.
    pub fn to_query(&self) -> String {
        let mut query = String::new();
        for (name, value) in &self.0 {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(&encode(name));
            query.push('=');
            query.push_str(&encode(value));
        }
        query
    }
}

/// A query without the parameters of these names, in whatever spelling, and with others at its end. The rest stays as it was
/// written.
pub fn edit(query: &str, without: &[&str], with: &[(&str, &str)]) -> String {
    let is_named = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        decode(name.as_bytes()).is_ok_and(|name| without.iter().any(|own| name.eq_ignore_ascii_case(own)))
    };
    let mut edited = String::with_capacity(query.len());
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !is_named(pair)).map(Cow::Borrowed);
    // A blank as AD FS writes it there.
    let added = with.iter().map(|(name, value)| Cow::Owned(format!("{name}={}", encode(value).replace("%20", "+"))));
    for pair in kept.chain(added) {
        if !edited.is_empty() {
            edited.push('&');
        }
        edited.push_str(&pair);
    }
    edited
}

/// `text` as a component of a query.
pub fn encode(text: &str) -> Cow<'_, str> {
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() * 2);
    for octet in text.bytes() {
        if is_plain(octet) {
            encoded.push(char::from(octet));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([octet]));
        }
    }
    Cow::Owned(encoded)
}

const fn is_plain(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~')
}

/// A component of a query as text.
///
/// # Errors
/// [`ParameterError::Escape`], [`ParameterError::NotText`].
pub(in crate::protocols) fn decode(text: &[u8]) -> Result<Zeroizing<String>, ParameterError> {
    let mut octets = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        octets.push(match first {
            b'+' => b' ',
            b'%' => {
                let (digits, tail) = tail.split_first_chunk::<2>().ok_or(ParameterError::Escape)?;
                let mut octet = [0];
                hex::decode_to_slice(digits, &mut octet).map_err(|_| ParameterError::Escape)?;
                rest = tail;
                let [octet] = octet;
                octet
            }
            other => *other,
        });
    }
    let text = std::str::from_utf8(&octets).map_err(|_| ParameterError::NotText)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Octets of all parameters together.
const MAX_OCTETS: usize = 16 * 1024;
const MAX_PARAMETERS: usize = 100;
/// Octets of a form with the token of a claims provider.
const MAX_TOKEN_FORM: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Parameters {
        Parameters::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn values_are_decoded_once() {
        let parameters = parse("wctx=a%3Db%26c%252F+d%C3%A9&&wa=wsignin1.0&empty=&bare");
        assert_eq!(parameters.get("wctx"), Ok(Some("a=b&c%2F d\u{e9}")));
        assert_eq!(parameters.get("WA"), Ok(Some("wsignin1.0")), "names as AD FS compares them");
        assert_eq!(parameters.get("empty"), Ok(None));
        assert!(parameters.has("bare") && parameters.has("Empty") && !parameters.has("other"));
    }

    #[test]
    fn two_of_one_name_are_refused_in_any_spelling() {
        for text in ["wreply=a&wreply=b", "wreply=a&WREPLY=b", "wreply=a&wrepl%79=b", "wreply=&wreply=b"] {
            assert_eq!(parse(text).get("wreply"), Err(ParameterError::Repeated { name: "wreply" }), "{text}");
        }
    }

    #[test]
    fn nonsense_and_floods_are_refused() {
        let refused = |text: &[u8]| Parameters::parse(text).unwrap_err();
        for text in ["a=%", "a=%4", "a=%zz", "%"] {
            assert_eq!(refused(text.as_bytes()), ParameterError::Escape, "{text}");
        }
        assert_eq!(refused(b"a=%ff"), ParameterError::NotText);
        assert_eq!(refused(b"a=\xff"), ParameterError::NotText);
        assert!(matches!(refused(&vec![b'a'; MAX_OCTETS + 1]), ParameterError::TooLong { .. }));
        assert!(Parameters::parse(&vec![b'a'; MAX_OCTETS]).is_ok());
        assert!(matches!(refused("a&".repeat(MAX_PARAMETERS + 1).as_bytes()), ParameterError::TooMany { .. }));
    }

    #[test]
    fn lines_have_no_control_characters_and_an_end() {
        assert_eq!(parse("a=b%0Ac").line("a", 10), Err(ParameterError::Value { name: "a" }));
        assert_eq!(parse("a=12345").line("a", 4), Err(ParameterError::Value { name: "a" }));
        assert_eq!(parse("a=12345").line("a", 5), Ok(Some("12345")));
    }

    #[test]
    fn a_query_is_edited_and_the_rest_stays_as_it_was() {
        let query = "wa=wsignin1.0&&wctx=a%20b+c%2f&RedirectToIdentityProvider=x&REDIRECTTOIDENTITYPROVIDER=y&redirect%54oidentityprovider=z&flag";
        assert_eq!(
            edit(
                query,
                &["RedirectToIdentityProvider"],
                &[("RedirectToIdentityProvider", "AD AUTHORITY"), ("username", "a&b=c+\r\n\u{e9}")]
            ),
            "wa=wsignin1.0&wctx=a%20b+c%2f&flag&RedirectToIdentityProvider=AD+AUTHORITY&username=a%26b%3Dc%2B%0D%0A%C3%A9"
        );
        assert_eq!(edit("a=1", &["a"], &[]), "");
        let others = parse("a=1&B=2&b=3&c=%26").others(&["b"]);
        assert_eq!(others, [("a".into(), "1".into()), ("c".into(), "&".into())]);
    }

    proptest::proptest! {
        #[test]
        fn an_edited_query_has_the_new_value_once(query in "[a-zA-Z%0-9=&+]{0,60}", value in ".{0,20}") {
            let edited = edit(&query, &["rti"], &[("rti", &value)]);
            if let Ok(parameters) = Parameters::parse(edited.as_bytes()) {
                proptest::prop_assert_eq!(parameters.get("rti"), Ok(Some(value.as_str()).filter(|value| !value.is_empty())));
            }
        }

        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = Parameters::parse(&octets);
        }

        #[test]
        fn what_is_written_is_read(pairs in proptest::collection::vec(("[a-z]{1,5}", ".{0,20}"), 0..10)) {
            let written = Parameters(pairs.iter().map(|(n, v)| (n.clone(), Zeroizing::new(v.clone()))).collect());
            let query = written.to_query();
            proptest::prop_assert!(query.bytes().all(|octet| is_plain(octet) || b"=&%".contains(&octet)));
            let read = Parameters::parse(query.as_bytes()).unwrap();
            proptest::prop_assert_eq!(read.0, written.0);
        }
    }
}
