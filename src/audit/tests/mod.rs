//! Unit tests of the audit log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use crate::authn::NetworkLocation;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::authn::AuthenticationMethod;
use crate::claims::{Claim, ClaimSet};
use crate::clock::UtcTime;
use crate::devices::{DeviceId, JoinType};
use crate::tokens::{KeyId, TokenId};

mod auditor_tests;
mod event_tests;
mod file_tests;

/// 2026-01-05T10:00:00Z.
const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_200);

fn facts() -> RequestFacts {
    RequestFacts {
        activity: Uuid::from_u128(0x1111_1111_2222_4333_8444_5555_5555_5555),
        server: Identifier::public("http://sts.corp.example/adfs/services/trust"),
        protocol: AuthProtocol::WsTrust,
        location: NetworkLocation::Intranet,
        client: Some("10.1.2.3".parse().unwrap()),
        forwarded: Vec::new(),
        proxy: None,
        peer: Some("10.0.0.7".parse().unwrap()),
        proxy_server: None,
        user_agent: Some(Identifier::public("MS_WebServices")),
        endpoint: Identifier::path("/adfs/services/trust/13/windowstransport?x=secret"),
    }
}

fn event(kind: EventKind) -> AuditEvent {
    AuditEvent {
        time: NOW,
        instance: InstanceId(Uuid::from_u128(0xaaaa_aaaa_bbbb_4ccc_8ddd_eeee_eeee_eeee)),
        request: Arc::new(facts()),
        kind,
    }
}

fn some_event() -> AuditEvent {
    event(EventKind::ResponseSent { status: 200, description: "OK" })
}

fn parties() -> Parties {
    Parties {
        relying_party: Some(Identifier::public("urn:federation:MicrosoftOnline")),
        claims_provider: Some(Identifier::public("AD AUTHORITY")),
        user: Some(Name::public("CORP\\alice")),
        sid: Some("S-1-5-21-1004336348-1177238915-682003330-1107".parse().unwrap()),
    }
}

fn text(event: &AuditEvent) -> String {
    String::from_utf8(to_line(event).unwrap()).unwrap()
}
