//! The name that somebody types or sends with a password.
//!
//! Three forms are read: a user principal name, `DOMAIN\user` and `domain.fqdn\user`. A bare account name is refused, as AD FS
//! refuses it (ws-federation.md 3.3). Knows the configured names of domains, not whether an account exists.

mod alternate;

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::digest;
use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

use crate::directory::AccountKey;

pub use alternate::{AlternateLoginId, AlternateMatch, AmbiguousLoginId};

/// A login name that is well formed. Says nothing about whether such an account exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginName {
    form: LoginForm,
}

/// The two ways to name an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginForm {
    /// `user@suffix`.
    Upn {
        /// What stands before the `@`.
        user: String,
        /// What stands behind it: a UPN suffix of the forest, or a domain's DNS or NetBIOS name.
        suffix: String,
    },
    /// `domain\user`.
    DownLevel {
        /// NetBIOS or DNS name of the domain, as written.
        domain: String,
        /// `sAMAccountName`.
        user: String,
    },
}

impl LoginName {
    /// Reads a login name. White space around it is dropped (phones add it); everything else is taken as it is.
    ///
    /// # Errors
    /// [`LoginNameError`], one variant for each way to be no login name.
    pub fn parse(text: &str) -> Result<Self, LoginNameError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(LoginNameError::Empty);
        }
        if text.chars().count() > MAX_LOGIN_NAME_CHARS {
            return Err(LoginNameError::TooLong);
        }
        if text.chars().any(|c| c.is_control() || is_invisible(c)) {
            return Err(LoginNameError::InvisibleCharacter);
        }
        let form = match (text.split_once('\\'), text.split_once('@')) {
            (Some((domain, user)), None) => {
                LoginForm::DownLevel { domain: part(domain, Part::Domain)?, user: part(user, Part::User)? }
            }
            (None, Some((user, suffix))) => {
                LoginForm::Upn { user: part(user, Part::User)?, suffix: part(suffix, Part::Domain)? }
            }
            (Some(_), Some(_)) => return Err(LoginNameError::Ambiguous),
            (None, None) => return Err(LoginNameError::NoDomain),
        };
        Ok(Self { form })
    }

    /// The form it came in.
    pub const fn form(&self) -> &LoginForm {
        &self.form
    }

    /// The account's part of the name.
    pub fn user(&self) -> &str {
        match &self.form {
            LoginForm::Upn { user, .. } | LoginForm::DownLevel { user, .. } => user,
        }
    }

    /// The domain's part of the name: a UPN suffix, a NetBIOS or a DNS name.
    pub fn domain(&self) -> &str {
        match &self.form {
            LoginForm::Upn { suffix, .. } => suffix,
            LoginForm::DownLevel { domain, .. } => domain,
        }
    }

    /// The question that finds this account in a directory.
    pub fn directory_key(&self) -> AccountKey {
        match &self.form {
            LoginForm::Upn { .. } => AccountKey::Upn(self.to_string()),
            LoginForm::DownLevel { domain, user } => AccountKey::Sam { domain: domain.clone(), name: user.clone() },
        }
    }

    /// Under which the account's bad passwords are counted.
    ///
    /// `CORP\alice`, `corp.example\alice` and `alice@corp.example` give the same key. A UPN with another suffix gives its own,
    /// because only the directory knows whose it is; [`PasswordGate`](super::PasswordGate) asks it and joins the two. Characters are folded at least as far as Active Directory folds them when it compares names (case, accents,
    /// width, kana), so that `ALICE`, `alicé` and `ａｌｉｃｅ` are not three times as many attempts.
    pub fn lockout_key(&self, domains: &DomainNames) -> LockoutKey {
        let folded = fold(self.domain());
        match (domains.names.get(folded.trim_end_matches('.')), &self.form) {
            (Some(name), LoginForm::Upn { user, .. }) if !name.names_domain => {
                LockoutKey::new(&name.realm, &format!("{}@{folded}", fold_account(user)))
            }
            (Some(name), _) => LockoutKey::new(&name.realm, &fold_account(self.user())),
            (None, _) => LockoutKey::new(&format!("?{folded}"), &fold_account(self.user())),
        }
    }

    /// Under which it is remembered whose alternate login id this is. No account has this key: what an account is called, and what
    /// another has as its id, may be one text.
    pub fn alternate_key(&self) -> LockoutKey {
        LockoutKey::new("", &format!("{}@{}", fold(self.user()), fold(self.domain())))
    }

    /// The realm that the name's domain part belongs to, when the configuration knows it.
    pub fn realm<'a>(&self, domains: &'a DomainNames) -> Option<&'a str> {
        domains.realm_of(self.domain())
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.form {
            LoginForm::Upn { user, suffix } => write!(f, "{user}@{suffix}"),
            LoginForm::DownLevel { domain, user } => write!(f, "{domain}\\{user}"),
        }
    }
}

/// Why text is no login name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginNameError {
    /// Nothing but white space.
    #[error("the user name is empty")]
    Empty,
    /// A bare account name.
    #[error("the user name has no domain: write user@domain or DOMAIN\\user")]
    NoDomain,
    /// Both `\` and `@`.
    #[error("the user name has both a backslash and an at sign")]
    Ambiguous,
    /// A control character, or one that no reader can see and comparisons skip.
    #[error("the user name contains an invisible character")]
    InvisibleCharacter,
    /// A character that no account and no domain can have (`/`, `"`, a second `@`, …), or an empty part.
    #[error("the user name contains a part that is no account or domain name")]
    Syntax,
    /// Longer than [`MAX_LOGIN_NAME_CHARS`].
    #[error("the user name is longer than {MAX_LOGIN_NAME_CHARS} characters")]
    TooLong,
}

/// Longest login name in characters. Active Directory allows 1024 for a UPN by its schema; nobody has one of 512.
pub const MAX_LOGIN_NAME_CHARS: usize = 512;

/// Identity of an account for lockout: a digest, so that a map of many is small whatever was typed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockoutKey([u8; 16]);

impl LockoutKey {
    /// The key of the account `sam_account_name` in `realm`.
    pub fn of_account(realm: &str, sam_account_name: &str) -> Self {
        Self::new(&fold(realm), &fold_account(sam_account_name))
    }

    fn new(realm: &str, account: &str) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(realm.as_bytes());
        context.update(&[0]);
        context.update(account.as_bytes());
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        Self(key)
    }
}

impl fmt::Debug for LockoutKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The names by which domains are called: NetBIOS names, DNS names and UPN suffixes, each leading to a Kerberos realm.
#[derive(Debug, Clone, Default)]
pub struct DomainNames {
    names: HashMap<String, DomainName>,
}

/// What one domain is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainNamesEntry {
    /// Kerberos realm, which is the DNS name in upper case: `CORP.EXAMPLE`.
    pub realm: String,
    /// NetBIOS name: `CORP`.
    pub netbios: String,
    /// UPN suffixes besides the DNS name: `brand.example`.
    pub upn_suffixes: Vec<String>,
}

#[derive(Debug, Clone)]
struct DomainName {
    /// Folded.
    realm: String,
    /// As configured.
    realm_text: String,
    /// A name of the domain itself; `false` for a further UPN suffix.
    names_domain: bool,
}

impl DomainNames {
    /// The map of all configured domains.
    ///
    /// # Errors
    /// [`DuplicateDomainName`] when one name would lead to two realms.
    pub fn new(entries: impl IntoIterator<Item = DomainNamesEntry>) -> Result<Self, DuplicateDomainName> {
        let mut names: HashMap<String, DomainName> = HashMap::new();
        for entry in entries {
            let realm = fold(&entry.realm);
            let own = [&entry.realm, &entry.netbios].into_iter().map(|name| (name, true));
            for (name, names_domain) in own.chain(entry.upn_suffixes.iter().map(|suffix| (suffix, false))) {
                match names.get(&fold(name)) {
                    Some(known) if known.realm != realm => return Err(DuplicateDomainName { name: name.clone() }),
                    Some(_) => {}
                    None => {
                        let target = DomainName { realm: realm.clone(), realm_text: entry.realm.clone(), names_domain };
                        names.insert(fold(name), target);
                    }
                }
            }
        }
        Ok(Self { names })
    }

    /// The realm that a NetBIOS name, DNS name or UPN suffix leads to.
    pub fn realm_of(&self, name: &str) -> Option<&str> {
        self.names.get(fold(name).trim_end_matches('.')).map(|name| name.realm_text.as_str())
    }

    /// Every realm, each once.
    pub fn realms(&self) -> std::collections::BTreeSet<&str> {
        self.names.values().map(|name| name.realm_text.as_str()).collect()
    }
}

/// One name is configured for two domains.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the domain name or UPN suffix {name} is configured for two domains")]
pub struct DuplicateDomainName {
    /// The name.
    pub name: String,
}

#[derive(Clone, Copy)]
enum Part {
    User,
    Domain,
}

/// Characters that `sAMAccountName` cannot have, and those that would cut a Kerberos principal in two.
fn part(text: &str, kind: Part) -> Result<String, LoginNameError> {
    let refused = |c: char| match kind {
        Part::User => "\"/\\[]:;|=,+*?<>@".contains(c),
        Part::Domain => "\"/\\[]:;|=,+*?<>@".contains(c) || c.is_whitespace(),
    };
    if text.is_empty() || text.chars().any(refused) || text.trim() != text || text.chars().all(|c| c == '.') {
        return Err(LoginNameError::Syntax);
    }
    Ok(text.to_owned())
}

/// Active Directory finds `WS01$` for `WS01` too.
fn fold_account(name: &str) -> String {
    let folded = fold(name);
    folded.strip_suffix('$').map_or(folded.clone(), str::to_owned)
}

/// Folds at least as far as Active Directory's comparison. Folding two different names together costs a shared counter;
/// folding one name's spellings apart would cost the lockout.
fn fold(text: &str) -> String {
    let marks = CanonicalCombiningClassMapBorrowed::new();
    let mut folded = String::with_capacity(text.len());
    for c in DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(text.chars()) {
        if !(c.is_ascii() || c.is_alphanumeric()) {
            continue;
        }
        for lower in c.to_lowercase() {
            match lower {
                'ß' => folded.push_str("ss"),
                'æ' => folded.push_str("ae"),
                'œ' => folded.push_str("oe"),
                'ø' => folded.push('o'),
                'đ' | 'ð' => folded.push('d'),
                'ł' => folded.push('l'),
                'ı' => folded.push('i'),
                'ħ' => folded.push('h'),
                'ς' => folded.push('σ'),
                'þ' => folded.push_str("th"),
                // Hiragana and katakana are the same letters to Active Directory.
                '\u{3041}'..='\u{3096}' => folded.extend(char::from_u32(lower as u32 + 0x60)),
                other if marks.get_u8(other) == 0 => folded.push(other),
                _ => {}
            }
        }
    }
    folded
}

/// Default-ignorable code points (Unicode, `Default_Ignorable_Code_Point`) and line separators: comparisons skip them and
/// readers do not see them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffd}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn domains() -> DomainNames {
        let entry = |realm: &str, netbios: &str, suffixes: &[&str]| DomainNamesEntry {
            realm: realm.into(),
            netbios: netbios.into(),
            upn_suffixes: suffixes.iter().map(ToString::to_string).collect(),
        };
        DomainNames::new([
            entry("CORP.EXAMPLE", "CORP", &["brand.example", "corp.example"]),
            entry("OTHER.EXAMPLE", "OTHER", &[]),
        ])
        .unwrap()
    }

    fn key(text: &str) -> LockoutKey {
        LoginName::parse(text).unwrap().lockout_key(&domains())
    }

    #[test]
    fn reads_the_three_forms() {
        let upn = LoginName::parse(" alice@corp.example ").unwrap();
        assert_eq!(upn.form(), &LoginForm::Upn { user: "alice".into(), suffix: "corp.example".into() });
        assert_eq!(upn.directory_key(), AccountKey::Upn("alice@corp.example".into()));
        for domain in ["CORP", "corp.example"] {
            let name = LoginName::parse(&format!("{domain}\\alice")).unwrap();
            assert_eq!((name.domain(), name.user()), (domain, "alice"));
            assert_eq!(name.realm(&domains()), Some("CORP.EXAMPLE"));
            assert_eq!(name.directory_key(), AccountKey::Sam { domain: domain.into(), name: "alice".into() });
        }
        assert_eq!(LoginName::parse("x@nowhere.example").unwrap().realm(&domains()), None);
    }

    #[test]
    fn refuses_what_is_no_login_name() {
        use LoginNameError::{Ambiguous, Empty, InvisibleCharacter, NoDomain, Syntax, TooLong};
        let long = format!("{}@corp.example", "a".repeat(MAX_LOGIN_NAME_CHARS));
        for (text, error) in [
            ("", Empty),
            (" \t ", Empty),
            ("alice", NoDomain),
            ("WS01$", NoDomain),
            ("CORP\\alice@corp.example", Ambiguous),
            ("ali\0ce@corp.example", InvisibleCharacter),
            ("alice\n@corp.example", InvisibleCharacter),
            ("ali\u{200b}ce@corp.example", InvisibleCharacter),
            ("ali\u{ad}ce@corp.example", InvisibleCharacter),
            ("\u{202e}alice@corp.example", InvisibleCharacter),
            ("@corp.example", Syntax),
            ("alice@", Syntax),
            ("CORP\\", Syntax),
            ("\\alice", Syntax),
            ("alice@corp@example", Syntax),
            ("CORP\\\\alice", Syntax),
            ("alice/admin@corp.example", Syntax),
            ("CORP\\alice/admin", Syntax),
            (".\\alice", Syntax),
            ("alice@corp .example", Syntax),
            (long.as_str(), TooLong),
        ] {
            assert_eq!(LoginName::parse(text), Err(error), "{text:?}");
        }
        let longest = format!("{}@corp.example", "a".repeat(MAX_LOGIN_NAME_CHARS - "@corp.example".len()));
        assert!(LoginName::parse(&longest).is_ok());
    }

    #[test]
    fn one_account_has_one_lockout_key() {
        for text in [
            "corp.example\\alice",
            "alice@corp.example",
            "ALICE@CORP.EXAMPLE",
            "alice@CORP",
            "corp\\Alice",
            "CORP\\alicé",
            "CORP\\ａｌｉｃｅ",
            "CORP.EXAMPLE.\\alice",
            "CORP\\alice$",
        ] {
            assert_eq!(key(text), key("CORP\\alice"), "{text}");
        }
        assert_eq!(key("CORP\\STRASSE"), key("CORP\\straße"));
        assert_eq!(key("CORP\\İ"), key("CORP\\i"));
        for (letter, plain) in [
            ("æ", "ae"),
            ("Œ", "oe"),
            ("Ø", "o"),
            ("đ", "d"),
            ("ð", "d"),
            ("Ł", "l"),
            ("ı", "i"),
            ("ħ", "h"),
            ("ς", "σ"),
            ("Þ", "th"),
            ("ひ", "ヒ"),
        ] {
            assert_eq!(key(&format!("CORP\\x{letter}")), key(&format!("CORP\\x{plain}")), "{letter}");
        }
        assert_eq!(key("CORP\\ᾳ"), key("CORP\\α"), "a mark that counts as a letter");
        assert_eq!(LockoutKey::of_account("CORP.EXAMPLE", "Alice"), key("CORP\\alice"));
    }

    #[test]
    fn different_accounts_have_different_lockout_keys() {
        for text in ["CORP\\bob", "OTHER\\alice", "alice@brand.example", "alice@nowhere.example", "NOWHERE\\alice"] {
            assert_ne!(key(text), key("CORP\\alice"), "{text}");
        }
        assert_eq!(key("alice@BRAND.example"), key("alice@brand.example"));
    }

    #[test]
    fn one_name_cannot_lead_to_two_realms() {
        let entry = |realm: &str, suffix: &str| DomainNamesEntry {
            realm: realm.into(),
            netbios: realm.into(),
            upn_suffixes: vec![suffix.into()],
        };
        let doubled = DomainNames::new([entry("A", "brand.example"), entry("B", "BRAND.example")]);
        assert_eq!(doubled.unwrap_err(), DuplicateDomainName { name: "BRAND.example".into() });
        assert_eq!(domains().realms().into_iter().collect::<Vec<_>>(), ["CORP.EXAMPLE", "OTHER.EXAMPLE"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            if let Ok(name) = LoginName::parse(&text) {
                prop_assert_eq!(LoginName::parse(&name.to_string()), Ok(name.clone()));
                let _ = name.lockout_key(&domains());
            }
        }

        #[test]
        fn case_never_changes_the_key(user in "[a-zA-ZäöüÄÖÜéèñ0-9._-]{1,20}") {
            prop_assume!(user.chars().any(|c| c != '.'));
            prop_assert_eq!(key(&format!("CORP\\{}", user.to_uppercase())), key(&format!("CORP\\{}", user.to_lowercase())));
        }
    }
}
