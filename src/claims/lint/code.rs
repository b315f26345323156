//! The kinds of advice, their names and weights.

use std::fmt;

/// How much a piece of advice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LintSeverity {
    /// The rule does not do what it says.
    Warning,
    /// Worth a look; the rule may well be right.
    Advice,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $severity:ident;)*) => {
        /// The kind of advice, named as in the documentation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum LintCode { $($(#[$doc])* $variant),* }

        impl LintCode {
            /// Every kind, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name, stable across versions.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// How much it matters.
            pub const fn severity(self) -> LintSeverity {
                match self { $(Self::$variant => LintSeverity::$severity),* }
            }
        }
    };
}

codes! {
    /// A known claim type with `https://`.
    HttpsClaimType = "https-claim-type", Warning;
    /// Another URI of the claims namespaces with `https://`.
    HttpsUri = "https-uri", Warning;
    /// A claim type that differs a little from a known one.
    NearlyKnownType = "nearly-known-type", Warning;
    /// A claim type nothing is known of.
    UnknownClaimType = "unknown-claim-type", Advice;
    /// A condition on a type that only later rules make.
    MadeLater = "made-later", Warning;
    /// Tests no claim passes together.
    NeverMatches = "never-matches", Warning;
    /// A value a known claim never has.
    ImpossibleValue = "impossible-value", Warning;
    /// A test for "false" of a device claim that is absent without a device.
    AbsentDeviceClaim = "absent-device-claim", Warning;
    /// A regular expression under `==` or `!=`.
    PatternUnderEquality = "pattern-under-equality", Warning;
    /// A blank or invisible character that must match as well.
    StrayBlank = "stray-blank", Warning;
    /// A pattern for a SID that longer SIDs match too.
    OpenSidPattern = "open-sid-pattern", Warning;
    /// A pattern for an address that longer addresses match too.
    OpenAddressPattern = "open-address-pattern", Warning;
    /// A `.` between the digits of an address.
    UnescapedDot = "unescaped-dot", Warning;
    /// A condition without regard to case before a replacement with it.
    CaseSensitiveReplacement = "case-sensitive-replacement", Warning;
    /// A replacement that leaves its input as it is when it does not match.
    ReplacementMayNotMatch = "replacement-may-not-match", Advice;
    /// A replacement that cuts one character too many.
    CutsTooMuch = "cuts-too-much", Warning;
    /// Nested repetitions.
    SlowPattern = "slow-pattern", Advice;
    /// A pattern computed from claims.
    PatternFromClaims = "pattern-from-claims", Warning;
    /// An attribute store that is not there.
    UnknownStore = "unknown-store", Warning;
    /// Blanks around a store's name.
    BlankInStoreName = "blank-in-store-name", Warning;
    /// Other numbers of attributes and claim types.
    ColumnCount = "column-count", Warning;
    /// `add(claim = c)`.
    AddWithoutEffect = "add-without-effect", Warning;
    /// A permit that depends on some claim being there.
    PermitNeedsAClaim = "permit-needs-a-claim", Warning;
    /// Authorization rules that permit nobody.
    NobodyPermitted = "nobody-permitted", Warning;
    /// An `issuerid` that becomes the UPN.
    IssuerIdFailsOpen = "issuerid-fails-open", Warning;
    /// A pattern for `issuerid` that foreign domains match.
    IssuerIdUnanchored = "issuerid-unanchored", Warning;
    /// Two `issuerid` claims for one subject.
    IssuerIdTwice = "issuerid-twice", Warning;
    /// A second factor asked of computers.
    SecondFactorForComputers = "second-factor-for-computers", Warning;
    /// An endpoint of device registration that is blocked.
    RegistrationBlocked = "registration-blocked", Warning;
    /// An annotation without effect.
    UnknownAnnotation = "unknown-annotation", Advice;
    /// A `;` that was added.
    MissingSemicolon = "missing-semicolon", Warning;
}

impl fmt::Display for LintCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for LintCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
