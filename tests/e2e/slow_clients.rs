//! Clients that take too long, and clients that send too much before their body: each is ended, and others are served meanwhile.
//! And the log of it in JSON.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fault::unusable;
use crate::support::{Lab, Node, NodeSetup, WINDOWS, eventually, program};
use crate::wire::{Reply, Route, Wire, host, id};

const MEX: &str = "/adfs/services/trust/mex";
const USERNAME: &str = "/adfs/services/trust/13/usernamemixed";

/// A server that waits for a second, and would keep an idle connection for long.
fn impatient() -> Node {
    let limits = "[server.limits]\nheader_seconds = 1\nrequest_seconds = 1\nkeep_alive_seconds = 600\n";
    NodeSetup::new().append(limits).start()
}

/// Octet by octet, more slowly than the server waits, until it has had enough.
fn trickle(wire: &mut Wire, octets: &[u8]) {
    for octet in octets {
        wire.send(&[*octet]);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The server's last word on a connection: an answer, or none; then the end.
fn ended(mut wire: Wire) -> Option<Reply> {
    let reply = wire.read_reply(Instant::now(), "", false);
    assert!(reply.is_none() || wire.is_closed(), "the connection goes on after {reply:?}");
    reply
}

#[test]
fn a_header_that_does_not_come_is_not_waited_for() {
    let node = impatient();
    let route = Route::inside().to(node.ip());
    let begin = format!("POST {USERNAME} HTTP/1.1\r\nHost: {}\r\nX-Slow: ", host());
    // One that falls silent, and one that always sends a little more.
    for rest in ["", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        let mut wire = route.open();
        wire.send(begin.as_bytes());
        trickle(&mut wire, rest.as_bytes());
        let reply = ended(wire).expect("an answer");
        assert_eq!((reply.status, &*reply.body), (408, ""), "{rest}");
    }
    // Others are served.
    assert_eq!(route.get(MEX, &[]).status, 200);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let node = impatient();
    let route = Route::inside().to(node.ip());
    for (path, rest) in [(USERNAME, ""), (USERNAME, "<a>bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), (WINDOWS, "<a>")] {
        let mut wire = route.open();
        let correlation = id();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nclient-request-id: {correlation}\r\nContent-Length: 1000\r\n\r\n",
            host()
        );
        wire.send(head.as_bytes());
        trickle(&mut wire, rest.as_bytes());
        let reply = wire.read_reply(Instant::now(), &correlation, false).expect("an answer");
        assert_eq!((reply.status, &*reply.body), (408, ""), "{path} {rest}");
        unusable(&reply.audit_in(&node.directory), "MSIS3127", "408");
        // What comes too late is no request of its own.
        wire.send(format!("GET {MEX} HTTP/1.1\r\nHost: {}\r\n\r\n", host()).as_bytes());
        assert!(wire.is_closed(), "the late body was read as a request");
    }
}

/// A second request on a connection that stays open is not waited for without end, however it comes; one that is under way is.
#[test]
fn a_later_header_that_does_not_come_ends_its_connection() {
    let limits = "[server.limits]\nheader_seconds = 1\nrequest_seconds = 20\nkeep_alive_seconds = 1\n";
    let node = NodeSetup::new().append(limits).start();
    let route = Route::inside().to(node.ip());
    for rest in ["", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        let mut wire = route.open();
        assert_eq!(wire.request("GET", MEX, &[], b"").status, 200);
        wire.send(format!("GET {MEX} HTTP/1.1\r\nHost: {}\r\nX-Slow: ", host()).as_bytes());
        trickle(&mut wire, rest.as_bytes());
        let reply = ended(wire);
        assert!(reply.is_none(), "{reply:?}");
    }
    // A body that takes longer than all of these is a request under way.
    let mut wire = route.open();
    assert_eq!(wire.request("GET", MEX, &[], b"").status, 200);
    let body = [b' '; 60];
    wire.send(format!("POST {MEX} HTTP/1.1\r\nHost: {}\r\nContent-Length: 60\r\n\r\n", host()).as_bytes());
    trickle(&mut wire, &body);
    let reply = wire.read_reply(Instant::now(), "", false).expect("an answer");
    assert_eq!(reply.status, 400, "it was read, and is no request for metadata");
}

/// Each connection needs two of them, and the system's usual limit is small.
#[test]
fn the_server_takes_the_open_files_that_it_may_have() {
    let setup = NodeSetup::new();
    let mut child = Command::new("prlimit")
        .args(["--nofile=512:2048"])
        .arg(program())
        .args(["serve", "--config"])
        .arg(setup.file())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("prlimit starts");
    let limits = format!("/proc/{}/limits", child.id());
    let taken = || {
        let text = std::fs::read_to_string(&limits).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Max open files")).map(str::to_owned);
        line.is_some_and(|line| line.split_whitespace().take(2).all(|limit| limit == "2048"))
    };
    eventually("the hard limit is the soft one", taken);
    child.kill().and_then(|()| child.wait()).expect("the server ends");
}

#[test]
fn all_header_fields_together_have_one_limit() {
    const LIMIT: usize = 64 << 10;
    let own = |name: &str, value: &str| format!("{name}: {value}\r\n").len();
    let fixed = own("host", &host()) + own("client-request-id", &id());
    let ask = |octets: usize| -> Reply {
        // None is long; all of them are.
        let mut rest = octets - fixed;
        let mut fields = Vec::new();
        while rest > 0 {
            let name = format!("x-field-{:02}", fields.len());
            let octets = if rest > 2000 { 1000 } else { rest };
            fields.push((name.clone(), "a".repeat(octets - own(&name, ""))));
            rest -= octets;
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        Route::inside().get(MEX, &fields)
    };
    assert_eq!(ask(LIMIT).status, 200);
    let reply = ask(LIMIT + 1);
    assert_eq!((reply.status, &*reply.body), (431, ""));
    // Where somebody would have signed in it is in the audit log.
    let many: Vec<(String, String)> = (0..70).map(|n| (format!("x-field-{n:02}"), "a".repeat(1000))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (&**name, &**value)).collect();
    let reply = Route::inside().post(USERNAME, &many, b"<a/>");
    assert_eq!((reply.status, &*reply.body), (431, ""));
    unusable(&reply.audit(), "MSIS3127", "431");
}

#[test]
fn every_line_of_the_log_is_an_object_with_the_id_of_its_request() {
    let mut node = NodeSetup::new().replace("format = \"text\"", "format = \"json\"").start();
    let issued = node.token_of_computer();
    assert_eq!(issued.status, 200);
    let refused = node.token_of_user(&format!("alice@{}", Lab::get().domain), "line one\nline \"two\"");
    assert_eq!(refused.status, 500);
    // A warning in several words, and a name that would start a line of its own.
    let ntlm = Route::inside().to(node.ip()).post(WINDOWS, &[("Authorization", "Negotiate TlRMTVNTUAABAAAA")], b"");
    assert_eq!(ntlm.status, 401);
    let odd = node.curl("/adfs/no%0Asuch%22page").send();
    assert_eq!(odd.status, 404);
    // What no request caused: a change that is refused.
    crate::support::replace(&node.file(), "[server.log]\n", "[server.log]\nlevl = \"info\"\n");
    assert!(!node.reload().0);
    node.signal("TERM");
    assert!(node.ended(Duration::from_secs(40)).success());
    let log = node.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    for line in &lines {
        for field in ["timestamp", "level", "target"] {
            assert!(line[field].is_string(), "no {field} in {line}");
        }
    }
    let access = |correlation: &str| {
        let of_request = |line: &&Value| line["correlation"] == correlation && line["target"] == "chancery::access";
        lines.iter().find(of_request).unwrap_or_else(|| panic!("no line of {correlation} in {log}"))
    };
    for (answer, path, status) in
        [(&issued, WINDOWS, 200), (&refused, USERNAME, 500), (&odd, "/adfs/no%0Asuch%22page", 404)]
    {
        let line = access(&answer.correlation);
        assert_eq!((&line["path"], &line["status"]), (&Value::from(path), &Value::from(status)), "{line}");
    }
    let warned = |line: &Value| line["correlation"] == *ntlm.correlation && line["level"] == "WARN";
    assert!(lines.iter().any(warned), "{log}");
    assert!(log.contains("new configuration is refused"), "{log}");
    eventually("the end of the process", || node.log() == log);
}
