//! The writer: its octets are Exclusive Canonical XML as they stand, so that what is written is what is signed.
//!
//! Callers give typed names and plain text; escaping, namespace declarations, their order and the order of attributes are
//! the writer's. There is no way to hand in markup but [`CanonicalXml`], which only this writer and
//! [`signature`](super::signature) make. Elements are closed by construction: content is written inside a closure.
//!
//! Canonical form (token-signing-lab.md 3.5): UTF-8, no declaration, no white space of its own, no empty-element tags,
//! double quotes, namespace declarations where a prefix is first visibly used and nowhere else, sorted by prefix, then
//! attributes sorted by namespace and local name.
//!
//! One thing is not canonical and is kept apart: a declaration that only an attribute's *value* needs (`xsi:type="tn:…"`).
//! Exclusive canonicalization drops it; the writer writes it for the reader and remembers that no digest covers it.

mod escape;
#[cfg(test)]
mod tests;

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::namespace::XML;
use escape::Place;

/// A name as it is written: prefix, namespace, local part. All three are the program's own, never input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    prefix: &'static str,
    namespace: &'static str,
    local: &'static str,
}

impl Name {
    /// A name in `namespace`, written with `prefix`; an empty prefix makes it the default namespace (elements only).
    pub const fn new(prefix: &'static str, namespace: &'static str, local: &'static str) -> Self {
        Self { prefix, namespace, local }
    }

    /// A name in no namespace, as most attributes have.
    pub const fn plain(local: &'static str) -> Self {
        Self { prefix: "", namespace: "", local }
    }

    /// The local part.
    pub const fn local(&self) -> &'static str {
        self.local
    }
}

/// An attribute to write, or nothing when its value is `None`.
#[derive(Debug, Clone, Copy)]
pub struct Attribute<'a> {
    name: Name,
    value: Option<&'a str>,
}

impl<'a> Attribute<'a> {
    /// An attribute with its plain value.
    pub const fn new(name: Name, value: &'a str) -> Self {
        Self { name, value: Some(value) }
    }

    /// An attribute that is left out when there is no value.
    pub const fn optional(name: Name, value: Option<&'a str>) -> Self {
        Self { name, value }
    }

    /// An attribute in no namespace.
    pub const fn plain(local: &'static str, value: &'a str) -> Self {
        Self::new(Name::plain(local), value)
    }

    /// An attribute in no namespace that is left out when there is no value.
    pub const fn plain_optional(local: &'static str, value: Option<&'a str>) -> Self {
        Self::optional(Name::plain(local), value)
    }
}

/// Octets that are canonical XML of one element and declare every prefix they use.
///
/// Embedded as they are. Where the surroundings get signed too, they must not declare the fragment's prefixes themselves:
/// a repeated declaration is not canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanonicalXml<'a>(&'a [u8]);

impl<'a> CanonicalXml<'a> {
    /// Takes octets that [`Writer::finish`] or [`Unsigned`] gave; for nothing else.
    pub(crate) const fn from_own_output(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The octets.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// Writes one canonical element.
#[derive(Debug)]
pub struct Writer {
    out: Vec<u8>,
    /// Declarations written and in scope: prefix and namespace.
    scope: Vec<(&'static str, &'static str)>,
    depth: usize,
    /// Declarations no digest covers.
    undigested: Vec<Range<usize>>,
    signature_place: Option<usize>,
}

impl Writer {
    /// A writer with room for a usual token.
    pub fn new() -> Self {
        Self::with_capacity(8 << 10)
    }

    /// A writer with room for `octets`.
    pub fn with_capacity(octets: usize) -> Self {
        Self {
            out: Vec::with_capacity(octets),
            scope: Vec::with_capacity(8),
            depth: 0,
            undigested: Vec::new(),
            signature_place: None,
        }
    }

    /// An element whose content `content` writes.
    ///
    /// # Errors
    /// [`WriteError`] of its own, or whatever `content` returns.
    pub fn element<E: From<WriteError>>(
        &mut self,
        name: &Name,
        attributes: &[Attribute<'_>],
        content: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.nest(name, attributes, &[], content)
    }

    /// As [`Writer::element`], with declarations of prefixes that only attribute values use, as (prefix, namespace).
    ///
    /// # Errors
    /// As [`Writer::element`], and [`WriteError::PrefixTaken`] when the prefix already means something else here.
    pub fn element_with_value_prefixes<E: From<WriteError>>(
        &mut self,
        name: &Name,
        attributes: &[Attribute<'_>],
        prefixes: &[(&'static str, &str)],
        content: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.nest(name, attributes, prefixes, content)
    }

    /// An element that holds text only.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn leaf(&mut self, name: &Name, attributes: &[Attribute<'_>], text: &str) -> Result<(), WriteError> {
        self.nest(name, attributes, &[], |writer| writer.text(name, text))
    }

    /// As [`Writer::leaf`], with declarations of prefixes that only attribute values use.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn leaf_with_value_prefixes(
        &mut self,
        name: &Name,
        attributes: &[Attribute<'_>],
        prefixes: &[(&'static str, &str)],
        text: &str,
    ) -> Result<(), WriteError> {
        self.nest(name, attributes, prefixes, |writer| writer.text(name, text))
    }

    /// An element that holds octets in base64, on one line.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn base64_leaf(&mut self, name: &Name, attributes: &[Attribute<'_>], octets: &[u8]) -> Result<(), WriteError> {
        self.nest(name, attributes, &[], |writer| {
            push_base64(&mut writer.out, octets);
            Ok(())
        })
    }

    /// An element without content.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn empty(&mut self, name: &Name, attributes: &[Attribute<'_>]) -> Result<(), WriteError> {
        self.nest(name, attributes, &[], |_| Ok(()))
    }

    /// An element written earlier, as it is.
    ///
    /// # Errors
    /// [`WriteError::SecondRoot`].
    pub fn embed(&mut self, fragment: CanonicalXml<'_>) -> Result<(), WriteError> {
        self.one_root()?;
        self.out.extend_from_slice(fragment.0);
        Ok(())
    }

    /// Marks where the signature of the root element will stand: here, between two of its children.
    ///
    /// # Errors
    /// [`WriteError::SignaturePlace`] when there is a mark already or the writer is not directly inside the root.
    pub fn signature_here(&mut self) -> Result<(), WriteError> {
        if self.depth != 1 || self.signature_place.is_some() {
            return Err(WriteError::SignaturePlace);
        }
        self.signature_place = Some(self.out.len());
        Ok(())
    }

    /// The document, to be sent without a signature.
    ///
    /// # Errors
    /// [`WriteError::NoRoot`]; [`WriteError::SignaturePlace`] when a place for a signature was marked.
    pub fn finish(self) -> Result<Vec<u8>, WriteError> {
        match self.signature_place {
            _ if self.out.is_empty() => Err(WriteError::NoRoot),
            Some(_) => Err(WriteError::SignaturePlace),
            None => Ok(self.out),
        }
    }

    /// The document, to be signed at the place marked.
    ///
    /// # Errors
    /// [`WriteError::NoRoot`]; [`WriteError::SignaturePlace`] when no place was marked.
    pub fn finish_for_signature(self) -> Result<Unsigned, WriteError> {
        if self.out.is_empty() {
            return Err(WriteError::NoRoot);
        }
        let place = self.signature_place.ok_or(WriteError::SignaturePlace)?;
        Ok(Unsigned { octets: self.out, place, undigested: self.undigested })
    }

    fn nest<E: From<WriteError>>(
        &mut self,
        name: &Name,
        attributes: &[Attribute<'_>],
        prefixes: &[(&'static str, &str)],
        content: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.one_root()?;
        let outer = self.scope.len();
        self.open_tag(name, attributes, prefixes)?;
        self.depth += 1;
        content(self)?;
        self.depth -= 1;
        self.scope.truncate(outer);
        self.out.extend_from_slice(b"</");
        self.push_name(name);
        self.out.push(b'>');
        Ok(())
    }

    fn open_tag(
        &mut self,
        name: &Name,
        attributes: &[Attribute<'_>],
        prefixes: &[(&'static str, &str)],
    ) -> Result<(), WriteError> {
        self.out.push(b'<');
        self.push_name(name);
        let outer = self.scope.len();
        self.bring_into_scope(name, outer)?;
        let written = attributes.iter().filter(|attribute| attribute.value.is_some());
        for attribute in written.clone() {
            let name = &attribute.name;
            match (name.prefix.is_empty(), name.namespace.is_empty()) {
                (true, true) => {}
                (false, false) => self.bring_into_scope(name, outer)?,
                _ => return Err(WriteError::AttributeName { attribute: name.local }),
            }
        }
        if let Some(new) = self.scope.get_mut(outer..) {
            new.sort_unstable();
        }
        for at in outer..self.scope.len() {
            let Some((prefix, namespace)) = self.scope.get(at).copied() else { break };
            self.push_declaration(prefix, namespace)?;
        }
        for (prefix, namespace) in prefixes {
            match self.meaning(prefix) {
                Some(meaning) if meaning == *namespace => {}
                Some(_) => return Err(WriteError::PrefixTaken { prefix }),
                None => {
                    let start = self.out.len();
                    self.push_declaration(prefix, namespace)?;
                    self.undigested.push(start..self.out.len());
                }
            }
        }
        let key = |attribute: &&Attribute<'_>| (attribute.name.namespace, attribute.name.local);
        if written.clone().is_sorted_by(|one, two| key(one) < key(two)) {
            written.clone().try_for_each(|attribute| self.push_attribute(attribute))?;
        } else {
            let mut sorted: Vec<&Attribute<'_>> = written.collect();
            sorted.sort_unstable_by_key(key);
            if let Some([twice, _]) = sorted.windows(2).find(|pair| matches!(pair, [one, two] if key(one) == key(two)))
            {
                return Err(WriteError::DuplicateAttribute { attribute: twice.name.local });
            }
            sorted.into_iter().try_for_each(|attribute| self.push_attribute(attribute))?;
        }
        self.out.push(b'>');
        Ok(())
    }

    /// Adds the declaration a name needs to the scope, unless it is there.
    fn bring_into_scope(&mut self, name: &Name, outer: usize) -> Result<(), WriteError> {
        // Bound to its namespace everywhere; canonical XML never declares it.
        if name.prefix == "xml" {
            return if name.namespace == XML { Ok(()) } else { Err(WriteError::PrefixTaken { prefix: name.prefix }) };
        }
        // Names are constants, and most elements have the prefix declared last: two pointers settle it.
        if let Some((prefix, namespace)) = self.scope.last()
            && std::ptr::eq(*prefix, name.prefix)
            && std::ptr::eq(*namespace, name.namespace)
        {
            return Ok(());
        }
        match self.meaning(name.prefix) {
            Some(meaning) if meaning == name.namespace => return Ok(()),
            None if name.prefix.is_empty() && name.namespace.is_empty() => return Ok(()),
            _ => {}
        }
        if !name.prefix.is_empty() && name.namespace.is_empty() {
            return Err(WriteError::PrefixTaken { prefix: name.prefix });
        }
        if name.prefix == "xml"
            || self.scope.get(outer..).unwrap_or_default().iter().any(|(prefix, _)| *prefix == name.prefix)
        {
            return Err(WriteError::PrefixTaken { prefix: name.prefix });
        }
        self.scope.push((name.prefix, name.namespace));
        Ok(())
    }

    /// What a prefix means here. `xml` always has its meaning, and canonical XML never declares it.
    fn meaning(&self, prefix: &str) -> Option<&'static str> {
        if prefix == "xml" {
            return Some(crate::xml::namespace::XML);
        }
        self.scope.iter().rev().find(|(known, _)| *known == prefix).map(|(_, namespace)| *namespace)
    }

    fn push_declaration(&mut self, prefix: &'static str, namespace: &str) -> Result<(), WriteError> {
        self.out.extend_from_slice(b" xmlns");
        if !prefix.is_empty() {
            self.out.push(b':');
            self.out.extend_from_slice(prefix.as_bytes());
        }
        self.out.extend_from_slice(b"=\"");
        escape::push(&mut self.out, namespace, Place::Attribute).map_err(|illegal| illegal.in_attribute("xmlns"))?;
        self.out.push(b'"');
        Ok(())
    }

    fn push_attribute(&mut self, attribute: &Attribute<'_>) -> Result<(), WriteError> {
        let Some(value) = attribute.value else { return Ok(()) };
        self.out.push(b' ');
        self.push_name(&attribute.name);
        self.out.extend_from_slice(b"=\"");
        escape::push(&mut self.out, value, Place::Attribute)
            .map_err(|illegal| illegal.in_attribute(attribute.name.local))?;
        self.out.push(b'"');
        Ok(())
    }

    fn push_name(&mut self, name: &Name) {
        if !name.prefix.is_empty() {
            self.out.extend_from_slice(name.prefix.as_bytes());
            self.out.push(b':');
        }
        self.out.extend_from_slice(name.local.as_bytes());
    }

    fn text(&mut self, element: &Name, text: &str) -> Result<(), WriteError> {
        escape::push(&mut self.out, text, Place::Text).map_err(|illegal| illegal.in_element(element.local))
    }

    fn one_root(&self) -> Result<(), WriteError> {
        if self.depth == 0 && !self.out.is_empty() { Err(WriteError::SecondRoot) } else { Ok(()) }
    }
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

/// A document with a place for the signature of its root element.
#[derive(Debug)]
pub struct Unsigned {
    pub(super) octets: Vec<u8>,
    pub(super) place: usize,
    pub(super) undigested: Vec<Range<usize>>,
}

/// Why something could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A text holds a character that XML 1.0 does not allow.
    #[error("{place} holds U+{:04X}, which XML does not allow", u32::from(*character))]
    IllegalCharacter {
        /// Local name of the element or attribute.
        place: &'static str,
        /// The character.
        character: char,
    },
    /// A prefix would have to mean two things in one place.
    #[error("the prefix {prefix} means something else here")]
    PrefixTaken {
        /// The prefix.
        prefix: &'static str,
    },
    /// An attribute's name has a prefix without a namespace or a namespace without a prefix.
    #[error("the attribute {attribute} has a namespace without a prefix or a prefix without a namespace")]
    AttributeName {
        /// Its local name.
        attribute: &'static str,
    },
    /// An element got the same attribute twice.
    #[error("the attribute {attribute} is given twice")]
    DuplicateAttribute {
        /// Its local name.
        attribute: &'static str,
    },
    /// A second element beside the root.
    #[error("a document has one root element")]
    SecondRoot,
    /// Nothing was written.
    #[error("nothing was written")]
    NoRoot,
    /// The place of the signature is not marked, marked twice, or not directly inside the root.
    #[error("the place of the signature is missing, given twice or not directly inside the root")]
    SignaturePlace,
}

/// Appends base64 with the standard alphabet and padding, without line breaks.
pub(super) fn push_base64(out: &mut Vec<u8>, octets: &[u8]) {
    let start = out.len();
    let length = base64::encoded_len(octets.len(), true).unwrap_or(0);
    out.resize(start + length, 0);
    if let Some(room) = out.get_mut(start..) {
        // The room is exactly what encoded_len said.
        let written = BASE64.encode_slice(octets, room);
        debug_assert_eq!(written.ok(), Some(length));
    }
}
