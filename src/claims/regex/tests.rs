#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;

use super::*;

fn matches(pattern: &str, subject: &str) -> bool {
    Pattern::unshared(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")).is_match(subject).unwrap()
}

fn replace(subject: &str, pattern: &str, replacement: &str) -> String {
    let pattern = Pattern::unshared(pattern).unwrap();
    let replacement = Replacement::parse(replacement, &pattern);
    let mut work = 1_000_000;
    let replaced = pattern.replace_all(subject, &replacement, 1 << 16, &mut work).unwrap();
    replaced.unwrap_or_else(|| subject.to_owned())
}

fn refusal(pattern: &str) -> PatternErrorKind {
    match Pattern::unshared(pattern) {
        Ok(_) => panic!("{pattern} was accepted"),
        Err(error) => error.kind,
    }
}

#[test]
fn dotnet_meaning() {
    for (pattern, yes, no) in [
        // Unanchored, case-sensitive search.
        ("-515$", &["S-1-5-21-1-2-3-515"][..], &["S-1-5-21-1-2-3-5150", "S-1-5-21-515-1"][..]),
        // `(?i)` holds to the end of its group, across `|`.
        ("^(?i)ab|cd$", &["xCD", "AB"], &["xAB"]),
        ("(?:(?i)a|b)c", &["Ac", "Bc"], &["aC"]),
        ("a(?i:b)c", &["aBc"], &["aBC", "Abc"]),
        ("(?i)a(?-i)b", &["Ab"], &["AB"]),
        // ASCII folds among ASCII only.
        ("(?i)^s$", &["S", "s"], &["\u{17F}"]),
        ("(?i)^k+$", &["kK"], &["\u{212A}"]),
        ("(?i)^[a-z]+$", &["AbC"], &["\u{17F}", "\u{212A}"]),
        ("(?i)^σ$", &["Σ", "σ"], &["ς"]),
        ("(?i)^É[à-ï]$", &["éÊ"], &["eE"]),
        // `$` before a final LF; `\z` not.
        ("^a$", &["a", "a\n"], &["a\n\n", "a\r\n"]),
        ("^[a-b]$", &["a", "a\n"], &["a\n\n"]),
        (r"^[a-b]\z", &["a"], &["a\n"]),
        (r"^x?[a-b]\Z", &["a", "xb\n"], &["a\n\n"]),
        ("(?m)^b$", &["a\nb\nc", "b"], &["ab"]),
        ("^a.b$", &["a b", "a\rb"], &["a\nb"]),
        ("(?s)^a.b$", &["a\nb"], &["ab"]),
        // Letters, nonspacing marks, decimal digits and connectors are of words; for `\b` so are the two joiners, too.
        (r"^\w$", &["é", "\u{301}", "\u{663}", "\u{203F}"], &["\u{903}", "\u{200D}", "\u{2167}", "-"]),
        (r"^a\b", &["a", "a-", "a\u{2019}"], &["ab", "a1", "a\u{301}", "a\u{200C}", "a\u{200D}", "a\u{203F}"]),
        (r"^a\B", &["ab", "a\u{301}"], &["a", "a-"]),
        // Braces that are no quantifier, in the middle of text.
        ("^a{,3}$", &["a{,3}"], &["aaa", "a"]),
        ("^a{x$", &["a{x"], &["ax"]),
        ("^}{$", &["}{"], &[]),
        ("^a{2}b{1,}c{0,2}$", &["aab", "aabbcc"], &["ab", "aabccc"]),
        // Classes.
        ("^[a-z-[aeiou]]+$", &["xyz"], &["xaz", "-", "[x]"]),
        ("^[^a-z-[x]]$", &["1"], &["a", "x"]),
        (r"^[\w-[\d_]]+$", &["abc"], &["a1", "_"]),
        ("^[a&&b]+$", &["a&b"], &["c"]),
        ("^[a~~b-]+$", &["a~b-"], &["c"]),
        ("^[x[y]+$", &["x[y"], &["z"]),
        ("^[]a]+$", &["]a"], &["b"]),
        ("^[^]a]+$", &["b"], &["]", "a"]),
        (r"^[\w.\-+]+$", &["a.b-c+d"], &["a b"]),
        (r"^[\b]$", &["\u{8}"], &["b"]),
        (r"^[\D\S]$", &["1", " "], &[]),
        (r"^[^\W\d]$", &["a", "_"], &["1", "-"]),
        (r"^[a\-z]+$", &["a-z"], &["b"]),
        ("^[+--]+$", &["+,-"], &["."]),
        // Escapes.
        (r"^\x41\u0042\t\e\cA\071\0$", &["AB\t\u{1B}\u{1}9\0"], &["AB"]),
        (r"^a\ b\/c\-d\@e\#$", &["a b/c-d@e#"], &["ab/c-d@e#"]),
        (r"^\p{Lu}\P{Lu}$", &["Éa"], &["ea"]),
        (r"^\p{IsGreek}\P{IsGreek}$", &["αa"], &["aα"]),
        (r"^\d\w\s$", &["1é ", "\u{661}a\u{A0}"], &["aa "]),
        (r"\b10\.0\.0\.([1-9]|1[0-4])\b", &["x 10.0.0.12,"], &["110.0.0.1", "10.0.0.15"]),
        // Look-around, references, atomic groups, conditions.
        (r"^(?!192\.168\.1\.77|10\.83\.118\.23)", &["1.2.3.4"], &["192.168.1.77", "192.168.1.770"]),
        (r"(?<=a)b(?!c)", &["ab"], &["abc", "b"]),
        (r"(?<!x+)b", &["ab"], &["xxb"]),
        (r"^(\w)\1$", &["aa"], &["ab"]),
        (r"^(?<n>\w)-\k<n>$", &["a-a"], &["a-b"]),
        (r"^(?<n>\w)(\w)\1$", &["abb"], &["aba"]),
        (r"^(?>a+)b$", &["aab"], &[]),
        (r"^(?>a+)ab$", &[], &["aab"]),
        (r"^(<)?a(?(1)>|!)$", &["<a>", "a!"], &["<a!", "a>"]),
        (r"^\10$", &["\u{8}"], &["0"]),
        // Other groups and options.
        ("^(?'q'a)(?#comment)b$", &["ab"], &["a"]),
        ("^(?x) a b # comment\n c$", &["abc"], &["a b c"]),
        ("^(?n)(a)$", &["a"], &["b"]),
        ("^(a|)b$", &["ab", "b"], &["aab"]),
        ("^a+?b*?$", &["aab"], &["b"]),
        ("", &["", "x"], &[]),
        ("a|", &["", "x"], &[]),
        // Plain texts.
        (
            "^(AD AUTHORITY|SELF AUTHORITY|LOCAL AUTHORITY)$",
            &["AD AUTHORITY", "SELF AUTHORITY\n"],
            &["ad authority", "xAD AUTHORITY"],
        ),
        ("^(AD|SELF|LOCAL) AUTHORITY$", &["SELF AUTHORITY"], &["SELF AUTHORITY2"]),
        ("^(?i)(S-1-5-21-1-2-3-512|S-1-5-21-1-2-3-519)$", &["s-1-5-21-1-2-3-519"], &["S-1-5-21-1-2-3-5190"]),
        ("(/adfs/ls/)|(/adfs/oauth2)", &["/adfs/oauth2/token"], &["/adfs/"]),
        ("(?i)Outlook$", &["MS OUTLOOK", "outlook\n"], &["Outlooks"]),
        // Characters are code points, where .NET counts two for an emoji.
        ("^.$", &["a", "\u{1F600}"], &["", "ab"]),
        ("^.{1,3}$", &["\u{1F600}\u{1F600}\u{1F600}"], &["\u{1F600}\u{1F600}\u{1F600}\u{1F600}"]),
        // Options that end again.
        ("(?x-i) A b", &["Ab"], &["ab", "A b"]),
        ("(?i)a(?-i:B)c", &["ABC"], &["abc"]),
        ("(?i-i)a", &["a"], &["A"]),
        ("(?s:.)(.)", &["\na"], &["a\n"]),
        // Repeated assertions.
        ("A $?a", &["A a"], &["A"]),
        ("^(?:$)*?(?=b)+b^?(?!x)??$", &["b", "b\n"], &["bb"]),
        ("^a|b$", &["ax", "xb"], &["xax"]),
    ] {
        for subject in yes {
            assert!(matches(pattern, subject), "{pattern} must match {subject:?}");
        }
        for subject in no {
            assert!(!matches(pattern, subject), "{pattern} must not match {subject:?}");
        }
    }
}

#[test]
fn what_would_mean_something_else_is_refused() {
    use PatternErrorKind as K;
    for pattern in
        [r"\_", r"\Qa\E", r"\h", r"\R", r"\i", r"\x{41}", r"\u{41}", r"[\B]", r"\x4", r"\u12", r"\k", r"\xZZ"]
    {
        assert!(matches!(refusal(pattern), K::Escape { .. }), "{pattern}");
    }
    for pattern in ["a++", "a**", "a{2}{3}", "a{2}+", "a?*", "a*?+"] {
        assert_eq!(refusal(pattern), K::NestedQuantifier, "{pattern}");
    }
    for pattern in ["*a", "a|*", "(+)", "{2}", "(?i)*"] {
        assert!(matches!(refusal(pattern), K::NothingToRepeat { .. }), "{pattern}");
    }
    for pattern in [r"(?[^\\]+)", "(?P<n>a)", "(?)", "(?<>a)", "(?<a", "(?~a)", "(?<a b>c)"] {
        assert_eq!(refusal(pattern), K::GroupName, "{pattern}");
    }
    for pattern in [r"\pL", r"\p{Greek}", r"\p{IsKlingon}", r"\p{lu}", r"\p"] {
        assert!(matches!(refusal(pattern), K::Category { .. }), "{pattern}");
    }
    for pattern in [
        "(?<a-b>c)",
        "(?<2>a)",
        "(?<n>a)(?<n>b)",
        r"\Ga",
        r"(?i)\p{Lu}",
        r"(?i)(a)\1",
        "(?(?=a)b|c)",
        "(a)?(?(1)b|c|d)",
        "(?<=(a))b",
        "[a-z-[b]c]",
        r"(?<n>a)\<n>",
    ] {
        assert!(matches!(refusal(pattern), K::Unsupported { .. }), "{pattern}");
    }
    for pattern in ["[[:alpha:]]", "[a[:digit:]]", "[a-[:alpha:]]"] {
        assert_eq!(refusal(pattern), K::Posix, "{pattern}");
    }
    for pattern in ["[z-a]", r"[a-\d]", r"[a-\w]"] {
        assert_eq!(refusal(pattern), K::ClassRange, "{pattern}");
    }
    for pattern in [r"\1", r"(a)\2", r"\k<n>", "(?(n)a|b)", r"\9"] {
        assert!(matches!(refusal(pattern), K::Reference { .. }), "{pattern}");
    }
    assert_eq!(refusal("(a"), K::UnclosedGroup);
    assert_eq!(refusal("a)"), K::UnopenedGroup);
    assert_eq!(refusal("[a"), K::UnclosedClass);
    assert_eq!(refusal("[]"), K::UnclosedClass);
    assert_eq!(refusal("a\\"), K::TrailingBackslash);
    assert_eq!(refusal("a{3,2}"), K::QuantifierRange);
    assert_eq!(refusal("a{99999999999}"), K::QuantifierRange);
    assert_eq!(refusal("((a{1000}){1000}){1000}"), K::TooLarge);
    assert_eq!(refusal(&"(".repeat(60)), K::TooDeep { limit: 50 });
    assert_eq!(refusal(&"[a-[".repeat(60)), K::TooDeep { limit: 50 });
    assert_eq!(refusal(&"a".repeat(5000)), K::TooLong { length: 5000, limit: 4096 });
    assert!(Pattern::unshared(r"(?[^\\]+)").unwrap_err().help().unwrap().contains("web page"));
    assert_eq!(Pattern::unshared(r"ab\_").unwrap_err().offset, Some(2));
}

#[test]
fn replacement_text_follows_dotnet() {
    for (subject, pattern, replacement, expected) in [
        (r"CORP\alice", r"(?<domain>[^\\]+)\\(?<user>.+)", "${user}", "alice"),
        ("alice", r"(?<domain>[^\\]+)\\(?<user>.+)", "${user}", "alice"),
        ("a-b", r"(\w)-(\w)", "$2$1", "ba"),
        ("ab", "(a)", "$1_x", "a_xb"),
        ("ab", "(a)", "${1}x", "axb"),
        ("ab", "(a)", "$10", "$10b"),
        ("ab", "(a)", "$3", "$3b"),
        ("ab", "(a)", "${zz}", "${zz}b"),
        ("ab", "(a)", "$", "$b"),
        ("ab", "(a)", "$$1", "$1b"),
        ("ab", "(a)", "$0$&", "aab"),
        ("xaby", "ab", "[$`|$'|$_]", "x[x|y|xaby]y"),
        ("ab", "(a)|(b)", "<$+>", "<><b>"),
        ("ab", "a", "$+", "ab"),
        ("ab", "(x)?a", "[$1]", "[]b"),
        ("abc", "x*", "-", "-a-b-c-"),
        ("axb", "x*", "-", "-a--b-"),
        ("é", "x*", "-", "-é-"),
        ("ab-cd", r"(?<a>\w+)-(\w+)", "$1|$2", "cd|ab"),
        ("a.b.c", r"\.", "", "abc"),
        ("a\n", "$", "!", "a!\n!"),
        ("a\n", r"\w$", "!", "!\n"),
        ("${a}", "a", "${b", "${${b}"),
        ("aa", r"(?<=a)a", "b", "ab"),
        (&"x".repeat(50), "(?<start>^.{1,50}).+$", "${start}", &"x".repeat(49)),
    ] {
        assert_eq!(replace(subject, pattern, replacement), expected, "{subject:?} {pattern} {replacement}");
    }
}

#[test]
fn matching_is_bounded() {
    let evil = Pattern::unshared(r"^(?:(a+)\1?)+$").unwrap();
    let subject = format!("{}!", "a".repeat(64));
    assert_eq!(evil.is_match(&subject), Err(MatchError::Backtracking));
    let linear = Pattern::unshared("^(a+)+$").unwrap();
    assert_eq!(linear.is_match(&subject), Ok(false));
    let long = "a".repeat(MAX_SUBJECT + 1);
    assert!(matches!(linear.is_match(&long), Err(MatchError::SubjectTooLong { .. })));
    let each = Pattern::unshared("a").unwrap();
    let tenfold = Replacement::parse("bbbbbbbbbb", &each);
    let text = "a".repeat(1000);
    assert_eq!(each.replace_all(&text, &tenfold, 9999, &mut 1_000_000), Err(MatchError::OutputTooLong { limit: 9999 }));
    assert!(each.replace_all(&text, &tenfold, 10_000, &mut 1_000_000).is_ok());
    assert_eq!(each.replace_all(&text, &tenfold, 10_000, &mut 100), Err(MatchError::TooMuchWork));
    // What stands behind the last match counts too.
    let rest = format!("a{}", "c".repeat(20));
    assert_eq!(each.replace_all(&rest, &tenfold, 29, &mut 1000), Err(MatchError::OutputTooLong { limit: 29 }));
    assert!(each.replace_all(&rest, &tenfold, 30, &mut 1000).is_ok());
}

/// On the longest texts, within the work of one rule set.
#[test]
fn a_text_of_matches_alone_is_replaced() {
    let each = Pattern::unshared("a").unwrap();
    let replacement = Replacement::parse("b", &each);
    for octets in [8000, MAX_SUBJECT] {
        let replaced = each.replace_all(&"a".repeat(octets), &replacement, MAX_SUBJECT, &mut 2_000_000);
        assert_eq!(replaced, Ok(Some("b".repeat(octets))));
    }
}

/// Each bound, reached exactly and exceeded by one octet.
#[test]
fn lengths_are_bounded_exactly() {
    assert!(Pattern::unshared(&"a".repeat(4096)).is_ok());
    assert_eq!(refusal(&"a".repeat(4097)), PatternErrorKind::TooLong { length: 4097, limit: 4096 });
    let too_long = Err(MatchError::SubjectTooLong { length: 16_385, limit: 16_384 });
    for pattern in ["^[ab]+$", "^(?!b)[ab]+$"] {
        let pattern = Pattern::unshared(pattern).unwrap();
        assert_eq!(pattern.is_match(&"a".repeat(16_384)), Ok(true));
        assert_eq!(pattern.is_match(&"a".repeat(16_385)), too_long);
        let replacement = Replacement::parse("c", &pattern);
        let replaced = |octets| pattern.replace_all(&"a".repeat(octets), &replacement, 1, &mut 1_000_000);
        assert_eq!(replaced(16_384), Ok(Some(String::from("c"))));
        assert_eq!(replaced(16_385).map(|_| true), too_long);
    }
}

/// Patterns that take for ever in a matcher that tries every way, on the longest texts there may be.
#[test]
fn catastrophic_patterns_end() {
    let longest = |text: &str| text.repeat(MAX_SUBJECT / text.len());
    for pattern in [
        "^(a+)+$",
        "^(a|aa)+$",
        "^(a|a?)+$",
        "(x+x+)+y",
        "(.*)*b",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "^(?!(a+)+$)b",
        "(?=(a+)+b)c",
        "^(?!.*a.*a.*a.*b)",
        "(?<=(?:a+)+b)c",
        r"^(?:(a+)\1?)+$",
        r"(a*)*\1b",
        "^(?>(a+)+)b",
        "(?:a{0,50}){0,50}b",
        "(?:(?:(?:a?){9}){9}){9}$",
    ] {
        let Ok(pattern) = Pattern::unshared(pattern) else { continue };
        let replacement = Replacement::parse("$0$0", &pattern);
        for subject in [longest("a"), longest("aab"), longest("x"), format!("{}!", "a".repeat(40))] {
            // Without the bound on steps some of these would take longer than the universe: that the test ends is the proof.
            let _ = pattern.is_match(&subject);
            if let Ok(Some(text)) = pattern.replace_all(&subject, &replacement, 1 << 16, &mut 2_000_000) {
                assert!(text.len() <= 1 << 16, "{pattern:?} on {} octets made {}", subject.len(), text.len());
            }
        }
    }
}

#[test]
fn a_replacement_never_holds_more_than_it_may() {
    let pattern = Pattern::unshared("a").unwrap();
    let hundredfold = Replacement::parse(&"$_".repeat(100), &pattern);
    let mut out = String::new();
    let expanded = hundredfold.expand("abcdefghij", |_| Some((0, 1)), 95, &mut out);
    assert_eq!(expanded, Err(MatchError::OutputTooLong { limit: 95 }));
    assert_eq!(out.len(), 90);
}

#[test]
fn equal_patterns_are_shared_and_forgotten() {
    let one = Pattern::shared("^shared [0-9]+$").unwrap();
    let two = Pattern::shared("^shared [0-9]+$").unwrap();
    assert!(Arc::ptr_eq(&one, &two));
    let mut pool = Pool::default();
    for index in 0..2000 {
        pool.insert(&Pattern::unshared(&format!("p{index}")).unwrap());
    }
    assert!(pool.patterns.len() <= 256, "{}", pool.patterns.len());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(pattern in r"([a-c^$.|()\[\]{}*+?\\,:<>=!#'0-9iPpdwsbBkxu-]|\PC){0,40}", subject in "[a-c\\n]{0,6}") {
        if let Ok(pattern) = Pattern::unshared(&pattern) {
            let answer = pattern.is_match(&subject);
            // What the front end accepts compiles; only backtracking may give up.
            prop_assert!(answer.is_ok() || answer == Err(MatchError::Backtracking), "{:?} {:?}", pattern, answer);
        }
    }

    /// The texts of a plain pattern are found exactly where the matcher finds them.
    #[test]
    fn plain_texts_agree_with_the_matcher(
        start in any::<bool>(), end in any::<bool>(), fold in any::<bool>(),
        texts in prop::collection::vec("[ab-]{0,3}", 1..4), subject in "[abAB-]{0,4}\n?",
    ) {
        let pattern = format!("{}{}({}){}", if fold { "(?i)" } else { "" }, if start { "^" } else { "" }, texts.join("|"), if end { "$" } else { "" });
        let pattern = Arc::into_inner(Pattern::unshared(&pattern).unwrap()).unwrap();
        let quick = pattern.is_match(&subject).unwrap();
        let slow = Pattern { plain: None, affixes: Affixes::default(), ..pattern }.is_match(&subject).unwrap();
        prop_assert_eq!(quick, slow);
    }
}
