//! Tables, and the statements that are more than a line.
//!
//! `{OCTETS}` stands for the database's type of octets. Times are milliseconds since 1970, switches 0 or 1.

/// Each statement takes the tables from one version to the next: the first makes version 1. None is ever changed.
pub(super) const VERSIONS: &[&[&str]] = &[DEVICES, DEVICE_CODES];

const DEVICES: &[&str] = &[
    "CREATE TABLE device (
        id {OCTETS} PRIMARY KEY,
        display_name TEXT NOT NULL,
        os_type TEXT,
        os_version TEXT,
        enabled BIGINT NOT NULL,
        unused_since BIGINT,
        owner {OCTETS} NOT NULL,
        trust_type BIGINT,
        computer_sid {OCTETS},
        thumbprint {OCTETS} NOT NULL,
        public_key {OCTETS} NOT NULL,
        transport_key {OCTETS},
        last_used BIGINT,
        registered BIGINT NOT NULL,
        key_created BIGINT NOT NULL
    )",
    "CREATE INDEX device_owner ON device (owner)",
    "CREATE INDEX device_thumbprint ON device (thumbprint)",
    "CREATE INDEX device_last_used ON device (last_used)",
    "CREATE TABLE user_key (
        owner {OCTETS} NOT NULL,
        key_usage BIGINT NOT NULL,
        digest {OCTETS} NOT NULL,
        material {OCTETS} NOT NULL,
        device {OCTETS},
        created BIGINT,
        PRIMARY KEY (owner, key_usage, digest)
    )",
    "CREATE TABLE issuer (digest {OCTETS} PRIMARY KEY, certificate {OCTETS} NOT NULL)",
    "CREATE TABLE place (id BIGINT PRIMARY KEY, invocation {OCTETS} NOT NULL, domain {OCTETS} NOT NULL)",
    "CREATE TABLE lease (name TEXT PRIMARY KEY, holder {OCTETS} NOT NULL, until BIGINT NOT NULL)",
];

/// `decision` is 0 until somebody decides, then one of [`APPROVED`] and [`DENIED`].
const DEVICE_CODES: &[&str] = &[
    "CREATE TABLE device_code (
        code {OCTETS} PRIMARY KEY,
        request TEXT NOT NULL,
        until BIGINT NOT NULL,
        asked BIGINT,
        asked_before BIGINT,
        decision BIGINT NOT NULL,
        answer TEXT
    )",
    "CREATE INDEX device_code_until ON device_code (until)",
];

pub(super) const APPROVED: i64 = 1;
pub(super) const DENIED: i64 = 2;

pub(super) const ADD_USER_KEY: &str = "INSERT INTO user_key (owner, key_usage, digest, material, device, created)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (owner, key_usage, digest) DO NOTHING";
