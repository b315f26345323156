//! The kinds of registration, by the numbers and names that clients and administrators know.

/// How a device asks to be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinType {
    /// 0: a device joined to the cloud.
    DeviceJoin,
    /// 1: the same, with its user.
    DeviceUserJoin,
    /// 2: renewal of the first.
    DeviceRenew,
    /// 3: renewal of the second.
    DeviceUserRenew,
    /// 4: a user's own device.
    WorkplaceJoin,
    /// 5: renewal of it.
    WorkplaceRenew,
    /// 6: a domain-joined computer.
    DomainJoin,
    /// 7: the end of a registration.
    UnJoin,
    /// No number: a user's own device by SOAP enrolment, as Windows 7 and 8.1 register.
    Enrolment,
}

impl JoinType {
    /// The type of a number in a join request.
    pub fn from_number(number: u64) -> Option<Self> {
        let known = [
            Self::DeviceJoin,
            Self::DeviceUserJoin,
            Self::DeviceRenew,
            Self::DeviceUserRenew,
            Self::WorkplaceJoin,
            Self::WorkplaceRenew,
            Self::DomainJoin,
            Self::UnJoin,
        ];
        known.get(usize::try_from(number).ok()?).copied()
    }

    /// Its name, as error messages and the audit log have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeviceJoin => "DeviceJoin",
            Self::DeviceUserJoin => "DeviceUserJoin",
            Self::DeviceRenew => "DeviceRenew",
            Self::DeviceUserRenew => "DeviceUserRenew",
            Self::WorkplaceJoin => "WorkplaceJoin",
            Self::WorkplaceRenew => "WorkplaceRenew",
            Self::DomainJoin => "DomainJoin",
            Self::UnJoin => "UnJoin",
            Self::Enrolment => "Enrollment",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(JoinType::from_number(6), Some(JoinType::DomainJoin));
        assert_eq!(JoinType::from_number(4), Some(JoinType::WorkplaceJoin));
        assert_eq!(JoinType::from_number(7), Some(JoinType::UnJoin));
        assert_eq!(JoinType::from_number(8), None);
        assert_eq!(JoinType::from_number(u64::MAX), None);
    }
}
