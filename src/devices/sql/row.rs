//! Devices and keys out of rows. The rows of the two databases have different types and the same methods, hence macros.

use aws_lc_rs::digest::{self, SHA256};

/// What a device is read from.
macro_rules! columns {
    () => {
        "id, display_name, os_type, os_version, enabled, owner, trust_type, computer_sid, thumbprint, public_key, \
         transport_key, last_used, registered, key_created, unused_since"
    };
}

/// The device in a row of [`columns`].
macro_rules! device {
    ($row:expr) => {{
        let row = $row;
        let id = $crate::devices::sql::id_of(&row.try_get::<Vec<u8>, _>(0)?)?;
        let damaged = |reason: &str| $crate::devices::sql::damaged(&format!("device {id}"), reason);
        let sid =
            |octets: &[u8]| $crate::directory::Sid::from_bytes(octets).map_err(|error| damaged(&error.to_string()));
        let time = $crate::clock::UtcTime::from_unix_millis;
        let owner = sid(&row.try_get::<Vec<u8>, _>(5)?)?;
        let key = row.try_get::<Option<Vec<u8>>, _>(10)?.map(|material| $crate::devices::DeviceKey {
            usage: $crate::devices::codec::key_credential::USAGE_SESSION_TRANSPORT,
            material,
            device: Some(id),
            created: row.try_get::<i64, _>(13).ok().map(time),
        });
        let enabled = row.try_get::<i64, _>(4)? != 0;
        let last_used = row.try_get::<Option<i64>, _>(11)?.map(time);
        let registered = time(row.try_get(12)?);
        let unused_since = row.try_get::<Option<i64>, _>(14)?.map(time);
        Ok($crate::devices::Device {
            id,
            object_guid: None,
            display_name: row.try_get(1)?,
            os_type: row.try_get(2)?,
            os_version: row.try_get(3)?,
            enabled,
            // As long as it is disabled and was not used since.
            unused_since: unused_since.filter(|at| !enabled && last_used.unwrap_or(registered) <= *at),
            owner: Some(owner),
            users: vec![owner],
            certificates: vec![$crate::devices::CertificateMark {
                thumbprint: row.try_get::<Vec<u8>, _>(8)?.try_into().map_err(|_| damaged("thumbprint"))?,
                public_key: row.try_get::<Vec<u8>, _>(9)?.try_into().map_err(|_| damaged("public_key"))?,
            }],
            keys: key.into_iter().collect(),
            trust_type: row
                .try_get::<Option<i64>, _>(6)?
                .and_then(|kind| i32::try_from(kind).ok())
                .map($crate::devices::TrustType),
            computer_sid: row.try_get::<Option<Vec<u8>>, _>(7)?.map(|octets| sid(&octets)).transpose()?,
            is_managed: None,
            is_compliant: None,
            written_back: false,
            last_used,
            registered: Some(registered),
        })
    }};
}

/// The key in a row of usage, material, device and time of making.
macro_rules! key {
    ($row:expr) => {{
        let row = $row;
        let usage = u8::try_from(row.try_get::<i64, _>(0)?);
        let device = row.try_get::<Option<Vec<u8>>, _>(2)?;
        Ok($crate::devices::DeviceKey {
            usage: usage.map_err(|_| $crate::devices::sql::damaged("a key", "its usage"))?,
            material: row.try_get(1)?,
            device: device.map(|octets| $crate::devices::sql::id_of(&octets)).transpose()?,
            created: row.try_get::<Option<i64>, _>(3)?.map($crate::clock::UtcTime::from_unix_millis),
        })
    }};
}

pub(super) use columns;
pub(super) use device;
pub(super) use key;

/// By what a long value is found.
pub(super) fn key_digest(octets: &[u8]) -> Vec<u8> {
    digest::digest(&SHA256, octets).as_ref().to_vec()
}
