//! A browser without eyes: curl with a cookie jar, and a reader of forms.

use std::path::PathBuf;

use regex::Regex;

use super::curl::{Curl, Response};
use super::lab::Lab;

/// One browser: its cookies, where it is, and what it calls itself.
pub struct Browser {
    jar: PathBuf,
    source: Option<&'static str>,
    agent: &'static str,
    language: Option<&'static str>,
    /// Address of another server than the lab's.
    server: Option<String>,
}

/// The form that carries a token.
#[derive(Debug, Clone)]
pub struct HandOver {
    pub action: String,
    pub result: String,
    pub context: Option<String>,
}

impl Browser {
    /// A Windows browser on the intranet.
    pub fn windows() -> Self {
        Self {
            jar: Lab::get().new_file("cookies"),
            source: None,
            agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0",
            language: None,
            server: None,
        }
    }

    /// A browser outside.
    pub fn outside() -> Self {
        Self {
            source: Some("127.0.0.9"),
            agent: "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Firefox/120.0",
            ..Self::windows()
        }
    }

    /// On the intranet, and none of those that sign in by Windows.
    pub fn other() -> Self {
        Self { source: None, ..Self::outside() }
    }

    /// From another address outside: what one address does wrong must not be counted against other tests.
    pub fn from(self, source: &'static str) -> Self {
        Self { source: Some(source), ..self }
    }

    /// Reads this language.
    pub fn reading(self, language: &'static str) -> Self {
        Self { language: Some(language), ..self }
    }

    /// Goes to another server, under the same name.
    pub fn at(self, address: &str) -> Self {
        Self { server: Some(address.to_owned()), ..self }
    }

    /// A request with its cookies; `path` is absolute or below the service.
    pub fn request(&self, path: &str) -> Curl {
        let url = if path.starts_with("https://") { path.to_owned() } else { format!("{}{path}", Lab::get().url) };
        let jar = self.jar.to_str().expect("a path");
        let mut curl =
            Curl::new(&url).args(["--cookie", jar, "--cookie-jar", jar, "--user-agent", self.agent, "--globoff"]);
        if let Some(source) = self.source {
            curl = curl.args(["--interface", source]);
        }
        if let Some(server) = &self.server {
            curl = curl.args(["--connect-to", &format!("::{server}:")]);
        }
        if let Some(language) = self.language {
            curl = curl.header("Accept-Language", language);
        }
        curl
    }

    /// Fetches a page.
    pub fn get(&self, path: &str) -> Response {
        self.forget(self.request(path).send())
    }

    /// Asks for a sign-in at a trust of these tests, `urn:e2e:<name>`; `more` begins with `&`.
    pub fn ask(&self, name: &str, more: &str) -> Response {
        self.get(&Self::address(name, more))
    }

    /// The address of such a request.
    pub fn address(name: &str, more: &str) -> String {
        format!("/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3Ae2e%3A{name}{more}")
    }

    /// Posts a form.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let request = self.request(path).header("Content-Type", "application/x-www-form-urlencoded");
        self.forget(request.post(body.join("&")).send())
    }

    /// Takes cookies out of the jar that the answer ends: curl reads the old jar once more before it writes it.
    fn forget(&self, answer: Response) -> Response {
        let ended = |(name, value): &&(String, String)| name == "set-cookie" && value.ends_with("; Max-Age=0");
        for (_, cookie) in answer.headers.iter().filter(ended) {
            let name = format!("\t{}\t", cookie.split('=').next().unwrap_or_default());
            self.edit_cookies(|jar| {
                jar.lines().filter(|line| !line.contains(&name)).map(|line| format!("{line}\n")).collect()
            });
        }
        answer
    }

    /// Fills in the sign-in page and sends it.
    pub fn fill_in(&self, page: &Response, name: &str, password: &str) -> Response {
        let mut fields = inputs(&page.body);
        for (field, value) in &mut fields {
            match field.as_str() {
                "UserName" => *value = name.to_owned(),
                "Password" => *value = password.to_owned(),
                _ => {}
            }
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(&action(&page.body), &fields)
    }

    /// Signs in with a password, and comes back with the token.
    pub fn sign_in(&self, trust: &str, name: &str, password: &str) -> HandOver {
        let page = self.ask(trust, "");
        assert_eq!(page.status, 200, "{}", page.body);
        let answer = self.fill_in(&page, name, password);
        assert_eq!(answer.status, 302, "{}", answer.body);
        HandOver::of(&self.get(answer.header("location").expect("a location")))
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies().into_iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// Every cookie.
    pub fn cookies(&self) -> Vec<(String, String)> {
        let jar = std::fs::read_to_string(&self.jar).unwrap_or_default();
        jar.lines()
            .map(|line| line.trim_start_matches("#HttpOnly_").split('\t').map(str::to_owned).collect::<Vec<_>>())
            .filter(|columns| columns.len() == 7)
            .map(|columns| (columns[5].clone(), columns[6].clone()))
            .collect()
    }

    /// Changes the text of the cookie jar.
    pub fn edit_cookies(&self, edit: impl Fn(String) -> String) {
        let jar = std::fs::read_to_string(&self.jar).expect("a jar");
        std::fs::write(&self.jar, edit(jar)).expect("the jar is writable");
    }

    /// Another browser with the same cookies.
    pub fn copy(&self) -> Self {
        let jar = Lab::get().new_file("cookies");
        std::fs::copy(&self.jar, &jar).expect("a jar");
        Self { jar, server: self.server.clone(), ..*self }
    }
}

impl HandOver {
    /// The form of a page.
    pub fn of(page: &Response) -> Self {
        assert_eq!(page.status, 200, "{}", page.body);
        Self::find(&page.body).unwrap_or_else(|| panic!("no token in {}", page.body))
    }

    /// The form, where there is one.
    pub fn find(body: &str) -> Option<Self> {
        let fields = inputs(body);
        let field = |name: &str| fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        assert!(field("wa").is_none_or(|wa| wa == "wsignin1.0"));
        let result = field("wresult")?;
        Some(Self { action: action(body), result, context: field("wctx") })
    }
}

/// Name and value of every input of a page.
pub fn inputs(body: &str) -> Vec<(String, String)> {
    let tag = Regex::new("<input ([^>]*)>").expect("a pattern");
    let attribute = |text: &str, name: &str| {
        let pattern = Regex::new(&format!(r#"(?:^| ){name}="([^"]*)""#)).expect("a pattern");
        pattern.captures(text).map(|captures| unescape(&captures[1]))
    };
    tag.captures_iter(body)
        .filter(|input| attribute(&input[1], "type").as_deref() != Some("checkbox"))
        .filter_map(|input| Some((attribute(&input[1], "name")?, attribute(&input[1], "value").unwrap_or_default())))
        .collect()
}

/// The inputs with a name.
pub fn fields(body: &str, name: &str) -> Vec<String> {
    inputs(body).into_iter().filter(|(own, _)| own == name).map(|(_, value)| value).collect()
}

pub fn action(body: &str) -> String {
    let pattern = Regex::new(r#"<form [^>]*action="([^"]*)""#).expect("a pattern");
    unescape(&pattern.captures(body).unwrap_or_else(|| panic!("no form in {body}"))[1])
}

/// HTML as the text it stands for.
pub fn unescape(html: &str) -> String {
    html.replace("&#13;", "\r")
        .replace("&#10;", "\n")
        .replace("&#39;", "'")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

pub fn encode(text: &str) -> String {
    text.bytes()
        .map(
            |octet| if octet.is_ascii_alphanumeric() { char::from(octet).to_string() } else { format!("%{octet:02X}") },
        )
        .collect()
}
