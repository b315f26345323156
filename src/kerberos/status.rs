//! Error codes of the Kerberos library (`krb5.h`), as GSSAPI's minor status has them.
//!
//! Those of the protocol (RFC 4120 7.5.9) are its numbers above one base; the others are the library's own.

/// Base of the library's error table: code 0 of RFC 4120.
const BASE: i32 = -1_765_328_384;

pub(super) const KDC_NAME_EXPIRED: i32 = BASE + 1;
pub(super) const KDC_C_PRINCIPAL_UNKNOWN: i32 = BASE + 6;
pub(super) const KDC_S_PRINCIPAL_UNKNOWN: i32 = BASE + 7;
pub(super) const KDC_POLICY: i32 = BASE + 12;
pub(super) const KDC_CLIENT_REVOKED: i32 = BASE + 18;
pub(super) const KDC_CLIENT_NOTYET: i32 = BASE + 21;
pub(super) const KDC_KEY_EXPIRED: i32 = BASE + 23;
pub(super) const KDC_PREAUTH_FAILED: i32 = BASE + 24;
pub(super) const KDC_SVC_UNAVAILABLE: i32 = BASE + 29;
pub(super) const AP_ERR_BAD_INTEGRITY: i32 = BASE + 31;
pub(super) const AP_ERR_TKT_EXPIRED: i32 = BASE + 32;
pub(super) const AP_ERR_TKT_NYV: i32 = BASE + 33;
pub(super) const AP_ERR_REPEAT: i32 = BASE + 34;
pub(super) const AP_ERR_NOT_US: i32 = BASE + 35;
pub(super) const AP_ERR_SKEW: i32 = BASE + 37;
pub(super) const AP_ERR_MODIFIED: i32 = BASE + 41;
pub(super) const AP_ERR_BADKEYVER: i32 = BASE + 44;
pub(super) const AP_ERR_NOKEY: i32 = BASE + 45;
pub(super) const KDC_WRONG_REALM: i32 = BASE + 68;
pub(super) const AP_WRONG_PRINC: i32 = -1_765_328_240;
pub(super) const PRINC_NOMATCH: i32 = -1_765_328_238;
pub(super) const KDCREP_SKEW: i32 = -1_765_328_236;
pub(super) const PROG_ETYPE_NOSUPP: i32 = -1_765_328_234;
pub(super) const WRONG_ETYPE: i32 = -1_765_328_232;
pub(super) const REALM_UNKNOWN: i32 = -1_765_328_230;
pub(super) const KDC_UNREACH: i32 = -1_765_328_228;
pub(super) const KT_NOTFOUND: i32 = -1_765_328_203;
pub(super) const PREAUTH_FAILED: i32 = -1_765_328_174;
pub(super) const REALM_CANT_RESOLVE: i32 = -1_765_328_164;
pub(super) const KT_KVNONOTFOUND: i32 = -1_765_328_154;
pub(super) const NOPERM_ETYPE: i32 = -1_765_328_148;
