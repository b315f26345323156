//! Why a document was refused, or did not have the shape its reader wanted.

/// Why XML was refused. `offset` is the octet of the input, from 0, where the construct begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Larger than [`Limits::octets`](super::Limits::octets).
    #[error("the document has {octets} octets, more than {limit}")]
    TooLarge {
        /// Its size.
        octets: usize,
        /// The limit.
        limit: usize,
    },
    /// The octets are UTF-16, or the declaration names an encoding other than UTF-8.
    #[error("the document is not in UTF-8 but in {encoding}")]
    Encoding {
        /// The encoding it claims.
        encoding: String,
    },
    /// Not UTF-8.
    #[error("octet {offset} is not UTF-8")]
    NotUtf8 {
        /// Where.
        offset: usize,
    },
    /// A character that XML 1.0 does not allow.
    #[error("U+{:04X} at octet {offset} is not allowed in XML", u32::from(*character))]
    IllegalCharacter {
        /// Where.
        offset: usize,
        /// Which.
        character: char,
    },
    /// A document type declaration.
    #[error("DOCTYPE at octet {offset}")]
    Doctype {
        /// Where.
        offset: usize,
    },
    /// A processing instruction.
    #[error("processing instruction at octet {offset}")]
    ProcessingInstruction {
        /// Where.
        offset: usize,
    },
    /// An XML declaration that is not at the start, or says something other than version 1.0.
    #[error("XML declaration at octet {offset} is misplaced or malformed")]
    Declaration {
        /// Where.
        offset: usize,
    },
    /// A comment where none is allowed.
    #[error("comment at octet {offset}")]
    Comment {
        /// Where.
        offset: usize,
    },
    /// A reference to an entity that is not predefined, or to a character that does not exist.
    #[error("reference at octet {offset} is not one of the predefined entities or a character")]
    Reference {
        /// Where; of an attribute, where its element begins.
        offset: usize,
    },
    /// Text, CDATA or a second element outside the root element.
    #[error("content outside the root element at octet {offset}")]
    OutsideRoot {
        /// Where.
        offset: usize,
    },
    /// There is no root element.
    #[error("there is no root element")]
    NoRoot,
    /// The document ends inside an element.
    #[error("the document ends before its root element does")]
    Truncated,
    /// Nested deeper than allowed.
    #[error("elements are nested deeper than {limit} at octet {offset}")]
    TooDeep {
        /// Where.
        offset: usize,
        /// The limit.
        limit: usize,
    },
    /// More elements than allowed.
    #[error("more than {limit} elements")]
    TooManyElements {
        /// The limit.
        limit: usize,
    },
    /// An element has more attributes than allowed.
    #[error("the element at octet {offset} has more than {limit} attributes")]
    TooManyAttributes {
        /// Where the element begins.
        offset: usize,
        /// The limit.
        limit: usize,
    },
    /// More namespace declarations in scope than allowed.
    #[error("more than {limit} namespace declarations at octet {offset}")]
    TooManyDeclarations {
        /// Where the element begins.
        offset: usize,
        /// The limit.
        limit: usize,
    },
    /// A name that is no qualified name, or too long.
    #[error("the element at octet {offset} has a malformed name")]
    Name {
        /// Where the element begins.
        offset: usize,
    },
    /// Attributes that do not follow the grammar.
    #[error("the element at octet {offset} has malformed attributes")]
    Attributes {
        /// Where the element begins.
        offset: usize,
    },
    /// Two attributes of one element with the same expanded name.
    #[error("the element at octet {offset} has two attributes {name}")]
    DuplicateAttribute {
        /// Where the element begins.
        offset: usize,
        /// The local name.
        name: String,
    },
    /// A prefix that is not declared.
    #[error("the prefix {prefix} at octet {offset} is not declared")]
    UndeclaredPrefix {
        /// Where the element begins.
        offset: usize,
        /// The prefix.
        prefix: String,
    },
    /// A declaration that Namespaces in XML forbids.
    #[error("the element at octet {offset} declares the prefix {prefix} in a way that is not allowed")]
    ReservedNamespace {
        /// Where the element begins.
        offset: usize,
        /// The prefix.
        prefix: String,
    },
    /// Tags that do not match, are not closed, or cannot be read.
    #[error("malformed XML at octet {offset}: {reason}")]
    Malformed {
        /// Where.
        offset: usize,
        /// The tokeniser's words.
        reason: String,
    },
    /// A child element that must be there is not.
    #[error("{parent} has no {child}")]
    Missing {
        /// The parent's local name.
        parent: String,
        /// The child's local name.
        child: String,
    },
    /// A child element that may stand once stands more than once.
    #[error("{parent} has more than one {child}")]
    Repeated {
        /// The parent's local name.
        parent: String,
        /// The child's local name.
        child: String,
    },
    /// An element that must hold text only has child elements.
    #[error("{element} has child elements where text is expected")]
    NotText {
        /// Its local name.
        element: String,
    },
}
