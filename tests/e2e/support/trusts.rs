//! Relying party trusts that the tests add to the running server, as an administrator adds them: files, then
//! `chancery reload --wait`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use super::lab::{Lab, run};

/// The trusts of these tests.
pub struct Trusts {
    /// Key of the encryption certificate of the trusts that encrypt.
    pub decryption_key: PathBuf,
}

impl Trusts {
    /// Makes sure that the server knows them.
    pub fn get() -> &'static Trusts {
        static TRUSTS: LazyLock<Trusts> = LazyLock::new(|| {
            let directory = Lab::get().config.join("trusts");
            let decryption_key = Lab::get().new_file("rp.key");
            run(Command::new("openssl")
                .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=rp.example"])
                .arg("-keyout")
                .arg(&decryption_key)
                .arg("-out")
                .arg(directory.join("e2e-encryption.pem")));
            for (name, keys) in TRUST_FILES {
                Trusts::write(name, keys, PASS_ALL);
            }
            Trusts::write("growing", "", GROWING);
            Trusts::reload().expect("the trusts of the tests are valid");
            Trusts { decryption_key }
        });
        &TRUSTS
    }

    /// Writes the file of one trust, with identifier `urn:e2e:<name>`; `reload` makes the server know it.
    pub fn write(name: &str, keys: &str, rules: &str) {
        let text = format!(
            "[relying_party]\nname = \"End-to-end test {name}\"\nidentifiers = [\"urn:e2e:{name}\"]\n\
             access_control_policy = \"permit-everyone\"\n{keys}\ntransform_rules = '''\n{rules}\n'''\n"
        );
        std::fs::write(Self::file(name), text).expect("the trusts directory is writable");
    }

    /// Path of a trust's file.
    pub fn file(name: &str) -> PathBuf {
        Lab::get().config.join("trusts").join(format!("e2e-{name}.toml"))
    }

    /// `chancery reload --wait`; the error is what it printed.
    pub fn reload() -> Result<(), String> {
        let lab = Lab::get();
        let output = Command::new(&lab.program)
            .args(["reload", "--wait", "--config"])
            .arg(lab.config.join("chancery.toml"))
            .output()
            .expect("the program starts");
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
    }
}

/// Every claim with every other, five times over.
const GROWING: &str =
    "c1:[] && c2:[] && c3:[] && c4:[] && c5:[] => issue(Type = \"urn:e2e:grown/x\", Value = c1.Value + c5.Value);";

/// Name and keys of each trust.
const TRUST_FILES: [(&str, &str); 15] = [
    ("plain", ""),
    ("saml2", "token_type = \"saml2\""),
    ("sha1", "signature_algorithm = \"rsa-sha1\""),
    ("short", "token_lifetime_minutes = 7\nnot_before_skew_minutes = 3"),
    ("cbc", "encryption_certificate = \"e2e-encryption.pem\""),
    ("gcm", "encryption_certificate = \"e2e-encryption.pem\"\nencryption_algorithm = \"aes256-gcm\""),
    ("disabled", "enabled = false"),
    ("web", r#"ws_federation = { endpoint = "https://wsfed.rp.example/signin" }"#),
    ("web-saml2", "token_type = \"saml2\"\nws_federation = { endpoint = \"https://rp.example/wsfed\" }"),
    ("web-second", r#"ws_federation = { endpoint = "https://app.rp.example/wsfed?tenant=1" }"#),
    ("web-loop", r#"ws_federation = { endpoint = "https://rp.example/loop" }"#),
    ("web-disabled", "enabled = false\nws_federation = { endpoint = \"https://rp.example/wsfed\" }"),
    ("passport", r#"ws_federation = { endpoint = "https://passport.rp.example/signin" }"#),
    ("passport-saml2", "token_type = \"saml2\"\nws_federation = { endpoint = \"https://passport.rp.example/signin\" }"),
    (
        "web-denied",
        "required_claims = [\"urn:example:nobody-has-it\"]\nws_federation = { endpoint = \"https://rp.example/wsfed\" }",
    ),
];

/// Passes the UPN, the SID and the groups.
const PASS_ALL: &str = r#"c:[Type =~ "/claims/(upn|primarysid|groupsid|name)$"] => issue(claim = c);
c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"]
 => issue(Type = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", Value = c.Value);"#;
