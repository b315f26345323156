//! Chromium signs in with a certificate: by the button of the page, without script, and with none to present.

use serde_json::json;

use crate::accessibility::accessible;
use crate::browser::{chromium_with, chromium_with_certificate, picture};
use crate::support::{Assertion, Browser, Lab, Trusts, claim};

#[test]
fn chromium_presents_its_certificate_at_the_other_name_and_comes_back() {
    Trusts::get();
    let page = Browser::address("web", "&wctx=a%26b%3Dc");
    let scenes = json!([
        { "name": "button", "steps": [["size", [1280, 1000]], ["open", page], ["wait", "#optionSelection"], picture("sign-in-certificate"), ["axe"],
            ["click", "#optionSelection"], ["wait", "#done"]] },
        { "name": "no-script", "steps": [["script", false], ["cookies"], ["open", page], ["wait", "#optionSelection"],
            ["click", "#optionSelection"], ["wait", "form[name=hiddenform] input[name=CertificateResult]"],
            ["click", "form[name=hiddenform] button"], ["wait", "form[name=hiddenform] input[name=wresult]"],
            ["click", "form[name=hiddenform] button"], ["wait", "#done"]] },
    ]);
    let answers = chromium_with_certificate(&scenes, "alice-sid");
    accessible(&answers, 1);
    for scene in ["button", "no-script"] {
        let received = &answers[scene]["received"][0]["fields"];
        assert_eq!(received["wctx"], "a&b=c", "{}", answers[scene]);
        let token = Assertion::cut(received["wresult"].as_str().expect("a token"));
        assert_eq!(token.single(claim::UPN_2005), format!("alice@{}", Lab::get().domain));
        assert_eq!(token.attribute("AuthenticationStatement", "AuthenticationMethod"), "urn:ietf:rfc:2246");
    }
}

#[test]
fn chromium_without_a_certificate_is_told_what_to_do() {
    Trusts::get();
    let address = Browser::address("web", "&wauth=urn%3Aietf%3Arfc%3A2246");
    let scenes = json!([
        { "name": "none", "steps": [["size", [1280, 800]], ["open", address], ["wait", "#certificateArea"], picture("certificate"), ["axe"],
            ["dark", true], ["axe"], ["size", [320, 640]], ["axe"]] },
        { "name": "arabic", "steps": [["dark", false], ["language", "ar"], ["open", address], ["wait", "#certificateArea"],
            picture("certificate-arabic"), ["axe"]] },
    ]);
    let answers = chromium_with(&scenes, false, None);
    accessible(&answers, 4);
    assert_eq!(answers["none"]["focus"], "optionSelection");
    for scene in ["none", "arabic"] {
        assert!(answers[scene]["width"].as_u64().is_some_and(|width| width <= 320), "{scene} scrolls sideways");
    }
}
