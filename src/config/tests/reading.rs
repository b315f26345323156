//! Reading text into values: defaults, completion, whole numbers from Helm, and no panic on any text.

use proptest::prelude::*;

use super::fixture::{COMPLETE, Fixture};
use crate::config::{ChannelBinding, Config, LdapBind, TlsProfile};
use crate::directory::Sid;

const LEAST: &str = r#"
[service]
federation_service_name = "STS.corp.example"
[kerberos]
keytab = "sts.keytab"
[keys]
key_encryption_key_file = "kek"
[[domains]]
realm = "corp.example"
sid = "S-1-5-21-1-2-3"
netbios = "corp"
domain_controllers = ["dc1.corp.example"]
"#;

#[test]
fn what_follows_from_other_values_is_filled_in() {
    let config = Config::from_toml(LEAST).unwrap();
    assert_eq!(config.service.identifier, "http://sts.corp.example/adfs/services/trust");
    assert_eq!(config.kerberos.service_principals[0].as_str(), "HTTP/sts.corp.example");
    assert_eq!(config.kerberos.channel_binding(config.server.tls_ends_in_front), ChannelBinding::Allow);
    assert_eq!(config.domains[0].upn_suffixes, ["corp.example".parse().unwrap()]);
    assert_eq!(config.domains[0].base_dn(), "DC=corp,DC=example");
    assert_eq!(config.domains[0].sid, Sid::new(5, &[21, 1, 2, 3]).unwrap());
    assert_eq!(config.domains[0].ldap.port(), 636);
    assert_eq!(config.keys.directory.to_str(), Some("/var/lib/chancery/keys"));
}

#[test]
fn bind_is_one_of_two_forms() {
    let simple =
        Config::from_toml(&format!("{LEAST}ldap.bind.simple = {{ user = 'u', password_file = 'p' }}")).unwrap();
    assert!(matches!(&simple.domains[0].ldap.bind, LdapBind::Simple(bind) if bind.user == "u"));
    let gssapi = Config::from_toml(&format!("{LEAST}[domains.ldap.bind.gssapi]\nprincipal = 'p@R'")).unwrap();
    assert!(matches!(&gssapi.domains[0].ldap.bind, LdapBind::Gssapi(bind) if bind.principal.as_deref() == Some("p@R")));
    assert!(Config::from_toml(&format!("{LEAST}ldap.bind = {{ simple = {{ user = 'u' }} }}")).is_err());
    assert!(Config::from_toml(&format!("{LEAST}ldap.bind.simple = {{}}\nldap.bind.gssapi = {{}}")).is_err());
}

#[test]
fn stores_are_of_one_kind_each_with_defaults() {
    let config = Config::from_toml(&format!(
        "{LEAST}
[[attribute_stores]]
name = 'HR'
postgresql = {{ host = 'db.corp.example', database = 'hr', user = 'chancery', password_file = 'p' }}
[[attribute_stores]]
name = 'AD LDS'
cache_seconds = 60
[attribute_stores.ldap]
servers = ['ldap.corp.example']
base_dn = 'o=x'
transport = 'starttls'
bind.simple = {{ user = 'cn=x', password_file = 'p' }}
"
    ))
    .unwrap();
    let [hr, lds] = config.attribute_stores.as_slice() else { panic!("{:?}", config.attribute_stores) };
    assert_eq!(hr.postgresql.as_ref().map(|store| store.port), Some(5432));
    assert_eq!((hr.query_timeout_seconds, hr.connect_timeout_seconds, hr.connections, hr.cache()), (5, 3, 4, None));
    assert_eq!(lds.cache(), Some(std::time::Duration::from_mins(1)));
    assert_eq!(lds.ldap.as_ref().map(crate::config::LdapDirectoryStore::port), Some(389));
    assert_eq!((config.password_expiry.notice_days, config.opaque_ids.secret_file), (14, None));
}

#[test]
fn imported_ids_need_a_secret_for_the_others() {
    let fixture = Fixture::complete();
    fixture.write("known.csv", "relying_party,id,opaque_id\n");
    let findings = |keys: &str| {
        fixture.write("chancery.toml", &format!("{COMPLETE}\n[opaque_ids]\nimport_file = \"known.csv\"\n{keys}"));
        fixture.loader().load().report.has_errors()
    };
    assert!(findings(""));
    assert!(!findings("secret_file = \"kek\""));
}

#[test]
fn helm_writes_whole_numbers_as_floats() {
    let config = Config::from_toml(&format!("{LEAST}[lockout]\nthreshold = 7.0")).unwrap();
    assert_eq!(config.lockout.threshold, 7);
    assert!(Config::from_toml(&format!("{LEAST}[lockout]\nthreshold = 7.5")).is_err());
}

#[test]
fn relative_paths_start_at_the_file() {
    let fixture = Fixture::complete();
    let config = fixture.loader().load().loaded.unwrap().config;
    assert_eq!(config.kerberos.keytab, fixture.path().join("sts.keytab"));
    assert_eq!(config.keys.directory, fixture.path().join("state/keys"));
    assert_eq!(config.server.tls.unwrap().profile, TlsProfile::Modern);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(\\[?\\[?[a-z._]{0,12}\\]?\\]? ?=? ?['\"\\[{0-9a-z/.-]{0,12}['\"\\]}]?\n){0,12}") {
        let _ = Config::from_toml(&text);
    }

    #[test]
    fn any_damage_is_read_or_refused(at in 0..COMPLETE.len(), length in 0_usize..80, filling in ".{0,12}") {
        let start = (0..=at).rev().find(|&i| COMPLETE.is_char_boundary(i)).unwrap();
        let end = (at + length..=COMPLETE.len()).find(|&i| COMPLETE.is_char_boundary(i)).unwrap_or(COMPLETE.len());
        let damaged = format!("{}{filling}{}", &COMPLETE[..start], &COMPLETE[end.max(start)..]);
        let _ = Config::from_toml(&damaged);
    }
}
