//! A relying party that we did not write: passport-wsfed-saml2 in a small Express application. Its requests are answered, and what it
//! verifies is a token of a real sign-in.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Browser, HandOver, Lab, Program, Response, Trusts, claim, run, signing_certificate, variable};

const ORIGIN: &str = "https://passport.rp.example";

struct World {
    _application: Program,
    address: String,
}

fn start(realm: &str) -> World {
    Trusts::get();
    let lab = Lab::get();
    let address = format!("{}.22", variable("LAB_BLOCK"));
    let certificate = signing_certificate().to_str().expect("a path");
    let print = run(Command::new("openssl").args(["x509", "-noout", "-fingerprint", "-sha1", "-in"]).arg(certificate));
    let print = print.trim().split_once('=').expect("a fingerprint").1.replace(':', "").to_lowercase();
    let tls = format!("{}/tls", variable("LAB"));
    let settings = json!({
        "address": address,
        "certificate": format!("{tls}/rp.pem"),
        "key": format!("{tls}/rp.key"),
        "identityProviderUrl": format!("{}/adfs/ls/", lab.url),
        "realm": realm,
        "wreply": format!("{ORIGIN}/signin"),
        "thumbprints": [print],
    });
    World { _application: Program::node("passport/relying_party.js", &settings), address }
}

impl World {
    /// What the application makes of an answer.
    fn take(&self, fields: &[(&str, &str)]) -> (Response, Value) {
        let answer = Browser::outside().at(&self.address).post(&format!("{ORIGIN}/signin"), fields);
        let said = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body));
        (answer, said)
    }

    /// From the application through the sign-in page to the form that carries the token.
    fn sign_in(&self, context: &str) -> HandOver {
        let departure = Browser::outside().at(&self.address).get(&format!("{ORIGIN}/login?wctx={context}"));
        assert_eq!(departure.status, 302, "{}", departure.body);
        let browser = Browser::outside();
        let page = browser.get(departure.header("location").expect("a location"));
        let answer = browser.fill_in(&page, &format!("alice@{}", Lab::get().domain), "Alice-Pw-1");
        assert_eq!(answer.status, 302, "{}", answer.body);
        HandOver::of(&browser.get(answer.header("location").expect("a location")))
    }
}

#[test]
fn passport_takes_the_token_of_a_real_sign_in_and_no_other() {
    // One after the other: the application has one address.
    for (realm, token) in [("urn:e2e:passport", "1.0"), ("urn:e2e:passport-saml2", "2.0")] {
        let world = start(realm);
        let form = world.sign_in("a%26b%3D%22%3Cc%3E%22%20%C3%A9");
        assert_eq!(form.action, format!("{ORIGIN}/signin"));
        let context = form.context.clone().expect("a context");
        assert_eq!(context, "a&b=\"<c>\" é");
        assert!(form.result.contains(&format!("urn:oasis:names:tc:SAML:{token}:assertion")), "{}", form.result);
        let fields = |result: &str| {
            let (answer, said) = world.take(&[("wa", "wsignin1.0"), ("wresult", result), ("wctx", context.as_str())]);
            (answer.status, said)
        };
        let (status, said) = fields(&form.result);
        assert_eq!(status, 200, "{realm}: {said}");
        let alice = format!("alice@{}", Lab::get().domain);
        assert_eq!(said["user"][claim::UPN_2005], alice.as_str(), "{said}");
        let name = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";
        assert_eq!(said["user"][name], alice.as_str(), "{said}");
        assert_eq!(said["wctx"], context.as_str());

        // It looks: altered, and for another application.
        let altered = form.result.replace(&format!(">{alice}<"), ">admin@corp.example<");
        assert_ne!(altered, form.result);
        let (status, said) = fields(&altered);
        assert_eq!(status, 401, "{said}");
        let other = Browser::outside().sign_in("web", &alice, "Alice-Pw-1");
        let (status, said) = fields(&other.result);
        assert_eq!(status, 401, "{said}");
    }
}
