//! Tables, and the statements that are more than a line.
//!
//! `{OCTETS}` stands for the database's type of octets. Times are milliseconds since 1970, switches 0 or 1.

/// Each statement takes the tables from one version to the next: the first makes version 1. None is ever changed.
pub(super) const VERSIONS: &[&[&str]] = &[&[
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
]];

/// A registration, in one statement: of a device that is there everything is replaced, unless an administrator disabled it; then no
/// row is written.
pub(super) const REGISTER: &str =
    "INSERT INTO device (id, display_name, os_type, os_version, enabled, owner, trust_type,
        computer_sid, thumbprint, public_key, transport_key, last_used, registered, key_created)
    VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, $11, $11, $11)
    ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, os_type = excluded.os_type,
        os_version = excluded.os_version, owner = excluded.owner, trust_type = excluded.trust_type,
        computer_sid = excluded.computer_sid, thumbprint = excluded.thumbprint, public_key = excluded.public_key,
        transport_key = excluded.transport_key, last_used = excluded.last_used, key_created = excluded.key_created,
        enabled = 1, unused_since = NULL
    WHERE device.enabled = 1 OR device.unused_since IS NOT NULL";

pub(super) const ADD_USER_KEY: &str = "INSERT INTO user_key (owner, key_usage, digest, material, device, created)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (owner, key_usage, digest) DO NOTHING";
