//! Messages that earn no token, each with its exact fault and what the audit log says of it (ws-federation.md 3.7, 3.8).

use crate::fault::{
    Fault, SECEXT, TRUST_13, TRUST_2005, USERNAME, WINDOWS, applies_to, bare, message, nothing_issued, now, rejected,
    send, timed, unusable,
};
use crate::support::{Audit, Lab, Node, NodeSetup};
use crate::wire::{Reply, Route};
use chancery::clock::UtcTime;

/// What is sent, from a good message; what comes back; and what the audit log says.
struct Case {
    name: &'static str,
    change: fn(&str) -> String,
    fault: Fault,
    detail: &'static str,
}

#[test]
fn what_is_no_request_gets_its_own_fault() {
    let request = Fault::invalid_request;
    let security = Fault::invalid_security;
    let bad = || {
        let text =
            "MSIS3127: The specified request failed. The kind of request, key or token it asks for is not issued here.";
        Fault::sender(TRUST_13, "BadRequest", text)
    };
    let delegation = || Fault::sender(TRUST_13, "FailedAuthentication", "MSIS3126: Access denied.");
    let cases = [
        Case { name: "nothing", change: |_| String::new(), fault: request(), detail: "XML: " },
        Case { name: "no XML", change: |_| "<".into(), fault: request(), detail: "XML: " },
        Case { name: "cut off", change: |good| good[..good.len() - 9].into(), fault: request(), detail: "XML: " },
        Case {
            name: "no UTF-8",
            change: |good| swap(good, "<wst:KeyType>", "<wst:KeyType>&#xFFFE;"),
            fault: request(),
            detail: "XML: ",
        },
        Case {
            name: "DTD",
            change: |good| format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{good}"),
            fault: request(),
            detail: "XML: ",
        },
        Case {
            name: "entity of its own",
            change: |good| swap(good, "urn:federation:MicrosoftOnline", "&online;"),
            fault: request(),
            detail: "XML: ",
        },
        Case {
            name: "deep nesting",
            change: |good| swap(good, "</s:Body>", &format!("{}{}</s:Body>", "<x>".repeat(90), "</x>".repeat(90))),
            fault: request(),
            detail: "XML: ",
        },
        Case {
            name: "many elements",
            change: |good| swap(good, "</s:Body>", &format!("{}</s:Body>", "<x/>".repeat(5000))),
            fault: request(),
            detail: "XML: ",
        },
        Case { name: "no SOAP", change: |_| "<a/>".into(), fault: request(), detail: "no SOAP envelope" },
        Case {
            name: "two requests",
            change: |good| {
                let at = good.find("<wst:RequestSecurityToken").expect("a request");
                let end = good.find("</s:Body>").expect("a body");
                format!("{}{}{}", &good[..end], &good[at..end], &good[end..])
            },
            fault: request(),
            detail: "more than one element",
        },
        Case {
            name: "two AppliesTo",
            change: |good| swap(good, "<wst:KeyType>", &format!("{}<wst:KeyType>", applies_to("urn:other"))),
            fault: request(),
            detail: "two AppliesTo",
        },
        Case {
            name: "two addresses in AppliesTo",
            change: |good| {
                swap(good, "</wsa:EndpointReference>", "<wsa:Address>urn:x</wsa:Address></wsa:EndpointReference>")
            },
            fault: request(),
            detail: "",
        },
        Case {
            name: "no AppliesTo",
            change: |good| swap(good, &applies_to("urn:federation:MicrosoftOnline"), ""),
            fault: request(),
            detail: "no AppliesTo",
        },
        Case {
            name: "no RequestType",
            change: |good| swap(good, &format!("<wst:RequestType>{TRUST_13}/Issue</wst:RequestType>"), ""),
            fault: request(),
            detail: "no RequestType",
        },
        Case {
            name: "two RequestTypes",
            change: |good| {
                swap(
                    good,
                    "<wst:KeyType>",
                    &format!("<wst:RequestType>{TRUST_13}/Renew</wst:RequestType><wst:KeyType>"),
                )
            },
            fault: request(),
            detail: "XML: ",
        },
        Case {
            name: "WS-Trust 2005 at 1.3",
            change: |good| swap(good, &format!(r#"xmlns:wst="{TRUST_13}""#), &format!(r#"xmlns:wst="{TRUST_2005}""#)),
            fault: request(),
            detail: "of this endpoint's version",
        },
        Case {
            name: "symmetric key",
            change: |good| swap(good, "/Bearer<", "/SymmetricKey<"),
            fault: bad(),
            detail: "unsupported KeyType",
        },
        Case {
            name: "renewal",
            change: |good| swap(good, "/Issue</wst:RequestType>", "/Renew</wst:RequestType>"),
            fault: bad(),
            detail: "unsupported RequestType",
        },
        Case {
            name: "JWT",
            change: |good| {
                swap(
                    good,
                    "<wst:KeyType>",
                    "<wst:TokenType>urn:ietf:params:oauth:token-type:jwt</wst:TokenType><wst:KeyType>",
                )
            },
            fault: bad(),
            detail: "unsupported TokenType",
        },
        Case {
            name: "OnBehalfOf",
            change: |good| swap(good, "<wst:KeyType>", "<wst:OnBehalfOf><x/></wst:OnBehalfOf><wst:KeyType>"),
            fault: delegation(),
            detail: "OnBehalfOf",
        },
        Case {
            name: "ActAs",
            change: |good| {
                swap(
                    good,
                    "<wst:KeyType>",
                    r#"<a:ActAs xmlns:a="http://docs.oasis-open.org/ws-sx/ws-trust/200802"><x/></a:ActAs><wst:KeyType>"#,
                )
            },
            fault: delegation(),
            detail: "ActAs",
        },
        Case {
            name: "two Security headers",
            change: |good| swap(good, "</s:Header>", &format!(r#"<w:Security xmlns:w="{SECEXT}"/></s:Header>"#)),
            fault: security(),
            detail: "two Security headers",
        },
        Case {
            name: "two UsernameTokens",
            change: |good| swap(good, "<wsse:UsernameToken ", "<wsse:UsernameToken/><wsse:UsernameToken "),
            fault: security(),
            detail: "two UsernameTokens",
        },
        Case {
            name: "unreadable time",
            change: |good| swap(good, "<wsu:Created>", "<wsu:Created>yesterday "),
            fault: security(),
            detail: "no readable Created",
        },
        Case {
            name: "PasswordDigest",
            change: |good| {
                swap(
                    good,
                    "<wsse:Password>",
                    r#"<wsse:Password Type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest">"#,
                )
            },
            fault: security(),
            detail: "only passwords in clear",
        },
        Case {
            name: "no user name",
            change: |good| {
                swap(good, "<wsse:Username>bob", "<wsse:Username> </wsse:Username><wsse:Other>bob")
                    .replace("</wsse:Username></wsse:Other>", "")
            },
            fault: request(),
            detail: "XML: ",
        },
        Case {
            name: "no password",
            change: |good| swap(good, "<wsse:Password>Bob-Pw-1</wsse:Password>", ""),
            fault: security(),
            detail: "no Password",
        },
        Case {
            name: "wrong action",
            change: |good| swap(good, "/RST/Issue</wsa:Action>", "/RST/Validate</wsa:Action>"),
            fault: Fault::sender(
                "http://www.w3.org/2005/08/addressing",
                "ActionNotSupported",
                &format!("The message with Action '{TRUST_13}/RST/Validate' cannot be processed at the receiver."),
            ),
            detail: "unsupported action",
        },
        Case {
            name: "wrong address",
            change: |good| {
                swap(good, &format!("{USERNAME}</wsa:To>"), "/adfs/services/trust/13/windowstransport</wsa:To>")
            },
            fault: Fault::sender(
                "http://www.w3.org/2005/08/addressing",
                "DestinationUnreachable",
                &format!("The message with To '{}{WINDOWS}' cannot be processed at the receiver.", Lab::get().url),
            ),
            detail: "addressed to",
        },
    ];
    let good = message(&user("bob"), "Bob-Pw-1");
    for Case { name, change, fault, detail } in cases {
        let reply = send(&Route::inside(), &change(&good));
        assert_eq!((name, Fault::of(&reply)), (name, fault));
        unusable(&reply.audit(), "MSIS3127", detail);
        assert_eq!(reply.header("client-request-id"), Some(&*reply.correlation), "{name}");
    }
    assert_eq!(send(&Route::inside(), &good).status, 200, "what the cases are made from gets a token");
}

#[test]
fn a_header_block_that_must_be_understood_is_named() {
    let block = r#"<x:Strange xmlns:x="urn:x" s:mustUnderstand="1"/></s:Header>"#;
    let reply = send(&Route::inside(), &swap(&message(&user("bob"), "Bob-Pw-1"), "</s:Header>", block));
    let text = "The header 'Strange' from the namespace 'urn:x' was not understood.";
    assert_eq!(Fault::of(&reply), Fault { code: "MustUnderstand".into(), subcode: None, text: text.into() });
    assert!(
        reply.body.contains(r#"<s:NotUnderstood xmlns:q="urn:x" qname="q:Strange"></s:NotUnderstood>"#),
        "{}",
        reply.body
    );
    unusable(&reply.audit(), "MSIS3127", "{urn:x}Strange must be understood");
    for harmless in [
        r#"<x:Strange xmlns:x="urn:x" s:mustUnderstand="0"/></s:Header>"#,
        r#"<x:Strange xmlns:x="urn:x"/></s:Header>"#,
        r#"<x:Strange xmlns:x="urn:x" s:mustUnderstand="1" s:role="urn:another:node"/></s:Header>"#,
    ] {
        let reply = send(&Route::inside(), &swap(&message(&user("bob"), "Bob-Pw-1"), "</s:Header>", harmless));
        assert_eq!(reply.status, 200, "{harmless}: {}", reply.body);
    }
}

#[test]
fn soap_1_1_is_another_version() {
    let message = message(&user("bob"), "Bob-Pw-1");
    let old = swap(&message, "http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/");
    let reply = send(&Route::inside(), &old);
    let text = "The envelope is not of SOAP 1.2.";
    assert_eq!(Fault::of(&reply), Fault { code: "VersionMismatch".into(), subcode: None, text: text.into() });
    unusable(&reply.audit(), "MSIS3127", "SOAP 1.1");
}

#[test]
fn a_message_outside_its_time_is_refused_before_the_password_is_looked_at() {
    let at = |seconds: i64| UtcTime::from_unix_seconds(now() + seconds);
    for (name, created, expires, good) in [
        ("expired", -1000, Some(-310), false),
        ("from the future", 320, Some(900), false),
        ("ends before it begins", 10, Some(-10), false),
        ("expired within the skew", -700, Some(-290), true),
        ("from the future within the skew", 280, Some(900), true),
        // Ten minutes, where the message names no end.
        ("old", -620, None, false),
        ("not so old", -580, None, true),
    ] {
        let end = at(expires.unwrap_or(0));
        let mut message = timed(&user("bob"), "Bob-Pw-1", at(created), end);
        if expires.is_none() {
            message = swap(&message, &format!("<wsu:Expires>{}</wsu:Expires>", end.to_xml()), "");
        }
        let reply = send(&Route::inside(), &message);
        if good {
            assert_eq!(reply.status, 200, "{name}: {}", reply.body);
            continue;
        }
        assert_eq!((name, Fault::of(&reply)), (name, Fault::invalid_security()));
        rejected(&reply.audit(), "MessageExpired");
    }
}

#[test]
fn without_a_credential_there_is_no_security() {
    let reply = send(&Route::inside(), &bare(USERNAME));
    assert_eq!(Fault::of(&reply), Fault::invalid_security());
    rejected(&reply.audit(), "MalformedToken");
}

#[test]
fn a_relying_party_that_is_unknown_or_off_is_out_of_scope() {
    let server = strict_server();
    let route = Route::inside().to(server.ip());
    for identifier in ["urn:nobody", "URN:FEDERATION:MicrosoftOnline", "urn:federation:MicrosoftOnline/", "urn:e2e:off"]
    {
        let reply =
            send(&route, &swap(&message(&user("bob"), "Bob-Pw-1"), "urn:federation:MicrosoftOnline", identifier));
        let expected =
            Fault::sender(TRUST_13, "InvalidScope", "ID3082: The request scope is not valid or is unsupported.");
        assert_eq!((identifier, Fault::of(&reply)), (identifier, expected));
        let audit = reply.audit_in(&server.directory);
        assert_eq!(audit.event(413)["ErrorCode"], "MSIS3020");
        assert_eq!(audit.event(1201)["ErrorCode"], "MSIS3020");
        assert_eq!(audit.event(1201)["FailureType"], "RequestError");
        nothing_issued(&audit);
    }
}

#[test]
fn who_may_not_have_a_token_is_denied() {
    let server = strict_server();
    let route = Route::inside().to(server.ip());
    let ask = |identifier: &str| -> (Reply, Audit) {
        let reply =
            send(&route, &swap(&message(&user("bob"), "Bob-Pw-1"), "urn:federation:MicrosoftOnline", identifier));
        let audit = reply.audit_in(&server.directory);
        (reply, audit)
    };
    let denied = Fault::sender(TRUST_13, "FailedAuthentication", "MSIS7068: Access denied.");
    for (identifier, reason) in [
        ("urn:e2e:nobody", "no rule permits"),
        ("urn:e2e:denied", "denies"),
        ("urn:e2e:closed", "neither a policy nor rules"),
        ("urn:e2e:incomplete", "urn:e2e:never claim, which the trust requires"),
    ] {
        let (reply, audit) = ask(identifier);
        assert_eq!((identifier, Fault::of(&reply)), (identifier, denied.clone()));
        let told = audit.event(324)["DeniedBy"].as_str().expect("a reason").to_owned();
        assert!(told.contains(reason), "{identifier}: {told}");
        assert_eq!(audit.event(1201)["ErrorCode"], "MSIS7068");
        assert_eq!(audit.event(1201)["FailureType"], "AuthorizationError");
        nothing_issued(&audit);
    }
    // Where no page can be shown, a demand for a second factor is a refusal.
    let (reply, audit) = ask("urn:e2e:second-factor");
    assert_eq!(Fault::of(&reply), denied);
    unusable(&audit, "MSIS7102", "a second factor");
    for number in [413, 1201] {
        let event = audit.event(number);
        assert_eq!(event["ErrorCode"], "MSIS7102");
        assert_eq!(event["RelyingParty"], "urn:e2e:second-factor");
        assert_eq!(event["SubjectSid"], *Lab::get().object("bob").sid);
    }
    assert_eq!(audit.event(1201)["FailureType"], "AuthorizationError");
    assert_eq!(ask("urn:e2e:open").0.status, 200);
}

/// A server with trusts that do not give tokens to everybody.
fn strict_server() -> Node {
    let permit = r#"=> issue(Type = "http://schemas.microsoft.com/authorization/claims/permit", Value = "true");"#;
    let rules = [
        ("off", format!("enabled = false\nauthorization_rules = '''{permit}'''")),
        ("open", format!("authorization_rules = '''{permit}'''")),
        ("closed", String::new()),
        ("nobody", format!("authorization_rules = '''c:[Type == \"urn:none\"] {permit}'''")),
        ("denied", format!("authorization_rules = '''{permit}\n{}'''", permit.replace("claims/permit", "claims/deny"))),
        ("incomplete", format!("authorization_rules = '''{permit}'''\nrequired_claims = [\"urn:e2e:never\"]")),
        (
            "second-factor",
            format!(
                "authorization_rules = '''{permit}'''\nadditional_authentication_rules = '''=> issue(Type = \"http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationmethod\", Value = \"http://schemas.microsoft.com/claims/multipleauthn\");'''"
            ),
        ),
    ];
    let trusts = rules.into_iter().fold(NodeSetup::new(), |node, (name, keys)| {
        let text = format!(
            "[relying_party]\nname = \"Strict {name}\"\nidentifiers = [\"urn:e2e:{name}\"]\n{keys}\ntransform_rules = '''c:[] => issue(claim = c);'''\n"
        );
        node.write(&format!("trusts/strict-{name}.toml"), text)
    });
    trusts.start()
}

fn user(name: &str) -> String {
    format!("{name}@{}", Lab::get().realm.to_lowercase())
}

/// Replaces a text that must be there.
fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in the message");
    text.replacen(from, to, 1)
}
