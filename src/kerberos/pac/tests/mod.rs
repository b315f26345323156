//! Vectors of a real domain, an independent encoder, and what must be refused.

pub(crate) mod encode;
pub(crate) mod vectors;

use proptest::prelude::*;

use super::*;
use encode::{PacContent, assemble};

#[test]
fn a_users_pac_of_a_real_domain() {
    let pac = decode(&vectors::octets(vectors::ALICE)).unwrap();
    assert_eq!(pac.user_sid.to_string(), "S-1-5-21-1004336348-1177238915-682003330-1107");
    assert_eq!(pac.kind, AccountKind::User);
    assert_eq!((pac.sam_account_name.as_str(), pac.display_name.as_str()), ("alice", "Alice Liddell"));
    assert_eq!(pac.upn.as_deref(), Some("alice@corp.example"));
    assert_eq!(pac.dns_domain.as_deref(), Some("CORP.EXAMPLE"));
    assert_eq!((pac.netbios_domain.as_str(), pac.logon_server.as_str()), ("CORP", "DC1"));
    assert_eq!(pac.primary_group.rid(), Some(513));
    assert_eq!(rids(&pac.groups), [513, 1102]);
    assert_eq!(pac.extra.iter().map(|group| group.sid.to_string()).collect::<Vec<_>>(), ["S-1-18-1"]);
    assert_eq!(pac.client_name, "alice");
    assert_eq!(pac.authenticated_at.unwrap().to_xml(), "2026-11-20T23:43:50.000Z");
    assert!(!pac.is_delegated);
}

#[test]
fn a_workstations_pac_of_a_real_domain() {
    let pac = decode(&vectors::octets(vectors::WS01)).unwrap();
    assert_eq!(pac.user_sid.rid(), Some(1119));
    assert_eq!(pac.kind, AccountKind::Computer);
    assert_eq!(pac.sam_account_name, "WS01$");
    assert_eq!(pac.upn, None, "a constructed UPN is none");
    assert_eq!(pac.primary_group.rid(), Some(515));
}

#[test]
fn the_kind_comes_from_the_sam_flags() {
    for (uac, expected) in [
        (0x10, Ok(AccountKind::User)),
        (0x80, Ok(AccountKind::Computer)),
        (0x100, Ok(AccountKind::DomainController)),
        (0x10_0080, Ok(AccountKind::DomainController)),
        (0x210, Ok(AccountKind::User)),
        (0, Err(PacError::AccountKind(0))),
        (0x40, Err(PacError::AccountKind(0x40))),
        (0x90, Err(PacError::AccountKind(0x90))),
        (0x18, Err(PacError::AccountKind(0x18))),
        (0x11, Err(PacError::Disabled(0x11))),
    ] {
        // The name must not matter.
        let content = PacContent { uac, sam_name: "x$".into(), upn_sam: "x$".into(), ..PacContent::user() };
        assert_eq!(decode(&content.encode()).map(|pac| pac.kind), expected, "{uac:x}");
    }
}

#[test]
fn rid_zero_takes_the_first_extra_sid_as_the_user() {
    let user: Sid = "S-1-5-21-7-8-9-1200".parse().unwrap();
    let group: Sid = "S-1-5-21-7-8-9-1300".parse().unwrap();
    let content = PacContent { user_id: 0, extra: vec![(user, 7), (group, 7)], upn_sid: user, ..PacContent::user() };
    let pac = decode(&content.encode()).unwrap();
    assert_eq!(pac.user_sid, user);
    assert_eq!(pac.extra.iter().map(|extra| extra.sid).collect::<Vec<_>>(), [group]);

    let without_flag = PacContent { user_flags: 0, ..content.clone() };
    assert_eq!(decode(&without_flag.encode()), Err(PacError::NoUserSid));
    let without_sid = PacContent { extra: Vec::new(), ..content };
    assert_eq!(decode(&without_sid.encode()), Err(PacError::NoUserSid));
}

#[test]
fn resource_groups_belong_to_their_own_domain() {
    let domain: Sid = "S-1-5-21-7-8-9".parse().unwrap();
    let content =
        PacContent { resource_domain: Some(domain), resource_groups: vec![(1500, 0x2000_0007)], ..PacContent::user() };
    let pac = decode(&content.encode()).unwrap();
    assert_eq!(pac.resource_domain, Some(domain));
    assert_eq!(pac.resource_groups.first().unwrap().sid, domain.child(1500).unwrap());
    let orphaned = PacContent { resource_domain: None, ..content };
    assert_eq!(decode(&orphaned.encode()), Err(PacError::Conformance));
}

#[test]
fn buffers_must_agree_about_the_account() {
    let other: Sid = "S-1-5-21-1004336348-1177238915-682003330-500".parse().unwrap();
    let user = PacContent::user();
    let refused = |content: PacContent| decode(&content.encode()).unwrap_err();
    assert!(matches!(refused(PacContent { upn_sid: other, ..user.clone() }), PacError::SidsDisagree { .. }));
    assert!(matches!(
        refused(PacContent { upn_sam: "administrator".into(), ..user.clone() }),
        PacError::NamesDisagree { .. }
    ));
    assert!(matches!(
        refused(PacContent { more: vec![(18, other.to_bytes())], ..user.clone() }),
        PacError::SidsDisagree { .. }
    ));
    let agreeing = PacContent { more: vec![(18, user.upn_sid.to_bytes())], upn_sam: "ALICE".into(), ..user };
    assert!(decode(&agreeing.encode()).is_ok());
}

#[test]
fn what_a_service_tickets_pac_must_have() {
    for missing in [1, 6, 7, 10] {
        let mut buffers = PacContent::user().buffers();
        buffers.retain(|(kind, _)| *kind != missing);
        assert_eq!(decode(&assemble(&buffers)), Err(PacError::MissingBuffer(missing)));
    }
    let mut twice = PacContent::user().buffers();
    twice.push((1, PacContent::user().logon_info()));
    assert_eq!(decode(&assemble(&twice)), Err(PacError::DuplicateBuffer(1)));
}

#[test]
fn names_are_strict_and_display_names_are_not() {
    for name in ["", "ali\nce", "a\0", &"x".repeat(1025)] {
        let content = PacContent { sam_name: name.into(), upn_sam: name.into(), ..PacContent::user() };
        assert_eq!(decode(&content.encode()), Err(PacError::BadName), "{name:?}");
    }
    let content = PacContent { full_name: "Alice\nLiddell".into(), ..PacContent::user() };
    assert!(decode(&content.encode()).is_ok());
    let set = UtcTime::from_unix_seconds(1_655_526_400);
    assert_eq!(decode(&content.encode()).unwrap().password_last_set, Some(set), "a time has two halves");
    assert_eq!(text::name_text(&b"a\0".repeat(1024)).map(|name| name.len()), Ok(1024));
    assert_eq!(text::name_text(&b"a\0".repeat(1025)), Err(PacError::BadName), "too long");
    assert_eq!(text::name_text(&[0x00, 0xd8]), Err(PacError::BadName), "an unpaired surrogate");
    assert_eq!(text::display_text(&[0x00, 0xd8]), "\u{fffd}");
}

#[test]
fn headers_and_bounds() {
    let good = PacContent::user().encode();
    let changed = |at: usize, octet: u8| {
        let mut bytes = good.clone();
        *bytes.get_mut(at).unwrap() = octet;
        decode(&bytes)
    };
    assert_eq!(changed(4, 1), Err(PacError::Version(1)));
    assert_eq!(changed(0, 65), Err(PacError::TooManyBuffers));
    assert_eq!(changed(16, 0), Err(PacError::BufferOutOfBounds(1)), "an offset inside the header");
    assert_eq!(changed(16, 0x50), Err(PacError::BufferOutOfBounds(1)), "an offset at the header's last octets");
    assert_eq!(changed(16, 0x5c), Err(PacError::BufferOutOfBounds(1)), "an offset off the alignment");
    assert_eq!(changed(18, 0xff), Err(PacError::BufferOutOfBounds(1)), "an offset beyond the end");
    assert!(matches!(decode(&vec![0; 64 * 1024]), Err(PacError::MissingBuffer(_))), "64 KiB are read");
    assert_eq!(decode(&vec![0; 65 * 1024]), Err(PacError::TooLarge { bytes: 65 * 1024 }));
    for (at, octet) in [(0, 2), (1, 0), (2, 9)] {
        let mut buffers = PacContent::user().buffers();
        *buffers[0].1.get_mut(at).unwrap() = octet;
        assert_eq!(decode(&assemble(&buffers)), Err(PacError::NdrHeader), "{at}");
    }
}

#[test]
fn a_null_pointer_is_no_sid() {
    let mut buffers = PacContent::user().buffers();
    // The count of extra SIDs, then the pointer and the attributes of the only one.
    let attributes = find(&buffers[0].1, &[7, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 18]);
    buffers[0].1[attributes - 4..attributes].fill(0);
    assert_eq!(decode(&assemble(&buffers)), Err(PacError::Conformance));
}

#[test]
fn counts_are_capped_before_anything_is_allocated() {
    let mut many = PacContent { extra: Vec::new(), ..PacContent::user() };
    many.groups = (0..=4096).map(|rid| (rid, 7)).collect();
    assert_eq!(decode(&many.encode()), Err(PacError::TooManySids));

    // The count in the structure says 2, the one in front of the array 2^32 - 1.
    let mut buffers = PacContent::user().buffers();
    let array = find(&buffers[0].1, &[2, 0, 0, 0, 1, 2, 0, 0, 7, 0, 0, 0]);
    buffers[0].1[array..array + 4].fill(0xff);
    assert_eq!(decode(&assemble(&buffers)), Err(PacError::Conformance));
}

#[test]
fn every_prefix_is_refused() {
    let whole = vectors::octets(vectors::ALICE);
    for length in 0..whole.len() {
        assert!(decode(&whole[..length]).is_err(), "{length}");
    }
}

prop_compose! {
    fn content()(
        sam_name in "[a-zA-Z0-9é漢𝄞$.-]{1,40}",
        full_name in "(?s).{0,40}",
        subs in prop::array::uniform3(any::<u32>()),
        user_id in 1_u32..,
        groups in prop::collection::vec(any::<(u32, u32)>(), 0..40),
        extra in prop::collection::vec((0_u64..1 << 48, prop::collection::vec(any::<u32>(), 0..=15), any::<u32>()), 0..9),
        resource in prop::option::of(prop::collection::vec(any::<(u32, u32)>(), 0..9)),
        upn in prop::option::of("[a-z.]{1,20}@[a-z.]{1,20}"),
    ) -> (PacContent, Option<String>) {
        let domain = Sid::new(5, &[21, subs[0], subs[1], subs[2]]).unwrap();
        let content = PacContent {
            upn_sam: sam_name.clone(),
            sam_name,
            full_name,
            domain,
            user_id,
            upn_sid: domain.child(user_id).unwrap(),
            groups,
            extra: extra.into_iter().map(|(authority, subs, bits)| (Sid::new(authority, &subs).unwrap(), bits)).collect(),
            resource_domain: resource.as_ref().map(|_| Sid::EVERYONE),
            resource_groups: resource.unwrap_or_default(),
            upn_flags: if upn.is_some() { 2 } else { 3 },
            upn: upn.clone().unwrap_or_else(|| "constructed@corp.example".into()),
            ..PacContent::user()
        };
        (content, upn)
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded((content, upn) in content()) {
        let pac = decode(&content.encode()).unwrap();
        prop_assert_eq!(pac.user_sid, content.domain.child(content.user_id).unwrap());
        prop_assert_eq!(&pac.sam_account_name, &content.sam_name);
        prop_assert_eq!(&pac.display_name, &content.full_name);
        prop_assert_eq!(pac.upn, upn);
        prop_assert_eq!(rids(&pac.groups), content.groups.iter().map(|(rid, _)| *rid).collect::<Vec<_>>());
        let extra: Vec<_> = pac.extra.iter().map(|group| (group.sid, group.attributes.0)).collect();
        prop_assert_eq!(extra, content.extra);
        prop_assert_eq!(rids(&pac.resource_groups), content.resource_groups.iter().map(|(rid, _)| *rid).collect::<Vec<_>>());
    }

    #[test]
    fn any_octets_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn any_mutation_is_decoded_or_refused(changes in prop::collection::vec((0_usize..800, any::<u8>()), 1..8)) {
        let mut bytes = vectors::octets(vectors::ALICE);
        for (at, octet) in changes {
            bytes[at] = octet;
        }
        let _ = decode(&bytes);
    }
}

fn rids(groups: &[Group]) -> Vec<u32> {
    groups.iter().map(|group| group.sid.rid().unwrap()).collect()
}

fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).position(|window| window == needle).unwrap()
}
