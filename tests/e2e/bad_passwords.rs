//! Names and passwords that sign nobody in: one answer for all of them, and in the audit log the exact reason.

use crate::fault::{Fault, USERNAME, bare_2005, message, rejected, send};
use crate::support::Lab;
use crate::throwaway::{Account, create_all};
use crate::wire::Route;

#[test]
fn one_answer_for_every_reason_and_the_reason_in_the_log() {
    let wrong = Account::new("wrong");
    let disabled = Account::new("disabled").with("userAccountControl: 514");
    let must_change = Account::new("mustchange").with("userAccountControl: 512\npwdLastSet: 0");
    let gone = Account::new("gone").with("userAccountControl: 512\naccountExpires: 116444736000000000");
    let hours = Account::new("hours").with(&format!("userAccountControl: 512\nlogonHours:: {}", "A".repeat(28)));
    let locked = Account::new("locked");
    create_all(&[&wrong, &disabled, &must_change, &gone, &hours, &locked].map(Clone::clone));
    locked.lock();

    let realm = &Lab::get().realm;
    let netbios = realm.split('.').next().expect("a name");
    let domain = realm.to_lowercase();
    let right = "Throw-Away-1";
    let cases = [
        (wrong.upn(), "Wrong", "WrongPassword"),
        (wrong.upn(), "", "WrongPassword"),
        // What is behind a NUL or beyond any limit must not be cut off and then be right.
        (wrong.upn(), &*"x".repeat(5000), "WrongPassword"),
        (format!("{netbios}\\{}", wrong.name), "throw-away-1", "WrongPassword"),
        (format!("nobody-{}@{domain}", wrong.name), right, "UnknownAccount"),
        (format!("{}@elsewhere.example", wrong.name), right, "UnknownAccount"),
        (format!("NOWHERE\\{}", wrong.name), right, "UnknownAccount"),
        // One component whatever was typed: no second account of the same user.
        (format!("{}/admin@{domain}", wrong.name), right, "UnknownAccount"),
        (disabled.upn(), right, "AccountDisabled"),
        // The domain tells only who knows the password.
        (disabled.upn(), "Wrong", "WrongPassword"),
        (must_change.upn(), right, "PasswordMustChange"),
        (format!("expired@{domain}"), "Expired-Pw-1", "PasswordExpired"),
        (gone.upn(), right, "AccountExpired"),
        (hours.upn(), right, "Restricted"),
        (locked.upn(), right, "AccountLocked"),
    ];
    let route = Route::inside().from(201);
    let reference = send(&route, &message(&wrong.upn(), "Wrong")).without_ids_and_times();
    for (user, password, reason) in cases {
        let reply = send(&route, &message(&user, password));
        assert_eq!(Fault::of(&reply), Fault::failed_authentication(), "{user}");
        assert_eq!(reply.without_ids_and_times(), reference, "{user}: the answer tells why");
        let event = rejected(&reply.audit(), reason);
        assert_eq!(event["UserId"], user, "{reason}");
        assert_eq!(event["FailureType"], "CredentialValidationError");
        assert_eq!(event["IpAddress"], route.source.to_string());
        let log = std::fs::read_to_string(Lab::get().config.join("audit.jsonl")).expect("an audit log");
        assert!(!log.contains(right) && !log.contains("Expired-Pw-1"), "a password is in the audit log");
    }
    assert_eq!(send(&route, &message(&wrong.upn(), right)).status, 200, "the right password is right");
}

#[test]
fn the_2005_endpoint_says_the_same() {
    let account = Account::new("old").create();
    let path = "/adfs/services/trust/2005/usernamemixed";
    let route = Route::inside().from(202);
    let now = message(&account.upn(), "Wrong");
    let security = &now[now.find("<wsse:Security").expect("security")..now.find("</s:Header>").expect("a header")];
    let old = bare_2005(path).replacen("</s:Header>", &format!("{security}</s:Header>"), 1);
    let reply = route.post(path, &[], old.as_bytes());
    assert_eq!(Fault::of(&reply), Fault::failed_authentication());
    rejected(&reply.audit(), "WrongPassword");
    let reply = route.post(path, &[], old.replace(">Wrong<", &format!(">{}<", account.password)).as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[test]
fn an_account_is_locked_here_before_the_domain_locks_it() {
    let account = Account::new("target");
    let other = Account::new("bystander");
    create_all(&[account.clone(), other.clone()]);
    let (inside, outside) = (Route::inside().from(203), Route::outside());
    let mut answers = Vec::new();
    for attempt in 1..=8 {
        // The domain has one counter, wherever a wrong password comes from.
        let route = if attempt % 2 == 0 { &inside } else { &outside };
        let reply = send(route, &message(&account.upn(), "Wrong"));
        assert_eq!(Fault::of(&reply), Fault::failed_authentication());
        let audit = reply.audit();
        let event = rejected(&audit, if attempt <= 4 { "WrongPassword" } else { "SoftLockout" });
        if attempt == 4 {
            assert_eq!(audit.event(516)["BadPasswordCount"], 4);
        }
        if attempt >= 4 {
            let lockout = audit.event(1210);
            assert_eq!(lockout["Endpoint"], USERNAME);
            for field in ["Server", "UserAgentString", "IpAddress", "NetworkLocation", "AuthProtocol"] {
                assert_eq!(lockout[field], event[field], "{field}: as the same request's 1203");
            }
            assert!(lockout["Server"].as_str().is_some_and(|server| !server.is_empty()), "{lockout}");
        }
        if attempt > 4 {
            assert_eq!(event["FailureType"], "ExtranetLockoutError");
        }
        answers.push(reply.without_ids_and_times());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "an answer tells that the account is locked: {answers:#?}");
    // The right password changes nothing now, by no name and at no endpoint.
    let netbios = Lab::get().realm.split('.').next().expect("a name").to_owned();
    for name in [account.upn(), account.upn().to_uppercase(), format!("{netbios}\\{}", account.name)] {
        for route in [&inside, &outside] {
            let reply = send(route, &message(&name, &account.password));
            assert_eq!(reply.without_ids_and_times(), answers[0], "{name}");
            rejected(&reply.audit(), "SoftLockout");
        }
    }
    assert_eq!(account.bad_passwords(), 4, "the domain locks at 5");
    assert!(account.attribute("lockoutTime").is_none_or(|time| time == "0"), "the domain has locked the account");
    assert_eq!(send(&inside, &message(&other.upn(), &other.password)).status, 200, "nobody else is locked");
}

#[test]
fn two_names_of_an_account_are_one_set_of_attempts() {
    let account = Account::new("twonames").create();
    // A suffix that is not the domain's name: only the directory knows whose it is, and it is asked before the first sign-in.
    let other_name = format!("{}-mail@unlisted.example", account.name);
    account.modify(&format!("replace: userPrincipalName\nuserPrincipalName: {other_name}"));
    let netbios = Lab::get().realm.split('.').next().expect("a name").to_owned();
    let names = [other_name, format!("{netbios}\\{}", account.name)];
    let route = Route::inside().from(208);
    for attempt in 1..=10 {
        let reply = send(&route, &message(&names[attempt % 2], "Wrong"));
        assert_eq!(Fault::of(&reply), Fault::failed_authentication());
        rejected(&reply.audit(), if attempt <= 4 { "WrongPassword" } else { "SoftLockout" });
    }
    assert_eq!(account.bad_passwords(), 4, "the domain locks at 5");
}

#[test]
fn a_guesser_outside_leaves_the_owner_inside_a_share() {
    let account = Account::new("shared").create();
    let (inside, outside) = (Route::inside().from(207), Route::outside());
    for attempt in 1..=5 {
        let reply = send(&outside, &message(&account.upn(), "Wrong"));
        rejected(&reply.audit(), if attempt <= 3 { "WrongPassword" } else { "SoftLockout" });
    }
    assert_eq!(account.bad_passwords(), 3);
    assert_eq!(send(&inside, &message(&account.upn(), &account.password)).status, 200);
    let reply = send(&outside, &message(&account.upn(), &account.password));
    rejected(&reply.audit(), "SoftLockout");
}

#[test]
fn attempts_at_once_are_no_more_attempts() {
    let account = Account::new("parallel").create();
    let route = Route::inside().from(204);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let reply = send(&route, &message(&account.upn(), "Wrong"));
                assert_eq!(Fault::of(&reply), Fault::failed_authentication());
            });
        }
    });
    assert_eq!(account.bad_passwords(), 4);
}

#[test]
fn one_password_on_many_names_is_slowed_down() {
    let account = Account::new("sprayed").create();
    let (sprayer, neighbour) = (Route::inside().from(205), Route::inside().from(206));
    let domain = Lab::get().realm.to_lowercase();
    // More at once than one source may have judged bad.
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (sprayer, domain, tag) = (&sprayer, &domain, &account.name);
            scope.spawn(move || {
                for n in 0..8 {
                    let reply = send(sprayer, &message(&format!("spray-{thread}-{n}-{tag}@{domain}"), "Summer2026"));
                    assert_eq!(Fault::of(&reply), Fault::failed_authentication());
                }
            });
        }
    });
    let reply = send(&sprayer, &message(&account.upn(), &account.password));
    assert_eq!(Fault::of(&reply), Fault::failed_authentication());
    rejected(&reply.audit(), "SoftLockout");
    assert_eq!(send(&neighbour, &message(&account.upn(), &account.password)).status, 200, "others are not slowed");
    assert_eq!(account.bad_passwords(), 0);
}
