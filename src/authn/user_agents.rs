//! Which browsers are offered Windows sign-in, by their `User-Agent` (AD FS' `WIASupportedUserAgents`).

use regex::Regex;

/// The browsers that sign in by Windows without asking the person.
#[derive(Debug, Clone, Default)]
pub struct WindowsUserAgents(Vec<Entry>);

#[derive(Debug, Clone)]
enum Entry {
    Part(String),
    Pattern(Regex),
}

impl WindowsUserAgents {
    /// The list AD FS' documentation recommends, and the sign-in components of Windows.
    pub const RECOMMENDED: [&'static str; 12] = [
        "MSAuthHost/1.0/In-Domain",
        "MSIE 6.0",
        "MSIE 7.0; Windows NT",
        "MSIE 8.0",
        "MSIE 9.0",
        "MSIE 10.0; Windows NT 6",
        "=~Windows NT [0-9.]+;.*Trident/7\\.0",
        "MSIPC",
        "Windows Rights Management Client",
        "MS_WorkFoldersClient",
        "Windows-AzureAD-Authentication-Provider",
        "=~Windows\\s*NT.*Edg",
    ];

    /// Entries as AD FS writes them: a part of the header, case counts; or `=~` and a regular expression.
    ///
    /// # Errors
    /// The expression that is none, with its place in the list.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, (usize, regex::Error)> {
        let entries = entries.into_iter().enumerate().map(|(place, entry)| match entry.strip_prefix("=~") {
            Some(pattern) => Regex::new(pattern).map(Entry::Pattern).map_err(|error| (place, error)),
            None => Ok(Entry::Part(entry.to_owned())),
        });
        entries.collect::<Result<_, _>>().map(Self)
    }

    /// Whether the browser with this header is one of them.
    pub fn matches(&self, user_agent: Option<&str>) -> bool {
        let Some(user_agent) = user_agent else { return false };
        self.0.iter().any(|entry| match entry {
            Entry::Part(part) => user_agent.contains(part.as_str()),
            Entry::Pattern(pattern) => pattern.is_match(user_agent),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_browsers_match_and_others_do_not() {
        let agents = WindowsUserAgents::new(WindowsUserAgents::RECOMMENDED).unwrap();
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36 Edg/120.0";
        let explorer = "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko";
        for agent in [edge, explorer, "MSAuthHost/1.0/In-Domain", "Windows-AzureAD-Authentication-Provider/1.0"] {
            assert!(agents.matches(Some(agent)), "{agent}");
        }
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0";
        let phone = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36 EdgA/120.0";
        for agent in [firefox, phone, "curl/8.5.0", ""] {
            assert!(!agents.matches(Some(agent)), "{agent}");
        }
        assert!(!agents.matches(None));
    }

    #[test]
    fn an_expression_must_be_one() {
        assert_eq!(WindowsUserAgents::new(["MSIPC", "=~("]).unwrap_err().0, 1);
    }
}
