//! Two nodes with one key directory behind HAProxy, which passes TLS through; one is killed in the middle.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{
    Assertion, Curl, HaProxy, Lab, NodeSetup, WINDOWS, computer_tickets, eventually, request, run, script, variable,
};

#[test]
fn clients_do_not_notice_that_a_node_dies() {
    let shared = Lab::get().scratch("farm");
    std::fs::create_dir_all(&shared).expect("a directory");
    let kek = shared.join("kek");
    std::fs::write(&kek, std::array::from_fn::<u8, 32, _>(|_| fastrand::u8(..))).expect("a key");
    run(Command::new("chmod").arg("600").arg(&kek));
    let node = |octet| {
        let setup = NodeSetup::at(octet);
        let own = format!("key_encryption_key_file = \"{}/kek\"", setup.directory.display());
        let common = format!(
            "key_encryption_key_file = \"{}\"\ndirectory = \"{}\"",
            kek.display(),
            shared.join("keys").display()
        );
        // Both start at once on an empty key directory: they must end with the same keys.
        setup.replace(&own, &common).spawn()
    };
    let (mut first, second) = (node(11), node(12));
    first.wait(200);
    second.wait(200);
    assert_eq!(signing_certificate(&first), signing_certificate(&second));

    let balancer = balancer(&[&first.address, &second.address]);
    eventually("the balancer sends to both", || {
        for _ in 0..6 {
            let _ = token_through(&balancer);
        }
        [&first, &second].iter().all(|node| node.log().contains("windowstransport"))
    });

    // The lab's own door: the service's names lead to the balancer.
    let output = Command::new(script("run"))
        .args(["--balanced", "curl", "--silent", "--max-time", "20", "--fail-with-body", "--negotiate", "--user", ":"])
        .args(["--header", "Content-Type: application/soap+xml; charset=utf-8", "--data-binary"])
        .arg(request(WINDOWS).build())
        .arg(format!("{}{WINDOWS}", Lab::get().url))
        .env("KRB5CCNAME", format!("FILE:{}", computer_tickets().display()))
        .output()
        .expect("the lab's door opens");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{answer}{}", String::from_utf8_lossy(&output.stderr));
    let token = Assertion::cut(&answer);
    assert_eq!(token.single("http://schemas.microsoft.com/ws/2012/01/accounttype"), "DJ");

    let (done, good, broken) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    match token_through(&balancer) {
                        Some(200) => good.fetch_add(1, Ordering::Relaxed),
                        Some(status) => panic!("status {status}"),
                        // The connection broke.
                        None => broken.fetch_add(1, Ordering::Relaxed),
                    };
                }
            });
        }
        std::thread::sleep(Duration::from_secs(2));
        let before = good.load(Ordering::Relaxed);
        first.signal("KILL");
        first.ended(Duration::from_secs(5));
        std::thread::sleep(Duration::from_secs(4));
        done.store(true, Ordering::Relaxed);
        assert!(good.load(Ordering::Relaxed) > before + 5, "clients went on");
    });
    // Only what the dead node had in its hands is lost; each client tries again and succeeds.
    let broken = broken.load(Ordering::Relaxed);
    assert!(broken <= CLIENTS, "{broken} broken connections");
    assert!(good.load(Ordering::Relaxed) > 10);
}

/// HAProxy at the lab's address for it; TLS passes through.
fn balancer(nodes: &[&str]) -> HaProxy {
    let block = variable("LAB_BLOCK");
    let address = format!("{block}.3");
    let servers: String = nodes
        .iter()
        .enumerate()
        .map(|(n, node)| {
            format!("  server node{n} {node}:443 source {address} check port 80 inter 200 fall 1 rise 1 on-marked-down shutdown-sessions\n")
        })
        .collect();
    let configuration = format!(
        "global\n  maxconn 500\ndefaults\n  mode tcp\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n  \
         retries 3\n  option redispatch 1\nfrontend sts\n  bind {address}:443\n  default_backend nodes\nbackend nodes\n  \
         balance roundrobin\n  option httpchk\n  http-check send meth GET uri /adfs/probe ver HTTP/1.1 hdr Host {}\n  \
         http-check expect status 200\n{servers}",
        variable("LAB_HOST")
    );
    HaProxy::start(&address, &configuration)
}

/// The status of a request of WS01$ through the balancer; nothing when the connection broke.
fn token_through(balancer: &HaProxy) -> Option<u16> {
    let url = format!("{}{WINDOWS}", Lab::get().url);
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "20", "--output", "/dev/null", "--write-out", "%{http_code}"])
        .args(["--connect-to", &format!("::{}:", balancer.address), "--negotiate", "--user", ":"])
        .args(["--header", "Content-Type: application/soap+xml; charset=utf-8", "--data-binary"])
        .arg(request(WINDOWS).build())
        .arg(url)
        .env("KRB5CCNAME", format!("FILE:{}", computer_tickets().display()))
        .output()
        .expect("curl runs");
    let status = String::from_utf8_lossy(&output.stdout).parse().unwrap_or(0);
    (output.status.success() && status != 0).then_some(status)
}

fn signing_certificate(node: &crate::support::Node) -> String {
    let request: Curl = node.curl("/FederationMetadata/2007-06/FederationMetadata.xml");
    let metadata = request.send().body;
    let (_, rest) = metadata.split_once("<KeyDescriptor use=\"signing\">").expect("a signing key");
    let (_, rest) = rest.split_once("<X509Certificate>").expect("a certificate");
    rest.split('<').next().expect("a value").to_owned()
}

const CLIENTS: usize = 4;
