//! The sign-in page, filled in as a person does: cookies, one form, its hidden fields.

use regex::Regex;

use super::super::failure::Failure;
use super::super::http::{Http, Reply};
use super::super::request::{Field, Request, title};
use crate::secret::Secret;

/// A browser that signs in by a page.
pub(super) struct Page<'h, 't> {
    http: &'h Http<'t>,
    cookies: Vec<(String, String)>,
}

impl<'h, 't> Page<'h, 't> {
    pub(super) const fn new(http: &'h Http<'t>) -> Self {
        Self { http, cookies: Vec::new() }
    }

    /// Asks for an address, signs in on the page that comes, and gives the answer that leads to somewhere else than this server's
    /// own pages.
    pub(super) fn sign_in(
        &mut self,
        url: &str,
        name: &str,
        password: &Secret<String>,
        leads_out: impl Fn(&str) -> bool,
    ) -> Result<Reply, Failure> {
        let page = self.ask(Request::get(url))?;
        let html = page.text();
        let form = form(&html).filter(|form| page.status == 200 && form.asks_password).ok_or_else(|| no_page(&page))?;
        let fields: Vec<Field<'_>> =
            form.fields.iter().map(|(field, value)| filled(field, value, name, password)).collect();
        let mut answer = self.ask(Request::form(absolute(&form.action, url)?, &fields))?;
        // The server may lead through its own addresses before it leads out.
        for _ in 0..MAX_REDIRECTIONS {
            let Some(location) = answer.header("location").next().map(str::to_owned) else { break };
            if !(300..400).contains(&answer.status) || leads_out(&location) {
                return Ok(answer);
            }
            answer = self.ask(Request::get(absolute(&location, url)?))?;
        }
        Err(refused(&answer))
    }

    fn ask(&mut self, request: Request) -> Result<Reply, Failure> {
        let mut request = request.header("User-Agent", AGENT).header("Accept", "text/html");
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.secret_header("Cookie", pairs.join("; "), format!("({} cookies)", self.cookies.len()));
        }
        let reply = self.http.send(&request)?;
        for cookie in reply.header("set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.retain(|(own, _)| own != name.trim());
                if !value.trim().is_empty() {
                    self.cookies.push((name.trim().to_owned(), value.trim().to_owned()));
                }
            }
        }
        Ok(reply)
    }
}

/// A form of a page.
struct Form {
    action: String,
    fields: Vec<(String, String)>,
    asks_password: bool,
}

/// The first form with a password field, or the first of all.
fn form(html: &str) -> Option<Form> {
    let forms = Regex::new(r"(?is)<form\b([^>]*)>(.*?)</form>").ok()?;
    let inputs = Regex::new(r"(?is)<input\b([^>]*)>").ok()?;
    let all = forms.captures_iter(html).map(|form| {
        let (tag, content) =
            (form.get(1).map_or("", |found| found.as_str()), form.get(2).map_or("", |found| found.as_str()));
        let mut found =
            Form { action: attribute(tag, "action").unwrap_or_default(), fields: Vec::new(), asks_password: false };
        for input in inputs.captures_iter(content) {
            let tag = input.get(1).map_or("", |found| found.as_str());
            let kind = attribute(tag, "type").unwrap_or_default().to_ascii_lowercase();
            let Some(name) = attribute(tag, "name").filter(|_| kind != "checkbox") else { continue };
            found.asks_password |= kind == "password";
            found.fields.push((name, attribute(tag, "value").unwrap_or_default()));
        }
        found
    });
    let mut all: Vec<Form> = all.collect();
    let chosen = all.iter().position(|form| form.asks_password).unwrap_or(0);
    (chosen < all.len()).then(|| all.swap_remove(chosen))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let pattern = Regex::new(&format!(r#"(?is)(?:^|\s){name}\s*=\s*(?:"([^"]*)"|'([^']*)')"#)).ok()?;
    let found = pattern.captures(tag)?;
    let value = found.get(1).or_else(|| found.get(2))?.as_str();
    let unescaped = value.replace("&#39;", "'").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    Some(unescaped.replace("&amp;", "&"))
}

fn filled<'f>(field: &'f str, value: &'f str, name: &'f str, password: &'f Secret<String>) -> Field<'f> {
    match field.to_ascii_lowercase().as_str() {
        "username" => Field::plain(field, name),
        "password" => Field::shown_as(field, password.expose(), String::from("(hidden)")),
        "authmethod" => Field::plain(field, value),
        _ => Field::secret(field, value),
    }
}

/// An address of a form or a redirection, seen from the page's own.
fn absolute(action: &str, page: &str) -> Result<String, Failure> {
    let origin_end = page.get(8..).and_then(|rest| rest.find('/')).map_or(page.len(), |at| at + 8);
    let origin = page.get(..origin_end).unwrap_or_default();
    if action.is_empty() {
        return Ok(page.to_owned());
    }
    if action.starts_with('/') && !action.starts_with("//") {
        return Ok(format!("{origin}{action}"));
    }
    // A password goes to the server that showed the page, and nowhere else.
    if action.strip_prefix(origin).is_some_and(|rest| rest.starts_with('/')) {
        return Ok(action.to_owned());
    }
    Err(Failure::new(format!("the sign-in page leads to {action}, another place than the server that was asked")))
}

fn no_page(reply: &Reply) -> Failure {
    let title = title(&reply.text()).map(|title| format!(", the page {title:?}")).unwrap_or_default();
    let failure = Failure::new(format!("no sign-in page with a password field came: HTTP {}{title}", reply.status));
    match reply.status {
        401 => failure.advise("The server wants Windows authentication of every program: take --keytab or --ccache for the user."),
        300..=399 => failure.advise(format!(
            "It leads to {}. A claims provider is chosen for the name, or the request was refused.",
            reply.header("location").next().unwrap_or("nowhere")
        )),
        200 => failure.advise(
            "A home realm page, or an error page: is the client or its redirect address known, and the resource enabled? --verbose shows \
             it.",
        ),
        _ => failure,
    }
}

fn refused(reply: &Reply) -> Failure {
    let html = reply.text();
    let again = form(&html).is_some_and(|form| form.asks_password);
    let title = title(&html).unwrap_or_default();
    let failure = Failure::new(format!("the page does not let the user in: HTTP {}, {title:?}", reply.status));
    if again {
        failure.advise_all([
            "Wrong name or password, or the account is locked, disabled, expired, or must change its password. The page says the same \
             of all, on purpose: the server's audit log tells which (events 411, 1203, 1210).",
            "A wrong password counts for the account's lockout.",
        ])
    } else {
        failure.advise(
            "The page asks for something else: a second factor, a new password, or it shows an error. Device registration of AD FS wants \
             a second factor of users, unless its access control policy is changed.",
        )
    }
}

/// A browser that is not one of those that sign in by Windows.
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const MAX_REDIRECTIONS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_with_a_password_is_the_one() {
        let html = "<form action='/search'><input name='q'></form><FORM method=\"post\" action=\"/adfs/ls/?a=1&amp;b=2\">\
                    <input type=\"hidden\" name=\"flow\" value=\"x&quot;y\"><input name=\"UserName\"><input type='password' name='Password'>\
                    <input type=checkbox name=\"Kmsi\" value=\"true\"><input type=\"checkbox\" name=\"K2\"></FORM>";
        let form = form(html).unwrap();
        assert_eq!(form.action, "/adfs/ls/?a=1&b=2");
        assert!(form.asks_password);
        let names: Vec<&str> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[..3], ["flow", "UserName", "Password"]);
        assert_eq!(form.fields[0].1, "x\"y");
        assert!(!names.contains(&"K2"));
    }

    #[test]
    fn a_password_goes_to_the_server_that_was_asked_only() {
        let page = "https://sts.corp.example/adfs/oauth2/authorize?x=1";
        for (action, expected) in [
            ("", Some(page)),
            ("/adfs/ls/", Some("https://sts.corp.example/adfs/ls/")),
            ("https://sts.corp.example/x", Some("https://sts.corp.example/x")),
            ("https://sts.corp.example.evil.example/x", None),
            ("https://evil.example/", None),
            ("//evil.example/", None),
            ("http://sts.corp.example/x", None),
        ] {
            assert_eq!(absolute(action, page).ok().as_deref(), expected, "{action}");
        }
    }
}
