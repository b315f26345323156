//! What the parser accepts, and each class of input it refuses.

use super::*;

fn read(input: &str) -> Result<Document<'_>, ReadError> {
    Document::parse(input.as_bytes(), &Limits::SOAP)
}

fn refused(input: &str) -> ReadError {
    read(input).expect_err(input)
}

fn text(input: &str) -> String {
    read(input).unwrap().root().text().unwrap().to_owned()
}

#[test]
fn every_element_has_its_own_attributes() {
    let document = read("<a x='1' y='2'><b/><c x='3' z='4'/></a>").unwrap();
    let all = |local| {
        let element = document.elements().find(|element| element.local() == local).unwrap();
        element.attributes().map(|((_, name), value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(
        (all("a"), all("b"), all("c")),
        (vec!["x=1".into(), "y=2".into()], vec![], vec!["x=3".into(), "z=4".into()])
    );
}

#[test]
fn a_place_is_the_octet_in_the_input_with_its_byte_order_mark() {
    let place = |error: ReadError| -> usize {
        let text = error.to_string();
        let (_, rest) = text.split_once("octet ").unwrap();
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    };
    let comments = Limits { comments: Comments::Refuse, ..Limits::SOAP };
    for (input, at) in [
        ("<a>x</b>", 4),
        ("<a>x<b>]]></b></a>", 7),
        ("<a>x<?p?></a>", 4),
        ("<a>x<!-- x --></a>", 4),
        ("<a/><!DOCTYPE a>", 4),
        ("<a/><b/>", 4),
        ("<a/>text", 4),
        ("<a/><![CDATA[x]]>", 4),
        ("<a/>&amp;", 4),
        ("<a>x&e;</a>", 4),
        ("<a>x<1/></a>", 4),
        ("<a>x<b c/></a>", 4),
        ("<a>x<p:b/></a>", 4),
        ("<a>x<b c='1' c='2'/></a>", 4),
        ("<a>x<?xml version='1.0'?></a>", 4),
    ] {
        let read = |input: &str| place(Document::parse(input.as_bytes(), &comments).map(|_| ()).expect_err(input));
        assert_eq!(read(input), at, "{input}");
        assert_eq!(read(&format!("\u{FEFF}{input}")), at + 3, "{input} behind a byte order mark");
    }
}

#[test]
fn debug_output_has_names_only() {
    let document = read("<p:a xmlns:p='urn:p' b='hidden'><c>hidden</c></p:a>").unwrap();
    let shown = format!("{document:?}");
    assert!(shown.contains("{urn:p}a") && !shown.contains("hidden"), "{shown}");
}

#[test]
fn an_element_is_equal_to_itself_only() {
    let (one, two) = (read("<a><b/></a>").unwrap(), read("<a><b/></a>").unwrap());
    assert_eq!(one.root(), one.elements().next().unwrap());
    assert_ne!(one.root(), one.root().children().next().unwrap());
    assert_ne!(one.root(), two.root());
}

#[test]
fn names_are_namespace_and_local_part() {
    let document = read(
        r#"<?xml version="1.0" encoding="UTF-8"?>
        <s:E xmlns:s="urn:s" xmlns="urn:d" a="1" s:a="2"><b xmlns=""/><s:c xmlns:s="urn:t"/><d/></s:E>"#,
    )
    .unwrap();
    let root = document.root();
    assert!(root.is("urn:s", "E"));
    assert_eq!((root.attribute("a"), root.attribute_ns("urn:s", "a")), (Some("1"), Some("2")));
    let names: Vec<_> = root.children().map(|child| child.name()).collect();
    assert_eq!(names, [("", "b"), ("urn:t", "c"), ("urn:d", "d")]);
    assert_eq!(root.attribute_ns("urn:d", "a"), None, "the default namespace does not apply to attributes");
}

#[test]
fn text_is_the_concatenation_of_all_pieces() {
    assert_eq!(text("<a>user@good<!-- x -->.evil</a>"), "user@good.evil");
    assert_eq!(text("<a>1&amp;2&#65;<![CDATA[<3>]]>\r\n4\r5</a>"), "1&2A<3>\n4\n5");
    assert_eq!(text("<a>&#13;&#xA;</a>"), "\r\n", "character references are not normalised");
    assert_eq!(text("<a/>"), "");
    let error = read("<a>x<b/></a>").unwrap().root().text().unwrap_err();
    assert_eq!(error, ReadError::NotText { element: String::from("a") });
}

#[test]
fn attribute_values_are_decoded_and_normalised() {
    let document = read("<a v='\"&lt;&gt;&apos;&quot;&amp;&#x9;\t\r\n\n>' w = \"'\"/>").unwrap();
    assert_eq!(document.root().attribute("v"), Some("\"<>'\"&\t   >"));
    assert_eq!(document.root().attribute("w"), Some("'"));
}

#[test]
fn lookups_say_missing_and_repeated() {
    let document = read("<a xmlns='u'><b>1</b><c/><c/></a>").unwrap();
    let root = document.root();
    assert_eq!(root.child_text("u", "b"), Ok(Some("1")));
    assert_eq!(root.only_child("u", "x"), Ok(None));
    assert!(matches!(root.required_child("u", "x"), Err(ReadError::Missing { .. })));
    assert!(matches!(root.only_child("u", "c"), Err(ReadError::Repeated { .. })));
    assert!(matches!(root.required_child("u", "c"), Err(ReadError::Repeated { .. })));
    assert_eq!(root.children_named("u", "c").count(), 2);
    assert!(root.child("", "b").is_none());
    assert_eq!(root.child("u", "c"), root.children().nth(1));
}

#[test]
fn spans_cover_whole_elements() {
    let input = "\u{FEFF}<a> <b x='>'>1</b><c /> </a>\n";
    let document = read(input).unwrap();
    let spans: Vec<_> = document.elements().map(|element| &input[element.span()]).collect();
    assert_eq!(spans, ["<a> <b x='>'>1</b><c /> </a>", "<b x='>'>1</b>", "<c />"]);
}

#[test]
fn mixed_content_is_seen() {
    for (input, mixed) in [
        ("<a> <b/> </a>", false),
        ("<a>x<b/></a>", true),
        ("<a><b/>x</a>", true),
        ("<a><b/>&#120;</a>", true),
        ("<a>x</a>", false),
    ] {
        assert_eq!(read(input).unwrap().root().has_mixed_content(), mixed, "{input}");
    }
}

#[test]
fn utf8_only() {
    let parse = |input: &[u8]| Document::parse(input, &Limits::SOAP).map(|_| ());
    let utf16: Vec<u8> = "<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(matches!(parse(&[&[0xFF, 0xFE], &utf16[..]].concat()), Err(ReadError::Encoding { .. })));
    assert!(matches!(parse(&utf16), Err(ReadError::IllegalCharacter { .. })));
    assert_eq!(parse(b"<a>\xC3\x28</a>"), Err(ReadError::NotUtf8 { offset: 3 }));
    assert!(matches!(refused("<?xml version='1.0' encoding='utf-16'?><a/>"), ReadError::Encoding { .. }));
    assert!(matches!(refused("<?xml version='1.0' encoding='ISO-8859-1'?><a/>"), ReadError::Encoding { .. }));
    read("<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<a/>").unwrap();
    read("\u{FEFF}<?xml version='1.0'?><a/>").unwrap();
}

#[test]
fn doctype_and_entities_are_refused() {
    assert!(matches!(refused("<!DOCTYPE a><a/>"), ReadError::Doctype { offset: 0 }));
    assert!(matches!(refused("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"), ReadError::Doctype { .. }));
    assert!(matches!(refused("<!DOCTYPE a SYSTEM 'http://x/'><a/>"), ReadError::Doctype { .. }));
    assert!(matches!(refused("<a/><!DOCTYPE a>"), ReadError::Doctype { .. }));
    assert!(matches!(refused("<a>&e;</a>"), ReadError::Reference { offset: 3 }));
    assert!(matches!(refused("<a v='&e;'/>"), ReadError::Reference { .. }));
    assert!(matches!(refused("<a xmlns='&e;'/>"), ReadError::Reference { .. }));
    for number in ["#0", "#x0", "#xD800", "#x110000", "#xFFFF", "#", "#x", "#-1", "#1F"] {
        assert!(matches!(refused(&format!("<a>&{number};</a>")), ReadError::Reference { .. }), "{number}");
        assert!(matches!(refused(&format!("<a v='&{number};'/>")), ReadError::Reference { .. }), "{number}");
    }
    for lone in ["<a>&</a>", "<a>& b</a>", "<a>&amp</a>"] {
        assert!(matches!(refused(lone), ReadError::Malformed { .. } | ReadError::Reference { .. }), "{lone}");
    }
    assert!(matches!(refused("<a v='&amp'/>"), ReadError::Reference { .. }));
}

#[test]
fn processing_instructions_and_misplaced_declarations_are_refused() {
    assert!(matches!(refused("<?php x?><a/>"), ReadError::ProcessingInstruction { offset: 0 }));
    assert!(matches!(refused("<a><?x?></a>"), ReadError::ProcessingInstruction { .. }));
    assert!(matches!(refused("<a/><?x?>"), ReadError::ProcessingInstruction { .. }));
    for bad in [
        " <?xml version='1.0'?><a/>",
        "<a><?xml version='1.0'?></a>",
        "<?xml version='1.0'?><?xml version='1.0'?><a/>",
        "<?xml version='1.1'?><a/>",
        "<?xml?><a/>",
        "<?xml encoding='utf-8'?><a/>",
        "<?xml version='1.0' standalone='yes' encoding='utf-8'?><a/>",
        "<?xml version='1.0' version='1.0'?><a/>",
        "<?xml version='1.0' x='1'?><a/>",
    ] {
        assert!(matches!(refused(bad), ReadError::Declaration { .. }), "{bad}");
    }
}

#[test]
fn comments_are_refused_when_asked() {
    let limits = Limits { comments: Comments::Refuse, ..Limits::SOAP };
    for input in ["<a><!-- x --></a>", "<!-- x --><a/>", "<a/><!-- x -->", "<a>user@x<!---->.evil</a>"] {
        assert!(matches!(Document::parse(input.as_bytes(), &limits), Err(ReadError::Comment { .. })), "{input}");
        read(input).unwrap();
    }
    assert!(matches!(refused("<a><!-- x -- y --></a>"), ReadError::Malformed { .. }));
}

#[test]
fn nothing_stands_outside_the_root() {
    for bad in
        ["x<a/>", "<a/>x", "<a/><b/>", "<a></a><a></a>", "<a/>&#32;", "<a/>&amp;", "<a/><![CDATA[ ]]>", "&#32;<a/>"]
    {
        assert!(matches!(refused(bad), ReadError::OutsideRoot { .. }), "{bad}");
    }
    for bad in ["", " \n", "<!-- x -->"] {
        assert_eq!(refused(bad), ReadError::NoRoot, "{bad}");
    }
}

#[test]
fn tags_must_match() {
    for bad in [
        "<a></b>",
        "<a></a",
        "</a>",
        "<a><b></a></b>",
        "<s:a xmlns:s='u' xmlns:t='u'></t:a>",
        "<a",
        "<",
        "<a><![CDATA[x",
    ] {
        assert!(matches!(refused(bad), ReadError::Malformed { .. }), "{bad}: {:?}", refused(bad));
    }
    for bad in ["<a>", "<a><b></b>", "<a>x"] {
        assert_eq!(refused(bad), ReadError::Truncated, "{bad}");
    }
    assert!(matches!(refused("<a>]]></a>"), ReadError::Malformed { .. }));
}

#[test]
fn names_must_be_qualified_names() {
    for bad in ["<1/>", "<a:/>", "<:a/>", "<a:b:c xmlns:a='u'/>", "<a\u{d7}/>", "<a=/>", "<-a/>", "<a\"b\"/>"] {
        assert!(matches!(refused(bad), ReadError::Name { .. }), "{bad}: {:?}", refused(bad));
    }
    for bad in ["<a 1='x'/>", "<a b:='x'/>", "<a b:c:d='x' xmlns:b='u'/>", "<a xmlns:='u'/>", "<a xmlns:b:c='u'/>"] {
        assert!(matches!(refused(bad), ReadError::Name { .. }), "{bad}: {:?}", refused(bad));
    }
    let longest = "a".repeat(Limits::SOAP.name);
    read(&format!("<{longest}/>")).unwrap();
    let long = "a".repeat(Limits::SOAP.name + 1);
    assert!(matches!(refused(&format!("<{long}/>")), ReadError::Name { .. }));
}

#[test]
fn attributes_follow_the_grammar() {
    for bad in [
        "<a b/>",
        "<a b=/>",
        "<a b=c/>",
        "<a b='1'c='2'/>",
        "<a b=c'1'/>",
        "<a b='<'/>",
        "<a 'x'/>",
        "<a b=\"1'/>",
        "<a b c='1'/>",
    ] {
        let error = refused(bad);
        assert!(
            matches!(error, ReadError::Attributes { .. } | ReadError::Name { .. } | ReadError::Malformed { .. }),
            "{bad}: {error}"
        );
    }
}

#[test]
fn duplicate_attributes_are_refused_by_expanded_name() {
    for bad in [
        "<a b='1' b='2'/>",
        "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
        "<a xmlns='u' xmlns='v'/>",
        "<a xmlns:p='u' xmlns:p='u'/>",
    ] {
        assert!(matches!(refused(bad), ReadError::DuplicateAttribute { .. }), "{bad}");
    }
    read("<a xmlns:p='u' b='1' p:b='2'/>").unwrap();
}

#[test]
fn namespace_rules_hold() {
    for bad in ["<p:a/>", "<a p:b='1'/>", "<a><b xmlns:p='u'/><p:c/></a>", "<a><b xmlns:p='u'></b><p:c/></a>"] {
        assert!(matches!(refused(bad), ReadError::UndeclaredPrefix { .. }), "{bad}");
    }
    for bad in [
        "<a xmlns:xmlns='u'/>",
        "<a xmlns:xml='u'/>",
        "<a xmlns:p=''/>",
        "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
    ] {
        assert!(matches!(refused(bad), ReadError::ReservedNamespace { .. }), "{bad}");
    }
    assert_eq!(read("<a xml:lang='de'/>").unwrap().root().attribute_ns(crate::xml::namespace::XML, "lang"), Some("de"));
}

#[test]
fn illegal_characters_are_refused_anywhere() {
    for bad in ["<a>\u{1}</a>", "<a b='\u{b}'/>", "<a>\u{FFFE}</a>", "<a>\0</a>"] {
        assert!(matches!(refused(bad), ReadError::IllegalCharacter { .. }), "{bad:?}");
    }
}

#[test]
fn limits_hold_at_their_edge() {
    let parse = |input: &str, limits: Limits| Document::parse(input.as_bytes(), &limits).map(|_| ());
    let base = Limits::SOAP;
    let depth = |n: usize| "<a>".repeat(n) + &"</a>".repeat(n);
    assert!(parse(&depth(64), base).is_ok());
    assert!(matches!(parse(&depth(65), base), Err(ReadError::TooDeep { limit: 64, .. })));
    assert!(matches!(parse(&("<a>".repeat(64) + "<b/>"), base), Err(ReadError::TooDeep { .. })));
    assert!(parse("<a/>", Limits { octets: 4, ..base }).is_ok());
    assert!(matches!(parse("<a/>", Limits { octets: 3, ..base }), Err(ReadError::TooLarge { octets: 4, limit: 3 })));
    assert!(parse("<a><b/><c/></a>", Limits { elements: 3, ..base }).is_ok());
    assert!(matches!(parse("<a><b/><c/></a>", Limits { elements: 2, ..base }), Err(ReadError::TooManyElements { .. })));
    assert!(parse("<a b='' xmlns='u'/>", Limits { attributes: 2, ..base }).is_ok());
    assert!(matches!(
        parse("<a b='' xmlns='u'/>", Limits { attributes: 1, ..base }),
        Err(ReadError::TooManyAttributes { .. })
    ));
    assert!(matches!(
        parse("<a xmlns='u'><b xmlns='v'/></a>", Limits { declarations: 1, ..base }),
        Err(ReadError::TooManyDeclarations { .. })
    ));
    // Distinct namespaces count over the whole document, in scope or not.
    let two = "<a><b xmlns='u'/><c xmlns='v'/></a>";
    assert!(parse(two, Limits { declarations: 2, ..base }).is_ok());
    assert!(matches!(
        parse(two, Limits { declarations: 1, ..base }),
        Err(ReadError::TooManyDeclarations { limit: 1, .. })
    ));
    let many = (0..300).map(|n| format!("<b xmlns='u{n}'/>")).collect::<Vec<_>>().concat();
    assert!(matches!(parse(&format!("<a>{many}</a>"), base), Err(ReadError::TooManyDeclarations { .. })));
}

#[test]
fn each_kind_of_input_has_its_own_limits() {
    let refused = |input: &str, limits: &Limits| {
        Document::parse(input.as_bytes(), limits).map(|_| ()).expect_err("within limits")
    };
    let deep = "<a>".repeat(33) + &"</a>".repeat(33);
    assert!(matches!(refused(&deep, &Limits::SIGNED), ReadError::TooDeep { limit: 32, .. }));
    assert!(matches!(refused("<a><!-- x --></a>", &Limits::SIGNED), ReadError::Comment { .. }));
    // Whatever the limits allow, signed input has no comments.
    assert!(crate::xml::scan::scan(b"<a><!-- x --></a>", &Limits::METADATA).is_err());
    let many = format!("<a>{}</a>", "<b/>".repeat(2000));
    for limits in [Limits::SOAP, Limits::SIGNED] {
        assert_eq!(refused(&many, &limits), ReadError::TooManyElements { limit: 2000 });
    }
    assert!(Document::parse(many.as_bytes(), &Limits::METADATA).is_ok());
    for (limits, limit) in [(Limits::SOAP, 1 << 20), (Limits::SIGNED, 256 << 10), (Limits::METADATA, 4 << 20)] {
        let largest = format!("<a>{}</a>", "x".repeat(limit - 7));
        assert!(Document::parse(largest.as_bytes(), &limits).is_ok());
        assert_eq!(refused(&(largest + " "), &limits), ReadError::TooLarge { octets: limit + 1, limit });
    }
}

proptest::proptest! {
    #[test]
    fn no_input_panics(input in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = Document::parse(&input, &Limits::SOAP);
    }

    #[test]
    fn nothing_that_looks_like_xml_panics(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..24)) {
        let input = pieces.concat();
        if let Ok(document) = read(&input) {
            for element in document.elements() {
                let span = element.span();
                proptest::prop_assert!(input[span.clone()].starts_with('<') && input[span].ends_with('>'));
                let _ = (element.text(), element.attributes().count(), element.children().count());
            }
        }
    }
}

const PIECES: &[&str] = &[
    "<a>",
    "</a>",
    "<a/>",
    "<b x='1'>",
    "</b>",
    "<p:c xmlns:p='u'>",
    "</p:c>",
    "text",
    " ",
    "&amp;",
    "&#65;",
    "&",
    ";",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "<?xml version='1.0'?>",
    "<?pi?>",
    "<!DOCTYPE",
    ">",
    "<",
    "'",
    "\"",
    "=",
    "\u{FEFF}",
    "é",
    "\0",
];
