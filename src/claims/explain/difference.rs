//! How a text differs from the one a rule wants, where the difference is a usual slip.

/// The difference between what a claim has and what a test wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// Upper and lower case only.
    Case,
    /// `http` in one, `https` in the other.
    Scheme,
    /// Blanks at an end.
    Blanks,
    /// A slash at the end.
    TrailingSlash,
    /// Two claim types with the same last part.
    Namespace,
    /// Another text.
    Text,
    /// The pattern is not found in it, but would be without regard to case.
    PatternCase,
    /// The pattern is not found in it.
    Pattern,
    /// It is what a `!=` or `!~` excludes.
    Excluded,
}

impl Difference {
    /// Between two texts that are not equal.
    pub(super) fn between(found: &str, wanted: &str) -> Self {
        let without_scheme = |text: &str| {
            let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            text.map(str::to_owned)
        };
        let without_slash = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
        if found.trim() == wanted.trim() {
            Self::Blanks
        } else if found.to_lowercase() == wanted.to_lowercase() {
            Self::Case
        } else if without_scheme(found).is_some_and(|rest| Some(rest) == without_scheme(wanted)) {
            Self::Scheme
        } else if without_slash(found) == without_slash(wanted) {
            Self::TrailingSlash
        } else {
            Self::Text
        }
    }

    /// Between two claim types: also alike are those with the same last part, `…/claims/UPN` and `…/identity/claims/upn`.
    pub(super) fn between_types(found: &str, wanted: &str) -> Self {
        let last = |text: &str| text.rsplit(['/', ':']).next().unwrap_or_default().to_lowercase();
        match Self::between(found, wanted) {
            Self::Text if !last(wanted).is_empty() && last(found) == last(wanted) => Self::Namespace,
            difference => difference,
        }
    }

    /// Whether the two texts were probably meant to be the same.
    pub const fn is_slip(self) -> bool {
        matches!(
            self,
            Self::Case | Self::Scheme | Self::Blanks | Self::TrailingSlash | Self::Namespace | Self::PatternCase
        )
    }

    /// What to know about it, for people.
    pub const fn advice(self) -> Option<&'static str> {
        match self {
            Self::Case => Some("they differ in upper and lower case only, and == is exact"),
            Self::Scheme => Some("one says http, the other https; claim types of Microsoft begin with http://"),
            Self::Blanks => Some("they differ in blanks at an end only"),
            Self::TrailingSlash => Some("they differ in a slash at the end only"),
            Self::Namespace => Some("two claim types with the same last part are two claim types"),
            Self::PatternCase => Some("upper and lower case matter in a pattern unless it says (?i)"),
            Self::Text | Self::Pattern | Self::Excluded => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_slips_are_told_apart() {
        for (found, wanted, difference) in [
            ("Sales", "sales", Difference::Case),
            ("Sales ", "Sales", Difference::Blanks),
            ("http://a/b", "https://a/b", Difference::Scheme),
            ("urn:a/", "urn:a", Difference::TrailingSlash),
            ("a", "b", Difference::Text),
            ("http://x/claims/UPN", "http://y/identity/claims/upn", Difference::Text),
        ] {
            assert_eq!(Difference::between(found, wanted), difference, "{found} {wanted}");
        }
        let types = Difference::between_types("http://x/claims/UPN", "http://y/identity/claims/upn");
        assert_eq!(types, Difference::Namespace);
        assert_eq!(Difference::between_types("urn:a:b", "urn:a:c"), Difference::Text);
    }
}
