//! Browsers that prove their device by its certificate, on the name or the port where certificates are asked for: curl and Chromium.

use std::process::Command;

use serde_json::json;

use crate::browser::chromium_presenting;
use crate::registered::Registered;
use crate::support::{
    Assertion, Audit, Browser, Device, HandOver, Lab, Node, NodeSetup, Response, Trusts, certificate_of, eventually,
    run, variable,
};

fn setup() -> NodeSetup {
    Trusts::get();
    NodeSetup::new()
        .replace("[sign_in]\n", "[primary_refresh_token]\nclient_tls = true\n\n[sign_in]\n")
        .write("trusts/web.toml", std::fs::read(Trusts::file("web")).expect("a trust"))
}

fn device() -> Registered {
    Registered::computer(&Lab::get().object("alice").sid)
}

/// Where the main name sends a browser to.
fn location(answer: &Response) -> String {
    assert_eq!(answer.status, 302, "{}", answer.body);
    answer.header("location").expect("a location").to_owned()
}

/// The door of devices, as the main name gives it to a browser.
fn door(browser: &Browser) -> String {
    let door = location(&browser.ask("web", ""));
    let host = format!("https://enterpriseregistration.{}/adfs/ls/device?SignInState=", Lab::get().domain);
    assert!(door.starts_with(&host), "{door}");
    door
}

/// Goes there with the certificate of a device, or with none.
fn present(browser: &Browser, door: &str, device: Option<&Device>) -> Response {
    let mut request = browser.request(door);
    if let Some(device) = device {
        let (key, certificate) = device.pem_files();
        request = request.args(["--cert", &certificate.display().to_string(), "--key", &key.display().to_string()]);
    }
    let answer = request.send();
    assert!(answer.headers.iter().all(|(name, _)| name != "set-cookie"), "{:?}", answer.headers);
    answer
}

/// The way back: to the request with what was found, which is left out of the address at once.
fn come_back(browser: &Browser, answer: &Response) -> Response {
    let back = location(answer);
    let path = back.strip_prefix(&Lab::get().url).unwrap_or_else(|| panic!("{back}"));
    assert!(path.contains("&DeviceResult="), "{path}");
    let clean = location(&browser.get(path));
    assert_eq!(clean, Browser::address("web", ""));
    browser.get(&clean)
}

fn is_page(answer: &Response) -> bool {
    answer.status == 200 && answer.body.contains("name=\"Password\"")
}

/// Fills in the page; the device in the token's event.
fn device_of(node: &Node, browser: &Browser, page: &Response) -> Option<String> {
    assert!(is_page(page), "{} {}", page.status, page.body);
    let filled = browser.fill_in(page, &format!("alice@{}", Lab::get().domain), "Alice-Pw-1");
    let token = browser.get(&location(&filled));
    HandOver::of(&token);
    let event = Audit::of(node.directory.join("audit.jsonl"), &token.correlation).event(1200);
    event["DeviceId"].as_str().filter(|id| *id != "N/A").map(str::to_owned)
}

fn refusal(node: &Node, answer: &Response) -> String {
    let event = Audit::of(node.directory.join("audit.jsonl"), &answer.correlation).event(411);
    event["ErrorMessage"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_device_is_proved_by_its_certificate_on_the_name_of_registration() {
    let device = device();
    let node = setup().start();
    let browser = Browser::outside().at(&node.address);
    let page = come_back(&browser, &present(&browser, &door(&browser), Some(&device)));
    assert_eq!(device_of(&node, &browser, &page), Some(device.id.to_string()));
    // A browser that is signed in is not asked; and the session ends with the device.
    HandOver::of(&browser.ask("web", ""));
    device.modify("replace: msDS-IsEnabled\nmsDS-IsEnabled: FALSE");
    let began = std::time::Instant::now();
    while !is_page(&browser.ask("web", "")) {
        assert!(began.elapsed().as_secs() < 70, "a minute is the longest that a registry's answer is remembered");
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}

#[test]
fn without_a_device_that_may_be_used_the_person_signs_in_all_the_same() {
    let node = setup().start();
    let disabled = device();
    disabled.modify("replace: msDS-IsEnabled\nmsDS-IsEnabled: FALSE");
    for (presented, reason) in
        [(Some(&*disabled), "DeviceDisabled"), (Some(&Device::new()), "UnknownDevice"), (None, "")]
    {
        let browser = Browser::outside().at(&node.address);
        let answer = present(&browser, &door(&browser), presented);
        if presented.is_some() {
            assert_eq!(refusal(&node, &answer), reason);
        }
        let page = come_back(&browser, &answer);
        assert_eq!(device_of(&node, &browser, &page), None, "{reason}");
        // It is not asked again for a while.
        browser.get("/adfs/ls/?wa=wsignout1.0");
        assert!(is_page(&browser.ask("web", "")));
    }
    // A user's certificate is no device's.
    let client = |ending: &str| Lab::get().clients.join(format!("alice-sid.{ending}")).display().to_string();
    let browser = Browser::outside().at(&node.address);
    let answer = browser.request(&door(&browser)).args(["--cert", &client("pem"), "--key", &client("key")]).send();
    assert_eq!(refusal(&node, &answer), "UnknownDevice");
    assert!(is_page(&come_back(&browser, &answer)));
}

#[test]
fn what_one_browser_was_given_is_worth_nothing_in_another() {
    let device = device();
    let node = setup().start();
    let browser = Browser::outside().at(&node.address);
    let door = door(&browser);
    let back = location(&present(&browser, &door, Some(&device)));
    let path = back.strip_prefix(&Lab::get().url).expect("the main name").to_owned();
    // Another browser, one without cookies, a text that was changed: a page, without a device and without going round.
    let other = Browser::outside().at(&node.address);
    other.ask("web", "");
    for (browser, path) in
        [(&other, path.clone()), (&Browser::outside().at(&node.address), path.clone()), (&browser, format!("{path}x"))]
    {
        let page = browser.get(&path);
        assert!(browser.cookie("Chancery-Device").is_none(), "{path}");
        assert_eq!(device_of(&node, browser, &page), None, "{path}");
    }
    // At the door: nothing that the main name did not give; at the main name there is none.
    let (origin, state) = door.split_once("?SignInState=").expect("a state");
    for query in [
        "",
        "?SignInState=",
        "?SignInState=AQ",
        &format!("?SignInState={state}x"),
        &format!("?SignInState={state}&SignInState={state}"),
    ] {
        let answer = present(&browser, &format!("{origin}{query}"), Some(&device));
        assert_eq!((answer.status, answer.header("location")), (400, None), "{query}");
        assert!(!refusal(&node, &answer).is_empty(), "{query}");
    }
    assert_eq!(browser.get(&format!("/adfs/ls/device?SignInState={state}")).status, 404);
    // Where it is not switched on there is no door.
    let (off, port) = (Browser::outside(), format!("{origin}?SignInState={state}"));
    assert!(is_page(&off.ask("web", "")));
    assert_eq!(off.request(&port).send().status, 404);
}

#[test]
fn without_the_name_in_the_servers_certificate_the_port_is_used() {
    let device = device();
    let host = &Lab::get().host;
    let (certificate, key) = certificate_of(host);
    let tls = |name| format!("{}/server.{name}", variable("LAB_TLS"));
    let node = setup()
        .replace(&tls("pem"), &certificate.display().to_string())
        .replace(&tls("key"), &key.display().to_string())
        .start();
    let browser = Browser::outside().at(&node.address);
    let door = location(&browser.ask("web", ""));
    assert!(door.starts_with(&format!("https://{host}:49443/adfs/ls/device?SignInState=")), "{door}");
    let page = come_back(&browser, &present(&browser, &door, Some(&device)));
    assert_eq!(device_of(&node, &browser, &page), Some(device.id.to_string()));
}

/// What a browser is told to look for, where a certificate is asked for.
fn named_issuers(node: &Node, port: u16, name: &str) -> Vec<String> {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &format!("{}:{port}", node.address), "-servername", name])
        .stdin(std::process::Stdio::null())
        .output()
        .expect("openssl runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let Some((_, names)) = said.split_once("Acceptable client certificate CA names\n") else {
        assert!(said.contains("No client certificate CA names sent"), "{said}");
        return Vec::new();
    };
    names.lines().take_while(|line| line.contains(" = ")).map(str::to_owned).collect()
}

#[test]
fn only_certificates_of_devices_are_asked_for_where_devices_register() {
    let lab = Lab::get();
    let (host, devices) = (lab.host.clone(), format!("enterpriseregistration.{}", lab.domain));
    let node = setup().start();
    let names = || named_issuers(&node, 443, &devices);
    eventually("the issuers of device certificates are named", || !names().is_empty());
    // This server's own, and the lab's, which has published its.
    let issuer = |name: &String| name.contains("MS-Organization-Access");
    assert!(names().len() > 1 && names().iter().all(issuer), "{:?}", names());
    assert!(!named_issuers(&node, 49443, &devices).is_empty(), "on the port as well");
    // Where users show theirs nobody's is left out, and on the service's own name none is asked for.
    for (port, name) in [(443, format!("certauth.{host}")), (49443, host.clone()), (443, host.clone())] {
        assert_eq!(named_issuers(&node, port, &name), Vec::<String>::new(), "{name}:{port}");
    }
    // Without certificates of users the port is the devices' alone.
    let tls = variable("LAB_TLS");
    let users = format!("client_ca_files = [\"{tls}/ca.pem\"]\ncrl_files = [\"{tls}/ca.crl\"]\n");
    let node = setup().replace(&users, "").start();
    eventually("the issuers are named on the port", || !named_issuers(&node, 49443, &host).is_empty());
}

#[test]
fn chromium_presents_the_certificate_of_its_device() {
    let device = device();
    let node = setup().start();
    let (key, certificate) = device.pem_files();
    let file = Lab::get().new_file("device.p12");
    run(Command::new("openssl")
        .args(["pkcs12", "-export", "-passout", "pass:lab", "-name", "device", "-inkey"])
        .arg(&key)
        .arg("-in")
        .arg(&certificate)
        .arg("-out")
        .arg(&file));
    let page = Browser::address("web", "&wctx=a%26b%3Dc");
    let scenes = json!([
        { "name": "sign-in", "steps": [["script", false], ["open", page], ["wait", "#passwordInput"], ["type", format!("alice@{}", Lab::get().domain)],
            ["tab"], ["type", "Alice-Pw-1"], ["enter"], ["wait", "form[name=hiddenform] input[name=wresult]"],
            ["click", "form[name=hiddenform] button"], ["wait", "#done"]] },
    ]);
    let pattern = format!("https://enterpriseregistration.{}", Lab::get().domain);
    let answers = chromium_presenting(&scenes, &file, &pattern, Some(&node.hosts()));
    let received = &answers["sign-in"]["received"][0]["fields"];
    assert_eq!(received["wctx"], "a&b=c", "{}", answers["sign-in"]);
    Assertion::cut(received["wresult"].as_str().expect("a token"));
    let log = std::fs::read_to_string(node.directory.join("audit.jsonl")).expect("an audit log");
    assert!(log.lines().any(|line| line.contains(&device.id.to_string()) && line.contains("urn:e2e:web")), "{log}");
}
