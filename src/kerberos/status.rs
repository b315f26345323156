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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_librarys_header() {
        for (code, in_header) in [
            (KDC_NAME_EXPIRED, -1_765_328_383),
            (KDC_C_PRINCIPAL_UNKNOWN, -1_765_328_378),
            (KDC_S_PRINCIPAL_UNKNOWN, -1_765_328_377),
            (KDC_POLICY, -1_765_328_372),
            (KDC_CLIENT_REVOKED, -1_765_328_366),
            (KDC_CLIENT_NOTYET, -1_765_328_363),
            (KDC_KEY_EXPIRED, -1_765_328_361),
            (KDC_PREAUTH_FAILED, -1_765_328_360),
            (KDC_SVC_UNAVAILABLE, -1_765_328_355),
            (AP_ERR_BAD_INTEGRITY, -1_765_328_353),
            (AP_ERR_TKT_EXPIRED, -1_765_328_352),
            (AP_ERR_TKT_NYV, -1_765_328_351),
            (AP_ERR_REPEAT, -1_765_328_350),
            (AP_ERR_NOT_US, -1_765_328_349),
            (AP_ERR_SKEW, -1_765_328_347),
            (AP_ERR_MODIFIED, -1_765_328_343),
            (AP_ERR_BADKEYVER, -1_765_328_340),
            (AP_ERR_NOKEY, -1_765_328_339),
            (KDC_WRONG_REALM, -1_765_328_316),
            (AP_WRONG_PRINC, -1_765_328_240),
            (PRINC_NOMATCH, -1_765_328_238),
            (KDCREP_SKEW, -1_765_328_236),
            (PROG_ETYPE_NOSUPP, -1_765_328_234),
            (WRONG_ETYPE, -1_765_328_232),
            (REALM_UNKNOWN, -1_765_328_230),
            (KDC_UNREACH, -1_765_328_228),
            (KT_NOTFOUND, -1_765_328_203),
            (PREAUTH_FAILED, -1_765_328_174),
            (REALM_CANT_RESOLVE, -1_765_328_164),
            (KT_KVNONOTFOUND, -1_765_328_154),
            (NOPERM_ETYPE, -1_765_328_148),
        ] {
            assert_eq!(code, in_header);
        }
    }
}
