//! `windowstransport` and `usernamemixed`: the shape of answers, what clients vary, and what is written about a sign-in.

use serde_json::Value;

use crate::support::{
    Assertion, Audit, Curl, ENTRA, Lab, Response, Rst, Version, claim, now, signing_certificate, time, verify_all,
};

/// Posts a message to an endpoint by curl.
fn post(path: &str, body: &str) -> Response {
    Curl::new(&format!("{}{path}", Lab::get().url)).soap(body).send()
}

fn password_request(version: Version) -> Rst {
    Rst::new(version, &format!("{}{}", Lab::get().url, version.path("usernamemixed")))
}

fn alice(version: Version) -> Rst {
    password_request(version).password(&format!("alice@{}", Lab::get().domain), "Alice-Pw-1")
}

/// The local names of elements in order of appearance, from the first `from` on.
fn element_order<'a>(xml: &'a str, names: &[&'a str]) -> Vec<&'a str> {
    let pattern = regex::Regex::new(r"<(?:\w+:)?(\w+)").expect("a pattern");
    pattern.captures_iter(xml).filter_map(|c| c.get(1)).map(|m| m.as_str()).filter(|n| names.contains(n)).collect()
}

const RSTR_ORDER: [&str; 8] = [
    "Lifetime",
    "AppliesTo",
    "RequestedSecurityToken",
    "RequestedAttachedReference",
    "RequestedUnattachedReference",
    "TokenType",
    "RequestType",
    "KeyType",
];

#[test]
fn a_computer_and_a_user_get_their_tokens_in_both_versions_by_negotiate() {
    let lab = Lab::get();
    let cases = [("ws01", "WS01$", Some("DJ"), None), ("alice", "alice", None, Some(format!("alice@{}", lab.domain)))];
    let mut tokens = Vec::new();
    for (keytab, account, account_type, upn) in &cases {
        let object = lab.object(account);
        let cache = lab.kinit(keytab, account);
        for version in Version::BOTH {
            let url = format!("{}{}", lab.url, version.path("windowstransport"));
            let answer = Curl::new(&url).negotiate(&cache).soap(Rst::new(version, &url).build()).send();
            assert_eq!(answer.status, 200, "{account} {version:?}: {}", answer.body);
            assert_eq!(answer.header("content-type"), Some("application/soap+xml; charset=utf-8"));
            let reply = answer.header("www-authenticate").expect("the server authenticates itself");
            assert!(reply.starts_with("Negotiate ") && reply.len() > 100, "{reply}");
            check_shape(&answer.body, version, false);
            let token = Assertion::cut(&answer.body);
            assert!(token.verifies(signing_certificate()), "{}", token.xml);
            assert_eq!(token.attribute("Assertion", "Issuer"), format!("http://{}/adfs/services/trust/", lab.domain));
            assert_eq!(token.text("Audience"), ENTRA);
            assert_eq!(token.text("NameIdentifier"), object.guid_base64());
            assert_eq!(
                token.attribute("NameIdentifier", "Format"),
                "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
            );
            assert_eq!(
                token.attribute("AuthenticationStatement", "AuthenticationMethod"),
                "urn:federation:authentication:windows"
            );
            assert_eq!(token.single(claim::IMMUTABLE_ID), object.guid_base64());
            assert_eq!(token.single(claim::INSIDE), "true");
            assert_eq!(token.claim(claim::ACCOUNT_TYPE), account_type.iter().copied().collect::<Vec<_>>());
            assert_eq!(token.claim(claim::UPN), upn.iter().cloned().collect::<Vec<_>>());
            if account_type.is_some() {
                assert_eq!(token.single(claim::OBJECT_GUID), object.guid_base64());
                assert_eq!(token.single(claim::PRIMARY_SID), object.sid);
            } else {
                assert_eq!(token.claim(claim::OBJECT_GUID), [""; 0]);
            }
            tokens.push(token.xml);
        }
    }
    let documents: Vec<&str> = tokens.iter().map(String::as_str).collect();
    for verdict in verify_all(&documents) {
        assert_eq!(verdict["signed"], "Assertion");
        assert_eq!(verdict["whole"], true);
        assert_eq!(verdict["signature"], "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
        assert_eq!(verdict["digest"], "http://www.w3.org/2001/04/xmlenc#sha256");
        assert_eq!(verdict["canonicalization"], "http://www.w3.org/2001/10/xml-exc-c14n#");
        let children = verdict["children"].as_array().expect("a list").clone();
        assert_eq!(
            children,
            ["Conditions", "AttributeStatement", "AuthenticationStatement", "Signature"].map(Value::from)
        );
    }
}

#[test]
fn what_a_request_calls_itself_comes_back_with_its_answer() {
    for version in Version::BOTH {
        let rst = alice(version).build();
        let send = |rst: &str| post(&version.path("usernamemixed"), rst);
        let without = send(&rst);
        assert_eq!(without.status, 200, "{}", without.body);
        assert!(!without.body.contains(" Context="), "{}", without.body);
        let named = |context: &str| {
            let begin = "<wst:RequestSecurityToken ";
            rst.replace(begin, &format!("{begin}Context=\"{context}\" "))
        };
        let with = send(&named("uuid-7 &lt;&amp;"));
        assert_eq!(with.status, 200, "{}", with.body);
        assert!(with.body.contains(" Context=\"uuid-7 &lt;&amp;\">"), "{}", with.body);
        let long = send(&named(&"x".repeat(3000)));
        assert_eq!(long.status, 500);
        assert!(long.body.contains("InvalidRequest"), "{}", long.body);
    }
}

/// What every client reads of an answer (ws-federation.md 3.4).
fn check_shape(body: &str, version: Version, mixed: bool) {
    assert!(body.contains(&format!(">{}</a:Action>", version.answer())), "{body}");
    assert!(body.contains(">urn:uuid:6e8ce948-eb66-4720-916b-0695697e6e45</a:RelatesTo>"), "{body}");
    assert_eq!(body.contains(":Timestamp "), mixed, "a Timestamp on mixed endpoints only: {body}");
    assert_eq!(body.contains("RequestSecurityTokenResponseCollection"), version == Version::Trust13);
    let token = Assertion::cut(body).xml;
    assert!(token.starts_with("<saml:Assertion ") && token.ends_with("</saml:Assertion>"), "no white space: {token}");
    let rest = body.replace(&token, "");
    let closing_and_opening: Vec<&str> = RSTR_ORDER.to_vec();
    assert_eq!(element_order(&rest, &RSTR_ORDER), closing_and_opening);
    let id = Assertion { xml: token }.attribute("Assertion", "AssertionID");
    assert_eq!(rest.matches(&format!(">{id}</o:KeyIdentifier>")).count(), 2, "{rest}");
    assert!(rest.contains(">urn:oasis:names:tc:SAML:1.0:assertion</"), "{rest}");
    assert!(rest.contains(&format!(">{}</", version.bearer())), "{rest}");
}

#[test]
fn a_password_opens_in_every_form_of_the_name() {
    let lab = Lab::get();
    let (netbios, domain) = (lab.realm.split('.').next().expect("a label"), &lab.domain);
    for version in Version::BOTH {
        for (name, password, account) in [
            (format!("alice@{domain}"), "Alice-Pw-1", "alice"),
            (format!("ALICE@{}", domain.to_uppercase()), "Alice-Pw-1", "alice"),
            (format!("{netbios}\\alice"), "Alice-Pw-1", "alice"),
            (format!("{}\\Alice", netbios.to_lowercase()), "Alice-Pw-1", "alice"),
            (format!("{domain}\\alice"), "Alice-Pw-1", "alice"),
            ("carol.c@brand.example".into(), "Carol-Pw-1", "carol"),
            (format!("{netbios}\\carol"), "Carol-Pw-1", "carol"),
            ("erin@emea.brand.example".into(), "Erin-Pw-1", "erin"),
            ("longname-with-non-ascii-é@".to_owned() + domain, "Umlaut-Pw-1", "longname-with-non-ascii-é"),
            // The implicit name: sAMAccountName and the domain's own suffix.
            (format!("carol@{domain}"), "Carol-Pw-1", "carol"),
        ] {
            let answer =
                post(&version.path("usernamemixed"), &password_request(version).password(&name, password).build());
            assert_eq!(answer.status, 200, "{name} {version:?}: {}", answer.body);
            check_shape(&answer.body, version, true);
            let token = Assertion::cut(&answer.body);
            assert!(token.verifies(signing_certificate()));
            assert_eq!(token.single(claim::IMMUTABLE_ID), lab.object(account).guid_base64(), "{name}");
            let method = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
            assert_eq!(token.attribute("AuthenticationStatement", "AuthenticationMethod"), method);
            assert_eq!(token.single(claim::METHODS), method);
        }
    }
}

#[test]
fn a_bare_name_is_refused_like_a_wrong_password() {
    for (name, password) in [("alice", "Alice-Pw-1"), (&*format!("amelie@{}", Lab::get().domain), "wrong")] {
        let request = password_request(Version::Trust13).password(name, password).build();
        let answer = post(&Version::Trust13.path("usernamemixed"), &request);
        assert_eq!(answer.status, 500, "{name}");
        assert!(answer.body.contains(":FailedAuthentication<"), "{}", answer.body);
        assert!(
            answer.body.contains(">ID3242: The security token could not be authenticated or authorized.<"),
            "{}",
            answer.body
        );
    }
}

/// What real clients vary (ws-federation.md 3.3), each on both versions.
#[test]
fn what_clients_vary_is_accepted() {
    let lab = Lab::get();
    let name = format!("alice@{}", lab.domain);
    let (created, expires) = (time(now()), time(now() + 600));
    let fraction =
        |digits: &str| (created.replace('Z', &format!(".{digits}Z")), expires.replace('Z', &format!(".{digits}Z")));
    for version in Version::BOTH {
        let other = if version == Version::Trust13 { Version::February2005 } else { Version::Trust13 };
        let trust = version.namespace();
        let base = alice(version);
        let stamped = |(created, expires): (String, String)| {
            password_request(version).timestamped_password(&name, "Alice-Pw-1", &created, &expires)
        };
        let password_type = r#" Type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText""#;
        let variants: Vec<(&str, Rst)> = vec![
            ("seconds", base.clone()),
            ("milliseconds", stamped(fraction("068"))),
            ("seven digits", stamped(fraction("1234567"))),
            ("no Timestamp", password_request(version).security("", &name, "Alice-Pw-1", "")),
            ("PasswordText", password_request(version).security("", &name, "Alice-Pw-1", password_type)),
            ("bearer of the other version", Rst { key_type: Some(other.bearer().into()), ..base.clone() }),
            ("no KeyType", Rst { key_type: None, ..base.clone() }),
            ("KeySize 0", Rst { body_extra: format!(r#"<t:KeySize xmlns:t="{trust}">0</t:KeySize>"#), ..base.clone() }),
            (
                "claims",
                Rst {
                    body_extra: format!(
                        r#"<t:Claims xmlns:t="{trust}" Dialect="http://schemas.xmlsoap.org/ws/2005/05/identity"><i:ClaimType xmlns:i="http://schemas.xmlsoap.org/ws/2005/05/identity" Uri="urn:x" Optional="true"/></t:Claims>"#
                    ),
                    ..base.clone()
                },
            ),
            (
                "AppliesTo with addressing of 2004",
                Rst {
                    applies_to: Vec::new(),
                    body_extra: format!(
                        r#"<p:AppliesTo xmlns:p="http://schemas.xmlsoap.org/ws/2004/09/policy"><w:EndpointReference xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"><w:Address>{ENTRA}</w:Address></w:EndpointReference></p:AppliesTo>"#
                    ),
                    ..base.clone()
                },
            ),
            (
                "alternative host in To",
                Rst { to: format!("https://balancer.example{}", version.path("UserNameMixed")), ..base.clone() },
            ),
            // Never connected to: the answer goes where the request came from.
            (
                "another FaultTo",
                Rst {
                    headers: "<wsa:FaultTo><wsa:Address>https://elsewhere.example/</wsa:Address></wsa:FaultTo>".into(),
                    ..base.clone()
                },
            ),
            ("To with a trailing slash", Rst { to: format!("{}/", base.to), ..base.clone() }),
        ];
        for (what, request) in variants {
            let answer = post(&version.path("usernamemixed"), &request.build());
            assert_eq!(answer.status, 200, "{what} {version:?}: {}", answer.body);
            check_shape(&answer.body, version, true);
        }
        // ADAL's lower-case messageID is no addressing header: the answer relates to nothing.
        let adal = Rst {
            message_id: None,
            headers: "<wsa:messageID>urn:uuid:6e8ce948-eb66-4720-916b-0695697e6e45</wsa:messageID>".into(),
            ..base.clone()
        };
        let answer = post(&version.path("usernamemixed"), &adal.build());
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(!answer.body.contains("RelatesTo"), "{}", answer.body);
        for content_type in [
            "application/soap+xml",
            "text/xml; charset=utf-8",
            &format!("application/soap+xml; charset=utf-8; action=\"{trust}/RST/Issue\""),
        ] {
            let answer = Curl::new(&base.to)
                .header("Content-Type", content_type)
                .header("SOAPAction", &format!("{trust}/RST/Issue"))
                .post(base.build())
                .send();
            assert_eq!(answer.status, 200, "{content_type}: {}", answer.body);
        }
    }
}

/// AD FS' numbers and field names (ws-federation.md 12.3), joined by the correlation id in answer, log and audit.
#[test]
fn one_sign_in_is_written_down_with_the_field_names_of_ad_fs() {
    let lab = Lab::get();
    let object = lab.object("alice");
    let url = format!("{}{}", lab.url, Version::Trust13.path("windowstransport"));
    let answer = Curl::new(&url)
        .negotiate(&lab.kinit("alice", "alice"))
        .header("User-Agent", WINDOWS_BROKER)
        .soap(Rst::new(Version::Trust13, &url).build())
        .send();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = Assertion::cut(&answer.body);
    assert_eq!(answer.header("client-request-id"), Some(&*answer.correlation));
    assert!(lab.log_lines(&answer.correlation).iter().any(|line| line.contains("200")));

    let audit = lab.audit(&answer.correlation);
    let user = format!("{}\\alice", lab.realm.split('.').next().expect("a label"));
    let issued = audit.event(299);
    assert_eq!(issued["ProviderName"], "AD FS Auditing");
    assert_eq!(issued["AuditResult"], "Success");
    assert_eq!(issued["RelyingParty"], ENTRA);
    assert_eq!(issued["UserId"], *user);
    assert_eq!(issued["SubjectSid"], *object.sid);
    assert_eq!(issued["TokenID"], *token.attribute("Assertion", "AssertionID"));
    assert_eq!(issued["TokenType"], "urn:oasis:names:tc:SAML:1.0:assertion");
    assert_eq!(issued["NotOnOrAfter"], *token.attribute("Conditions", "NotOnOrAfter"));
    for number in [1200, 1202] {
        let event = audit.event(number);
        check_components(&event, &user, &object.sid);
        assert_eq!(event["AuditType"], if number == 1200 { "AppToken" } else { "FreshCredentials" });
        assert_eq!(event["RelyingParty"], if number == 1200 { ENTRA } else { "N/A" }, "{number}");
    }
    let accepted = audit.event(412);
    assert_eq!(accepted["TokenType"], "http://schemas.microsoft.com/ws/2006/05/identitymodel/tokens/Kerberos");
    assert_eq!(accepted["SubjectSid"], *object.sid);
    let claims = audit.event(500);
    assert_eq!(claims["InstanceID"], issued["InstanceID"], "500 is joined to its 299");
    let immutable = claims["Claims"].as_array().expect("a list").iter().find(|c| c["Type"] == claim::IMMUTABLE_ID);
    assert_eq!(immutable.expect("the ImmutableID")["Value"], *object.guid_base64());
    let signature = regex::Regex::new("SignatureValue>([^<]{40})").expect("a pattern");
    let signature = signature.captures(&token.xml).and_then(|c| c.get(1)).expect("a signature").as_str();
    for event in audit.events() {
        assert!(!event.to_string().contains(signature), "the token itself is in the audit log: {event}");
        assert_eq!(event["ActivityID"], *answer.correlation);
    }
}

/// The components of the 1200 series.
fn check_components(event: &Value, user: &str, sid: &str) {
    for (field, expected) in [
        ("AuditResult", Value::from("Success")),
        ("FailureType", "None".into()),
        ("ErrorCode", "N/A".into()),
        ("ClaimsProvider", "AD AUTHORITY".into()),
        ("UserId", user.into()),
        ("SubjectSid", sid.into()),
        ("PrimaryAuth", "urn:federation:authentication:windows".into()),
        ("DeviceAuth", false.into()),
        ("DeviceId", "N/A".into()),
        ("MfaPerformed", false.into()),
        ("MfaMethod", "N/A".into()),
        ("Server", format!("http://{}/adfs/services/trust", Lab::get().host).into()),
        ("AuthProtocol", "WSTrust".into()),
        ("NetworkLocation", "Intranet".into()),
        ("IpAddress", "127.0.0.1".into()),
        ("ForwardedIpAddress", "".into()),
        ("ProxyIpAddress", "N/A".into()),
        ("NetworkIpAddress", "127.0.0.1".into()),
        ("ProxyServer", "N/A".into()),
        ("UserAgentString", WINDOWS_BROKER.into()),
        ("Endpoint", "/adfs/services/trust/13/windowstransport".into()),
    ] {
        assert_eq!(event[field], expected, "{field} of {event}");
    }
}

#[test]
fn a_refused_password_is_written_down_with_its_reason_and_without_itself() {
    let lab = Lab::get();
    let name = format!("nobody-{}@{}", now(), lab.domain);
    let secret = "Correct-Horse-7";
    let answer = post(
        &Version::Trust13.path("usernamemixed"),
        &password_request(Version::Trust13).password(&name, secret).build(),
    );
    let audit: Audit = lab.audit(&answer.correlation);
    for number in [1203, 411, 342] {
        let event = audit.event(number);
        assert_eq!(event["AuditResult"], "Failure", "{event}");
        assert_eq!(event["UserId"], *name, "{event}");
    }
    assert_eq!(audit.event(1203)["FailureType"], "CredentialValidationError");
    assert!(audit.events().iter().all(|event| !event.to_string().contains(secret)));
    assert!(lab.log_lines(&answer.correlation).iter().all(|line| !line.contains(secret)));
}

/// What Windows' broker calls itself in step 5 of the hybrid join (ws-federation.md 5.3).
const WINDOWS_BROKER: &str = "Windows-AzureAD-Authentication-Provider/1.0";
