//! `StringProcessing`: what the rule language has no function for.
//!
//! The queries of Microsoft's sample store of that name, so that its rules run unchanged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{AttributeStore, QueryContext, Rows, StoreError, StoreQuery};
use crate::claims::Text;

/// The name the store has in Microsoft's sample.
pub const NAME: &str = "StringProcessing";

/// What the store does with its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StringFunction {
    /// `toUpper`
    ToUpper,
    /// `toLower`
    ToLower,
    /// `base64`, of the text's UTF-8.
    Base64,
}

impl StringFunction {
    /// The function a query names. Names are compared character by character, as in the sample.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn parse(query: &str) -> Result<Self, StoreError> {
        match query.trim() {
            "toUpper" => Ok(Self::ToUpper),
            "toLower" => Ok(Self::ToLower),
            "base64" => Ok(Self::Base64),
            other => Err(StoreError::Query {
                reason: format!("there is no function '{other}'; there are toUpper, toLower and base64"),
            }),
        }
    }

    fn apply(self, text: &str) -> Text {
        match self {
            Self::ToUpper => text.to_uppercase().into(),
            Self::ToLower => text.to_lowercase().into(),
            Self::Base64 => STANDARD.encode(text).into(),
        }
    }
}

/// One row with one cell: the function's value of the first parameter.
#[derive(Debug, Clone, Copy, Default)]
pub struct StringProcessingStore;

#[async_trait::async_trait]
impl AttributeStore for StringProcessingStore {
    async fn query(&self, _: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        let function = StringFunction::parse(query.text())?;
        match params {
            [text] => Ok(Rows(vec![vec![Some(function.apply(text))]])),
            _ => Err(StoreError::Query { reason: format!("one param is needed, not {}", params.len()) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(query: &str, params: &[&str]) -> Result<Rows, StoreError> {
        let params: Vec<Text> = params.iter().map(|param| Text::from(*param)).collect();
        let query = StoreQuery::new(NAME, query, vec![Text::from("t")]);
        StringProcessingStore.query(&QueryContext::default(), &query, &params).await
    }

    #[tokio::test]
    async fn functions_of_one_text() {
        for (query, text, expected) in [
            ("toUpper", "Straße é", "STRASSE É"),
            (" toLower ", "ÉMILE", "émile"),
            ("base64", "é", "w6k="),
            ("base64", "", ""),
        ] {
            assert_eq!(ask(query, &[text]).await, Ok(Rows(vec![vec![Some(expected.into())]])), "{query}");
        }
        for (query, params) in [("toupper", &["x"][..]), ("toUpper", &[]), ("toUpper", &["x", "y"]), ("", &["x"])] {
            assert!(matches!(ask(query, params).await, Err(StoreError::Query { .. })), "{query} {params:?}");
        }
    }
}
