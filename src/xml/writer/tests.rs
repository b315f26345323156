//! Canonical by construction: examples, and the canonicaliser as the judge of random documents.

use bergshamra::c14n::{C14nMode, canonicalize};
use proptest::prelude::*;

use super::*;
use crate::xml::{Document, Limits};

const ROOT: Name = Name::new("r", "urn:r", "root");
const CHILD: Name = Name::new("r", "urn:r", "child");
const OTHER: Name = Name::new("", "urn:d", "other");
const BARE: Name = Name::plain("bare");
const TYPE: Name = Name::new("b", "http://www.w3.org/2001/XMLSchema-instance", "type");

fn write(content: impl FnOnce(&mut Writer) -> Result<(), WriteError>) -> Result<String, WriteError> {
    let mut writer = Writer::new();
    content(&mut writer)?;
    writer.finish().map(|octets| String::from_utf8(octets).unwrap())
}

#[test]
fn declarations_stand_where_a_prefix_is_first_used() {
    let written = write(|w| {
        w.element(
            &ROOT,
            &[Attribute::plain("b", "2"), Attribute::plain("a", "1"), Attribute::plain_optional("c", None)],
            |w| {
                w.leaf(&CHILD, &[], "x")?;
                w.element(&OTHER, &[Attribute::new(TYPE, "t"), Attribute::plain("z", "1")], |w| {
                    w.empty(&BARE, &[])?;
                    w.empty(&OTHER, &[])
                })?;
                w.empty(&BARE, &[])
            },
        )
    });
    assert_eq!(
        written.unwrap(),
        "<r:root xmlns:r=\"urn:r\" a=\"1\" b=\"2\"><r:child>x</r:child>\
         <other xmlns=\"urn:d\" xmlns:b=\"http://www.w3.org/2001/XMLSchema-instance\" z=\"1\" b:type=\"t\">\
         <bare xmlns=\"\"></bare><other></other></other><bare></bare></r:root>"
    );
}

#[test]
fn text_and_attributes_are_escaped_as_canonical_xml_wants() {
    let value = "<&>\"'\t\n\rä漢";
    let written = write(|w| w.leaf(&ROOT, &[Attribute::plain("a", value)], value)).unwrap();
    assert_eq!(
        written,
        "<r:root xmlns:r=\"urn:r\" a=\"&lt;&amp;>&quot;'&#x9;&#xA;&#xD;ä漢\">&lt;&amp;&gt;\"'\t\n&#xD;ä漢</r:root>"
    );
    let document = Document::parse(written.as_bytes(), &Limits::SIGNED).unwrap();
    assert_eq!(document.root().text(), Ok(value));
    assert_eq!(document.root().attribute("a"), Some(value));
}

#[test]
fn illegal_characters_are_refused() {
    for character in ['\0', '\u{1}', '\u{8}', '\u{B}', '\u{C}', '\u{E}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'] {
        let text = format!("a{character}b");
        let refused = |place| Err(WriteError::IllegalCharacter { place, character });
        assert_eq!(write(|w| w.leaf(&ROOT, &[], &text)), refused("root"));
        assert_eq!(write(|w| w.empty(&ROOT, &[Attribute::plain("a", &text)])), refused("a"));
    }
    write(|w| w.leaf(&ROOT, &[], "\u{FFFD}\u{FEFF}\u{10FFFF}\u{7F}")).unwrap();
}

#[test]
fn misuse_is_an_error() {
    assert_eq!(write(|_| Ok(())), Err(WriteError::NoRoot));
    assert_eq!(write(|w| w.empty(&ROOT, &[]).and_then(|()| w.empty(&ROOT, &[]))), Err(WriteError::SecondRoot));
    assert_eq!(
        write(|w| w.empty(&ROOT, &[Attribute::plain("a", "1"), Attribute::plain("a", "2")])),
        Err(WriteError::DuplicateAttribute { attribute: "a" })
    );
    let odd = Attribute::new(Name::new("", "urn:x", "a"), "1");
    assert_eq!(write(|w| w.empty(&ROOT, &[odd])), Err(WriteError::AttributeName { attribute: "a" }));
    let same = Attribute::new(Name::new("r", "urn:x", "a"), "1");
    assert_eq!(write(|w| w.empty(&ROOT, &[same])), Err(WriteError::PrefixTaken { prefix: "r" }));
    assert_eq!(
        write(|w| w.element_with_value_prefixes(&ROOT, &[], &[("r", "urn:x")], |_| Ok(()))),
        Err(WriteError::PrefixTaken { prefix: "r" })
    );
    assert_eq!(write(Writer::signature_here), Err(WriteError::SignaturePlace));
    assert_eq!(write(|w| w.element(&ROOT, &[], Writer::signature_here)), Err(WriteError::SignaturePlace));
}

#[test]
fn a_prefix_of_a_value_is_written_but_not_digested() {
    let mut writer = Writer::new();
    let typed = [Attribute::new(TYPE, "tn:boolean")];
    writer
        .element::<WriteError>(&ROOT, &[], |w| {
            w.leaf_with_value_prefixes(&CHILD, &typed, &[("tn", "urn:schema")], "true")?;
            w.signature_here()
        })
        .unwrap();
    let unsigned = writer.finish_for_signature().unwrap();
    let text = std::str::from_utf8(&unsigned.octets).unwrap();
    assert_eq!(text.matches("xmlns:tn").count(), 1, "{text}");
    let skipped: Vec<_> = unsigned.undigested.iter().map(|range| &unsigned.octets[range.clone()]).collect();
    assert_eq!(skipped, [b" xmlns:tn=\"urn:schema\"" as &[u8]]);
}

/// A tree to write.
#[derive(Debug, Clone)]
struct Tree {
    name: Name,
    attributes: Vec<(Name, String)>,
    text: String,
    children: Vec<Tree>,
}

#[test]
fn a_prefix_of_a_value_that_is_in_scope_is_not_declared_again() {
    let written = write(|w| w.element_with_value_prefixes(&ROOT, &[], &[("r", "urn:r")], |_| Ok(())));
    assert_eq!(written.unwrap(), "<r:root xmlns:r=\"urn:r\"></r:root>");
}

#[test]
fn what_was_written_earlier_is_embedded_as_it_is() {
    let token = write(|w| w.leaf(&CHILD, &[], "x")).unwrap();
    let fragment = CanonicalXml::from_own_output(token.as_bytes());
    assert_eq!((fragment.as_bytes(), CHILD.local()), (token.as_bytes(), "child"));
    let around = write(|w| w.element(&OTHER, &[], |w| w.embed(fragment))).unwrap();
    assert_eq!(around, format!("<other xmlns=\"urn:d\">{token}</other>"));
    assert_eq!(write(|w| w.empty(&ROOT, &[]).and_then(|()| w.embed(fragment))), Err(WriteError::SecondRoot));
}

#[test]
fn the_xml_prefix_is_never_declared() {
    let write = |namespace| {
        let mut writer = Writer::new();
        writer.empty(&Name::new("", "", "a"), &[Attribute::new(Name::new("xml", namespace, "lang"), "en")])?;
        writer.finish()
    };
    assert_eq!(write("http://www.w3.org/XML/1998/namespace").unwrap(), br#"<a xml:lang="en"></a>"#);
    assert_eq!(write("urn:other"), Err(WriteError::PrefixTaken { prefix: "xml" }));
}

fn names() -> impl Strategy<Value = Name> {
    proptest::sample::select(vec![
        ROOT,
        CHILD,
        OTHER,
        BARE,
        Name::new("a", "urn:a", "x"),
        Name::new("a", "urn:a2", "x"),
    ])
}

fn trees() -> impl Strategy<Value = Tree> {
    let attribute_names =
        vec![Name::plain("b"), Name::plain("a"), Name::new("q", "urn:q", "a"), TYPE, Name::new("a", "urn:a", "c")];
    let attributes = proptest::sample::subsequence(attribute_names, 0..=5).prop_shuffle();
    let leaf = (names(), attributes, legal_text(), legal_text()).prop_map(|(name, attributes, value, text)| Tree {
        name,
        attributes: attributes.into_iter().map(|name| (name, value.clone())).collect(),
        text,
        children: Vec::new(),
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        (names(), proptest::collection::vec(inner, 1..4)).prop_map(|(name, children)| Tree {
            name,
            attributes: Vec::new(),
            text: String::new(),
            children,
        })
    })
}

/// Text of legal characters, with those that need care made likely.
fn legal_text() -> impl Strategy<Value = String> {
    let special = proptest::sample::select(vec!['<', '>', '&', '"', '\'', '\t', '\n', '\r', ' ', 'ä', '漢', ']']);
    let any = proptest::char::any().prop_filter("legal", |c| crate::xml::syntax::is_char(*c));
    proptest::collection::vec(prop_oneof![special, any], 0..12).prop_map(|characters| characters.into_iter().collect())
}

fn write_tree(writer: &mut Writer, tree: &Tree) -> Result<(), WriteError> {
    let attributes: Vec<_> = tree.attributes.iter().map(|(name, value)| Attribute::new(*name, value)).collect();
    if tree.children.is_empty() {
        return writer.leaf(&tree.name, &attributes, &tree.text);
    }
    writer.element(&tree.name, &attributes, |w| tree.children.iter().try_for_each(|child| write_tree(w, child)))
}

proptest! {
    #[test]
    fn what_is_written_is_its_own_canonical_form(tree in trees()) {
        let mut writer = Writer::new();
        match write_tree(&mut writer, &tree) {
            Err(WriteError::PrefixTaken { .. }) => return Ok(()),
            outcome => outcome.unwrap(),
        }
        let octets = writer.finish().unwrap();
        let text = std::str::from_utf8(&octets).unwrap();
        let canonical = canonicalize::<&str>(text, C14nMode::Exclusive, None, &[]).unwrap();
        prop_assert_eq!(text, std::str::from_utf8(&canonical).unwrap());
    }
}
