//! Strict JSON for what is signed: no member twice, nothing after the end, no deep nesting, no number that readers take for
//! different values (oauth-oidc-prt.md 8.2).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads an object.
///
/// # Errors
/// [`JsonError`].
pub fn read_object(octets: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match read_value(octets)? {
        Value::Object(object) => Ok(object),
        _ => Err(JsonError(String::from("it is no object"))),
    }
}

/// Reads any value.
///
/// # Errors
/// [`JsonError`].
pub(super) fn read_value(octets: &[u8]) -> Result<Value, JsonError> {
    // Strings are checked one by one otherwise, and keys of ignored members not at all.
    let text = std::str::from_utf8(octets).map_err(|_| JsonError(String::from("it is not UTF-8")))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: MAX_DEPTH }.deserialize(&mut reader).map_err(|error| JsonError::from(&error))?;
    reader.end().map_err(|error| JsonError::from(&error))?;
    Ok(value)
}

/// Why a text is not the JSON that is read here. Holds positions and reasons, never what the text said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not acceptable JSON: {0}")]
pub struct JsonError(String);

impl From<&serde_json::Error> for JsonError {
    fn from(error: &serde_json::Error) -> Self {
        let what = if error.is_data() { error.to_string() } else { String::from("the text breaks the grammar") };
        Self(what.chars().take(120).collect())
    }
}

/// Levels of arrays and objects that are read.
const MAX_DEPTH: usize = 8;

/// Reads a value with so many levels below it.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("it is nested too deep"))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map(Value::from).map_err(|_| E::custom("a number is out of range"))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        // Whole numbers beyond 64 bits arrive here too.
        Number::from_f64(value)
            .filter(|_| value.abs() < 9.2e18)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_objects_are_read() {
        let object = read_object(br#" {"a":[1,-2,1.5,"\u00e9",true,null],"b":{"c":{}}} "#).unwrap();
        assert_eq!(Value::Object(object).to_string(), r#"{"a":[1,-2,1.5,"é",true,null],"b":{"c":{}}}"#);
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(read_object(deep(8).as_bytes()).is_ok());
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"b":{"a":1,"a":1}}"#,
            r#"{"a":1} {"#,
            r#"{"a":1}x"#,
            "[1]",
            "1",
            "",
            r#"{"a":9223372036854775808}"#,
            r#"{"a":99999999999999999999}"#,
            r#"{"a":1e400}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1,}"#,
            "{a:1}",
            &deep(9),
            &deep(4000),
        ] {
            assert!(read_object(text.as_bytes()).is_err(), "{text}");
        }
        assert!(read_object(b"{\"a\":\"\xff\"}").is_err());
    }
}
