//! TLS as other people's clients see it: versions, suites, ALPN, client certificates, renegotiation, big header fields.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{Curl, Lab, NodeSetup, WINDOWS, computer_tickets, request, variable};

#[test]
fn only_tls_1_2_and_1_3_are_spoken() {
    let server = lab_server();
    for old in ["-tls1", "-tls1_1"] {
        // Our own OpenSSL would refuse to offer these at its usual level.
        let (done, said) = s_client(&server, 443, &host(), &[old, "-cipher", "ALL:@SECLEVEL=0"], b"");
        assert!(!done, "{old}: {said}");
        assert!(said.contains("alert protocol version"), "{old} must be refused by the server: {said}");
    }
    for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let (done, said) = s_client(&server, 443, &host(), &[version], b"");
        assert!(done && said.contains(name), "{version}: {said}");
    }
}

#[test]
fn suites_without_authenticated_encryption_are_for_the_downlevel_profile() {
    let downlevel = NodeSetup::new().replace("[server.tls]\n", "[server.tls]\nprofile = \"downlevel\"\n").start();
    for suite in ["ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384"]
    {
        let offer = ["-tls1_2", "-cipher", suite];
        let (done, said) = s_client(&downlevel.address, 443, &host(), &offer, b"");
        assert!(done && said.contains(suite), "downlevel refuses {suite}: {said}");
        let (done, said) = s_client(&lab_server(), 443, &host(), &offer, b"");
        assert!(!done, "modern takes {suite}: {said}");
    }
    // Never, in either profile: no forward secrecy, broken, or no encryption at all.
    for suite in ["AES128-SHA", "AES256-GCM-SHA384", "DES-CBC3-SHA", "DHE-RSA-AES128-SHA", "NULL", "aNULL"] {
        let offer = ["-tls1_2", "-cipher", &format!("{suite}:@SECLEVEL=0")];
        for address in [&downlevel.address, &lab_server()] {
            assert!(!s_client(address, 443, &host(), &offer, b"").0, "{address} takes {suite}");
        }
    }
    // The whole job by what Windows 7 to 2012 R2 have.
    let answer = downlevel
        .curl(WINDOWS)
        .args(["--tls-max", "1.2", "--ciphers", "ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA"])
        .negotiate(computer_tickets())
        .soap(request(WINDOWS).build())
        .send();
    assert_eq!(answer.status, 200, "{answer:?}");
    // A modern client does not get worse by it.
    let (_, said) = s_client(&downlevel.address, 443, &host(), &["-tls1_2"], b"");
    assert!(said.contains("GCM") || said.contains("CHACHA20"), "{said}");
}

#[test]
fn http_1_1_is_chosen_unless_http_2_is_switched_on() {
    let (_, said) = s_client(&lab_server(), 443, &host(), &["-alpn", "h2,http/1.1"], b"");
    assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
    let (done, said) = s_client(&lab_server(), 443, &host(), &[], b"");
    assert!(done && said.contains("No ALPN negotiated"), "{said}");

    let node = NodeSetup::new().replace("[server.tls]\n", "[server.tls]\nhttp2 = true\n").start();
    let version = |url: &str, connect_to: &str| {
        let output = Command::new("curl")
            .args(["--silent", "--fail", "--http2", "--max-time", "10", "--output", "/dev/null"])
            .args(["--write-out", "%{http_version}", "--connect-to", connect_to, url])
            .output()
            .expect("curl runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let mex = format!("{}/adfs/services/trust/mex", Lab::get().url);
    assert_eq!(version(&mex, &format!("::{}:", node.address)), "2");
    assert_eq!(version(&mex, ""), "1.1");
    let metadata = node.curl("/FederationMetadata/2007-06/FederationMetadata.xml").args(["--http1.1"]).send();
    assert_eq!(metadata.status, 200, "both at once");
}

#[test]
fn a_client_certificate_is_asked_for_on_its_own_names_and_port_only() {
    let certauth = format!("certauth.{}", host());
    let registration = format!("enterpriseregistration.{}", variable("LAB_DOMAIN"));
    for version in ["-tls1_2", "-tls1_3"] {
        for (port, name, asked) in [
            (443, host(), false),
            (443, certauth.clone(), true),
            (443, certauth.to_uppercase(), true),
            (443, registration.clone(), true),
            (443, String::from("other.example"), false),
            (49443, host(), true),
            (49443, String::from("other.example"), true),
        ] {
            let (done, said) = s_client(&lab_server(), port, &name, &[version, "-msg"], b"");
            assert!(done, "a certificate must not be demanded: {name}:{port} {said}");
            assert_eq!(said.contains("CertificateRequest"), asked, "{version} {name}:{port}: {said}");
        }
    }
}

#[test]
fn a_client_cannot_renegotiate() {
    let (_, said) = s_client(&lab_server(), 443, &host(), &["-tls1_2"], b"R\n");
    assert!(said.contains("RENEGOTIATING"), "{said}");
    assert!(said.contains("no renegotiation"), "{said}");
}

#[test]
fn header_fields_as_big_as_a_ticket_of_many_groups_pass_and_bigger_ones_do_not() {
    let mex = format!("{}/adfs/services/trust/mex", Lab::get().url);
    let with = |size: usize| Curl::new(&mex).header("X-Ticket", &"a".repeat(size)).send();
    assert_eq!(with(60 * 1024).status, 200);
    let refused = with(70 * 1024);
    assert_eq!(refused.status, 431, "{refused:?}");
    // Without end: the connection ends, the server does not.
    let endless = Command::new("curl")
        .args(["--silent", "--max-time", "20", "--output", "/dev/null", "--write-out", "%{http_code}"])
        .args((0..6).flat_map(|n| ["--header".to_owned(), format!("X-Big-{n}: {}", "b".repeat(60 * 1024))]))
        .arg(&mex)
        .output()
        .expect("curl runs");
    let status = String::from_utf8_lossy(&endless.stdout).into_owned();
    assert!(["000", "400", "413", "431"].contains(&&*status), "{status}");
    assert_eq!(with(10).status, 200);
}

#[test]
fn a_request_for_another_name_than_the_connection_is_misdirected() {
    let answer = Curl::new(&format!("{}/adfs/services/trust/mex", Lab::get().url))
        .header("Host", &format!("certauth.{}", host()))
        .send();
    assert_eq!(answer.status, 421, "{answer:?}");
}

/// `openssl s_client`: whether the handshake was done, and all it said.
fn s_client(address: &str, port: u16, name: &str, arguments: &[&str], input: &[u8]) -> (bool, String) {
    let mut child = Command::new("timeout")
        .args(["20", "openssl", "s_client", "-connect", &format!("{address}:{port}"), "-servername", name])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let _ = stdin.write_all(input);
    // A command is carried out after the handshake, and ends the connection; without one the end of the input does.
    let open = (!input.is_empty()).then_some(stdin);
    let output = child.wait_with_output().expect("openssl ends");
    drop(open);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success() && !said.contains("Cipher is (NONE)"), said)
}

fn lab_server() -> String {
    format!("{}.1", variable("LAB_BLOCK"))
}

fn host() -> String {
    variable("LAB_HOST")
}
