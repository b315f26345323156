//! The tree a document becomes, and the questions decoders ask of it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::{Limits, ReadError, parse};

/// A parsed document; borrows its text from the input.
pub struct Document<'i> {
    pub(super) nodes: Vec<Node<'i>>,
    pub(super) attributes: Vec<Attribute<'i>>,
    pub(super) namespaces: Vec<Cow<'i, str>>,
}

impl<'i> Document<'i> {
    /// Parses a whole document.
    ///
    /// # Errors
    /// [`ReadError`] for anything that is not well-formed, not allowed here, or beyond `limits`.
    pub fn parse(input: &'i [u8], limits: &Limits) -> Result<Self, ReadError> {
        parse::parse(input, limits)
    }

    /// The root element.
    pub fn root(&self) -> Element<'_, 'i> {
        Element { document: self, index: 0 }
    }

    /// Every element, in document order.
    pub fn elements(&self) -> impl Iterator<Item = Element<'_, 'i>> {
        (0..self.nodes.len()).map(|index| Element { document: self, index })
    }

    fn node(&self, index: usize) -> &Node<'i> {
        // Indices are made by the parser and never leave this module.
        self.nodes.get(index).unwrap_or(&Node::EMPTY)
    }

    fn namespace(&self, index: u16) -> &str {
        self.namespaces.get(usize::from(index)).map_or("", |uri| &**uri)
    }
}

impl fmt::Debug for Document<'_> {
    /// Names only: text may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("root", &self.root()).field("elements", &self.nodes.len()).finish()
    }
}

/// One element of a [`Document`].
#[derive(Clone, Copy)]
pub struct Element<'d, 'i> {
    document: &'d Document<'i>,
    index: usize,
}

impl<'d, 'i> Element<'d, 'i> {
    /// Namespace URI; empty when the element is in no namespace.
    pub fn namespace(&self) -> &'d str {
        self.document.namespace(self.node().namespace)
    }

    /// Local name.
    pub fn local(&self) -> &'i str {
        self.node().local
    }

    /// Namespace URI and local name.
    pub fn name(&self) -> (&'d str, &'i str) {
        (self.namespace(), self.local())
    }

    /// Whether the element has this expanded name.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.local() == local && self.namespace() == namespace
    }

    /// Value of the attribute of this name in no namespace.
    pub fn attribute(&self, local: &str) -> Option<&'d str> {
        self.attribute_ns("", local)
    }

    /// Value of the attribute of this expanded name.
    pub fn attribute_ns(&self, namespace: &str, local: &str) -> Option<&'d str> {
        self.attributes().find(|(name, _)| *name == (namespace, local)).map(|(_, value)| value)
    }

    /// All attributes as ((namespace, local name), value), namespace declarations left out.
    pub fn attributes(&self) -> impl Iterator<Item = ((&'d str, &'i str), &'d str)> + use<'d, 'i> {
        let document = self.document;
        let node = self.node();
        let first = node.first_attribute as usize;
        document
            .attributes
            .get(first..first + usize::from(node.attribute_count))
            .unwrap_or_default()
            .iter()
            .map(|attribute| ((document.namespace(attribute.namespace), attribute.local), &*attribute.value))
    }

    /// Child elements in order.
    pub fn children(&self) -> Children<'d, 'i> {
        Children { document: self.document, next: self.node().first_child }
    }

    /// Child elements of this expanded name, in order.
    pub fn children_named(&self, namespace: &str, local: &str) -> impl Iterator<Item = Self> {
        self.children().filter(move |child| child.is(namespace, local))
    }

    /// The first child of this expanded name. Where a second one must not be overlooked, use [`Element::only_child`].
    pub fn child(&self, namespace: &str, local: &str) -> Option<Self> {
        self.children_named(namespace, local).next()
    }

    /// The child of this expanded name, which may stand at most once.
    ///
    /// # Errors
    /// [`ReadError::Repeated`] when there are two.
    pub fn only_child(&self, namespace: &str, local: &str) -> Result<Option<Self>, ReadError> {
        let mut found = self.children_named(namespace, local);
        let first = found.next();
        if found.next().is_some() {
            return Err(ReadError::Repeated { parent: self.local().to_owned(), child: local.to_owned() });
        }
        Ok(first)
    }

    /// The child of this expanded name, which must stand exactly once.
    ///
    /// # Errors
    /// [`ReadError::Missing`] and [`ReadError::Repeated`].
    pub fn required_child(&self, namespace: &str, local: &str) -> Result<Self, ReadError> {
        self.only_child(namespace, local)?
            .ok_or_else(|| ReadError::Missing { parent: self.local().to_owned(), child: local.to_owned() })
    }

    /// The element's text, all pieces joined, white space as it stands.
    ///
    /// # Errors
    /// [`ReadError::NotText`] when the element has child elements.
    pub fn text(&self) -> Result<&'d str, ReadError> {
        if self.node().first_child != NONE {
            return Err(ReadError::NotText { element: self.local().to_owned() });
        }
        Ok(&self.node().text)
    }

    /// Text of the child of this expanded name, which may stand at most once.
    ///
    /// # Errors
    /// As [`Element::only_child`] and [`Element::text`].
    pub fn child_text(&self, namespace: &str, local: &str) -> Result<Option<&'d str>, ReadError> {
        self.only_child(namespace, local)?.map(|child| child.text()).transpose()
    }

    /// Whether text other than white space stands between the element's child elements.
    pub fn has_mixed_content(&self) -> bool {
        self.node().mixed
    }

    /// Where the element stands in the input, from its `<` to after its last `>`.
    pub fn span(&self) -> Range<usize> {
        self.node().span.clone()
    }

    fn node(&self) -> &'d Node<'i> {
        self.document.node(self.index)
    }
}

impl PartialEq for Element<'_, '_> {
    /// Whether both are the same element of the same document.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(std::ptr::from_ref(self.document).cast::<()>(), std::ptr::from_ref(other.document).cast::<()>())
            && self.index == other.index
    }
}

impl Eq for Element<'_, '_> {}

impl fmt::Debug for Element<'_, '_> {
    /// The name only: text may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}{}", self.namespace(), self.local())
    }
}

/// Child elements in order.
#[derive(Debug, Clone)]
pub struct Children<'d, 'i> {
    document: &'d Document<'i>,
    next: u32,
}

impl<'d, 'i> Iterator for Children<'d, 'i> {
    type Item = Element<'d, 'i>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == NONE {
            return None;
        }
        let element = Element { document: self.document, index: self.next as usize };
        self.next = element.node().next_sibling;
        Some(element)
    }
}

pub(super) struct Node<'i> {
    pub(super) namespace: u16,
    pub(super) attribute_count: u16,
    pub(super) first_attribute: u32,
    pub(super) first_child: u32,
    pub(super) next_sibling: u32,
    pub(super) mixed: bool,
    pub(super) local: &'i str,
    /// Text of an element without child elements.
    pub(super) text: Cow<'i, str>,
    pub(super) span: Range<usize>,
}

impl Node<'_> {
    const EMPTY: Self = Self {
        namespace: 0,
        attribute_count: 0,
        first_attribute: 0,
        first_child: NONE,
        next_sibling: NONE,
        mixed: false,
        local: "",
        text: Cow::Borrowed(""),
        span: 0..0,
    };
}

pub(super) struct Attribute<'i> {
    pub(super) namespace: u16,
    pub(super) local: &'i str,
    pub(super) value: Cow<'i, str>,
}

/// Index that names no node.
pub(super) const NONE: u32 = u32::MAX;
