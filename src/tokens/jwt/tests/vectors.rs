//! Examples that the specifications publish, as they stand there.

use crate::tokens::jwt::jws::Jws;
use crate::tokens::jwt::key::RsaPublicKey;

use super::*;

/// RFC 7515, appendix A.2.
const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs\
    D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qC\
    o5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
    cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAyn\
    RFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnv\
    Wh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

#[test]
fn the_signature_of_rfc_7515_is_good_and_no_other() {
    let octets = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let key = RsaPublicKey::from_components(&octets(MODULUS), &octets("AQAB")).unwrap();
    let payload = Jws::parse(TOKEN).unwrap().verify_rs256(&key).unwrap();
    assert_eq!(
        (payload.text("iss"), payload.required_time("exp").unwrap().unix_seconds()),
        (Some("joe"), 1_300_819_380)
    );
    let altered = TOKEN.replacen("7Rw", "7Rg", 1);
    assert!(Jws::parse(&altered).and_then(|jws| jws.verify_rs256(&key)).is_err());
}
