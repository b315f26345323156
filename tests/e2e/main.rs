//! End-to-end tests: the compiled server in the lab's real domain, driven by programs we did not write.
//!
//! Run by `make test`, or alone by `tests/lab/run cargo test --test e2e`.
#![allow(
    clippy::pedantic,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    missing_docs,
    reason = "tests fail by panicking, take real time, hold long tables, and nothing outside this program uses their items"
)]

mod acceptance;
mod accessibility;
mod alternate_login_id;
mod attribute_stores;
mod attribute_stores_sql;
mod audit_log;
mod bad_browser;
mod bad_certificates;
mod bad_drs;
mod bad_home_realm;
mod bad_http;
mod bad_kerberos;
mod bad_messages;
mod bad_passwords;
mod bad_web;
mod browser;
mod browser_passwords;
mod browser_sign_out;
mod certificates;
mod chart;
mod check;
mod clients;
mod cors;
mod crashes;
mod device_code;
mod device_code_farm;
mod device_proof;
mod device_registry;
mod device_tls;
mod devices_commands;
mod devices_farm;
mod doctor;
mod doctor_accounts;
mod domains;
mod drs;
mod drs_client;
mod drs_failures;
mod drs_init;
mod drs_points;
mod drs_rights;
mod drs_sign_in;
mod enumeration;
mod enumeration_doors;
mod explain;
mod extranet;
mod failover;
mod farm;
mod fault;
mod federation;
mod federation_oauth;
mod flows;
mod forged_tickets;
mod home_realm;
mod home_realm_browser;
mod home_realm_partners;
mod home_realm_search;
mod idle_devices;
mod keytab;
mod logon_storm;
mod lost_keys;
mod metadata;
mod mex;
mod my_devices;
mod named_endpoints;
mod oauth;
mod oauth_behalf;
mod oauth_clients;
mod oauth_libraries;
mod oauth_lifetimes;
mod oauth_refusals;
mod oauth_switched_off;
mod openid;
mod openid_key;
mod partner;
mod partner_metadata;
mod partner_sign_out;
mod passport;
mod places;
mod policies;
mod primary_methods;
mod probe;
mod probe_device;
mod proxies;
mod prt;
mod prt_browser;
mod prt_ends;
mod prt_refusals;
mod registered;
mod reload;
mod scraping;
mod service_metadata;
mod shutdown;
mod slow_clients;
mod support;
mod themes;
mod throwaway;
mod tls;
mod tokens;
mod update_password;
mod web_certificate;
mod web_certificate_browser;
mod web_sessions;
mod web_sign_in;
mod wire;
mod wstrust;

// What the unit tests' forger of tickets, and the contracts of stores, call these.
use chancery::{authn, clock, directory};
