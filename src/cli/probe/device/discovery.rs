//! The discovery document (MS-DVRD, device-registration.md 2): where everything else is.

use serde_json::{Map, Value};

use super::super::failure::{Failure, Passed, Step};
use super::super::http::{Http, Reply};
use super::super::request::Request;
use super::refusal;

/// What later steps need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    /// Authorization endpoint, without a slash at its end.
    pub(super) authorize: String,
    /// Token endpoint.
    pub(super) token: String,
    /// Where devices join and leave, with a slash at its end.
    pub(super) join: String,
    /// The resource that a token for it names.
    pub(super) resource: String,
}

/// Asks for the document as Windows 10 does.
pub(super) fn ask(http: &Http<'_>, url: &str) -> Step<Service> {
    let url = format!("{url}?api-version=1.2");
    let request = Request::get(url).header("Accept", "application/json").header("User-Agent", DSREG);
    read(&http.send(&request)?)
}

fn read(reply: &Reply) -> Step<Service> {
    let document = match (reply.status, reply.json()) {
        (200, Some(document)) => document,
        (503, _) => {
            return Err(Failure::new("HTTP 503").advise(
                "The service is stopped or starting, or the balancer has no healthy node. Windows shows event 103 and 0x801c0025.",
            ));
        }
        _ => return Err(refusal::no_answer_of_the_service(reply)),
    };
    let service = Service {
        authorize: text(&document, &["AuthenticationService", "OAuth2", "AuthCodeEndpoint"])?
            .trim_end_matches('/')
            .into(),
        token: text(&document, &["AuthenticationService", "OAuth2", "TokenEndpoint"])?,
        join: text(&document, &["DeviceJoinService", "JoinEndpoint"])?,
        resource: text(&document, &["DeviceJoinService", "JoinResourceId"])?,
    };
    let service = Service { join: format!("{}/", service.join.trim_end_matches('/')), ..service };
    for url in [&service.authorize, &service.token, &service.join] {
        if !url.to_ascii_lowercase().starts_with("https://") {
            return Err(Failure::new(format!("the document names {url}, which is no https address")));
        }
    }
    let passed = Passed::new(service.clone(), format!("join at {}", service.join));
    let zone = document.get("WebBrowserZones").and_then(|zones| zones.pointer("/Intranet/Endpoints/0"));
    Ok(match zone {
        Some(_) => passed,
        None => passed.note(
            "WebBrowserZones names no intranet address: Windows does not add the service to the intranet zone, and browsers do \
             not sign in silently unless a policy does.",
        ),
    })
}

fn text(document: &Map<String, Value>, path: &[&str]) -> Result<String, Failure> {
    let mut members = Some(document);
    let (last, above) = path.split_last().unwrap_or((&"", &[]));
    for name in above {
        members = members.and_then(|members| members.get(*name)).and_then(Value::as_object);
    }
    let value = members.and_then(|members| members.get(*last)).and_then(Value::as_str).filter(|text| !text.is_empty());
    value.map(str::to_owned).ok_or_else(|| {
        Failure::new(format!("the document has no {}", path.join("."))).advise(
            "A document without DeviceJoinService is one of version 1.0: a service that serves computers of Windows 10 answers 1.2. \
             Windows shows 0x801c000c.",
        )
    })
}

/// What the task of Windows calls itself.
pub(super) const DSREG: &str = "Dsreg/10.0 (Windows 10.0.26100.1)";

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"AuthenticationService":{"OAuth2":{"AuthCodeEndpoint":"https://sts.corp.example/adfs/oauth2/authorize/",
        "TokenEndpoint":"https://sts.corp.example/adfs/oauth2/token"}},"DeviceJoinService":{"JoinEndpoint":
        "https:\/\/enterpriseregistration.corp.example\/EnrollmentServer\/device","JoinResourceId":"urn:ms-drs:x"},
        "WebBrowserZones":{"Intranet":{"Endpoints":["https://sts.corp.example/"]}}}"#;

    fn read(status: u16, body: &str) -> Step<Service> {
        super::read(&Reply { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
    }

    #[test]
    fn the_document_says_where_things_are() {
        let passed = read(200, DOCUMENT).unwrap();
        assert!(passed.notes.is_empty());
        assert_eq!(passed.value.authorize, "https://sts.corp.example/adfs/oauth2/authorize");
        assert_eq!(passed.value.join, "https://enterpriseregistration.corp.example/EnrollmentServer/device/");
        let unzoned = read(200, &DOCUMENT.replace("Intranet", "Other")).unwrap();
        assert!(unzoned.notes[0].contains("WebBrowserZones"));
    }

    #[test]
    fn documents_that_lead_nowhere_are_explained() {
        for (status, body, expected) in [
            (200, DOCUMENT.replace("DeviceJoinService", "X"), "no DeviceJoinService.JoinEndpoint"),
            (200, DOCUMENT.replace("https://sts.corp.example/adfs/oauth2/token", "http://x"), "no https address"),
            (200, String::from("<html><title>Log in</title>"), "Log in"),
            (404, String::new(), "HTTP 404"),
            (503, String::new(), "HTTP 503"),
        ] {
            let failure = read(status, &body).unwrap_err();
            assert!(failure.what.contains(expected) && !failure.what.is_empty(), "{failure:?}");
        }
    }
}
