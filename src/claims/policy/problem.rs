//! What is wrong with a policy or its parameters.

/// A problem and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblem {
    /// Where.
    pub place: PolicyPlace,
    /// What.
    pub kind: PolicyProblemKind,
}

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyPlace {
    /// In the policy: path of the key within it, such as `permit.0.when.groups.1`; empty for the policy itself.
    Policy(String),
    /// In what the trust gives.
    Parameter {
        /// Name as it was given; empty when the parameter is missing.
        name: String,
        /// Place among its values.
        index: Option<usize>,
    },
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblemKind {
    /// A name that other names cannot be told from, or that no rule can hold.
    #[error("`{name}` is no name for a policy")]
    Name {
        /// The name.
        name: String,
    },
    /// A policy without permits.
    #[error("the policy permits nobody: it has no permit")]
    NoPermit,
    /// A list with nothing in it.
    #[error("the list is empty, so the condition never holds")]
    EmptyList,
    /// An exception without conditions.
    #[error("an exception without conditions cancels the permit for everybody")]
    EmptyException,
    /// No SID and no group name.
    #[error("`{value}` is neither a SID nor a group name")]
    Group {
        /// The text.
        value: String,
    },
    /// No network.
    #[error("`{value}` is no network")]
    Network {
        /// The text.
        value: String,
    },
    /// A network whose address has bits beyond its prefix.
    #[error("`{value}` is an address within a network, not the network")]
    HostBits {
        /// The text.
        value: String,
        /// The network it lies in.
        network: String,
    },
    /// A text no rule string can hold.
    #[error("`{value}` holds a quotation mark or a line end, which no claim rule can express")]
    Unwritable {
        /// The text.
        value: String,
    },
    /// A claim test without a type.
    #[error("the claim type is empty")]
    NoClaimType,
    /// A number of values that the operator cannot have.
    #[error("`{operator}` needs {needs}, and there are {found} values")]
    ValueCount {
        /// The operator.
        operator: &'static str,
        /// What it needs.
        needs: &'static str,
        /// How many there are.
        found: usize,
    },
    /// A regular expression that cannot be used.
    #[error("the regular expression cannot be used: {reason}")]
    Pattern {
        /// Why.
        reason: String,
    },
    /// A parameter of the policy that the trust does not give.
    #[error("the policy `{policy}` needs the parameter `{name}`")]
    MissingParameter {
        /// The policy.
        policy: String,
        /// The parameter.
        name: String,
    },
    /// A parameter that the policy does not have.
    #[error("the policy `{policy}` has no parameter `{name}`")]
    UnknownParameter {
        /// The policy.
        policy: String,
        /// The parameter.
        name: String,
        /// The parameters it has.
        known: Vec<String>,
    },
    /// The same parameter under two names.
    #[error("the parameter `{name}` is given twice")]
    RepeatedParameter {
        /// The parameter.
        name: String,
    },
    /// The rules made of the policy do not compile.
    #[error("the rules of the policy do not compile: {reason}")]
    Rules {
        /// Why.
        reason: String,
    },
}

impl PolicyProblemKind {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Name { .. } => {
                String::from("use letters, digits, blanks, `-` and `_`, and no name of a built-in policy")
            }
            Self::NoPermit => String::from("add `[[access_control_policies.permit]]`"),
            Self::EmptyList => String::from("list at least one, or leave the key out"),
            Self::EmptyException => String::from("write the exception's conditions, or remove it"),
            Self::Group { .. } => String::from(
                "write a SID like `S-1-5-21-1004336348-1177238915-682003330-1110`, or `'DOMAIN\\name'` in single quotes",
            ),
            Self::Network { .. } => String::from("write address and prefix, like `203.0.113.0/24` or `2001:db8::/32`"),
            Self::HostBits { network, .. } => format!("write `{network}`, or the address with its full prefix"),
            Self::Unwritable { .. } => String::from("remove it; a regular expression can write it as \\x22"),
            Self::NoClaimType => String::from("write the type's URI"),
            Self::ValueCount { .. } | Self::Pattern { .. } | Self::Rules { .. } => String::new(),
            Self::MissingParameter { name, .. } => {
                format!("add `access_control_policy_parameters = {{ {name} = [\"…\"] }}`")
            }
            Self::UnknownParameter { known, .. } => match known.as_slice() {
                [] => String::from("it has none: remove `access_control_policy_parameters`"),
                known => format!("it has `{}`", known.join("`, `")),
            },
            Self::RepeatedParameter { .. } => String::from("keep one of the two"),
        }
    }
}
