//! Claims about the certificate and the device of a sign-in (claims.md 4.4 and 4.5).

use crate::authn::DeviceContext;
use crate::authn::certificate::CertificateContext;
use crate::claims::types::{self, issuer, value_type};
use crate::claims::{Claim, Text};

/// Claims about the certificate that the subject signed in with, stated by the authority that accepted it. None when the
/// certificate cannot be read, which validation rules out.
pub(super) fn certificate_claims(certificate: &CertificateContext, authority: &Text) -> Vec<Claim> {
    let Ok(fields) = certificate.fields() else { return Vec::new() };
    let mut claims = Vec::with_capacity(28);
    let mut add = |claim_type: &str, value: String| claims.push(Claim::new(claim_type, value, authority.clone()));
    add(types::CERTIFICATE_VERSION, fields.version);
    add(types::CERTIFICATE_SIGNATURE_ALGORITHM, fields.signature_algorithm);
    add(types::CERTIFICATE_ISSUER, fields.issuer.clone());
    add(types::CERTIFICATE_ISSUER_NAME, fields.issuer);
    add(types::CERTIFICATE_NOT_BEFORE, fields.not_before);
    add(types::CERTIFICATE_NOT_AFTER, fields.not_after);
    add(types::CERTIFICATE_SUBJECT, fields.subject.clone());
    add(types::CERTIFICATE_SUBJECT_NAME, fields.subject);
    add(types::CERTIFICATE_SERIAL_NUMBER, fields.serial_number);
    add(types::CERTIFICATE_THUMBPRINT, fields.thumbprint);
    add(types::CERTIFICATE_PUBLIC_KEY, fields.public_key);
    for (claim_type, values) in [
        (types::CERTIFICATE_KEY_USAGE, fields.key_usages),
        (types::CERTIFICATE_ENHANCED_KEY_USAGE, fields.enhanced_key_usages),
        (types::CERTIFICATE_POLICY, fields.certificate_policies),
        (types::CERTIFICATE_APPLICATION_POLICY, fields.application_policies),
    ] {
        for value in values {
            add(claim_type, value);
        }
    }
    for (claim_type, value) in [
        (types::CERTIFICATE_SUBJECT_KEY_IDENTIFIER, fields.subject_key_identifier),
        (types::CERTIFICATE_AUTHORITY_KEY_IDENTIFIER, fields.authority_key_identifier),
        (types::CERTIFICATE_BASIC_CONSTRAINTS, fields.basic_constraints),
        (types::CERTIFICATE_ALTERNATIVE_NAME, fields.subject_alternative_name),
        (types::CERTIFICATE_TEMPLATE_NAME, fields.template_name),
        (types::CERTIFICATE_TEMPLATE_INFORMATION, fields.template_information),
    ] {
        if let Some(value) = value {
            add(claim_type, value);
        }
    }
    claims.push(
        Claim::new(types::CERTIFICATE_RAW_DATA, certificate.to_base64(), authority.clone())
            .with_value_type(value_type::BASE64),
    );
    claims
}

/// Claims about a registered device, stated by this farm. What nobody knows of it makes no claim.
pub(super) fn device_claims(device: &DeviceContext) -> Vec<Claim> {
    let farm = Text::from(issuer::SELF_AUTHORITY);
    let claim = |claim_type: &str, value: String| Claim::new(claim_type, value, farm.clone());
    let truth = |claim_type: &str, value: bool| {
        claim(claim_type, String::from(if value { "true" } else { "false" })).with_value_type(value_type::BOOLEAN)
    };
    let mut claims = vec![
        claim(types::DEVICE_IDENTIFIER, device.id.0.to_string()),
        truth(types::DEVICE_IS_KNOWN, device.is_known),
        truth(types::DEVICE_IS_REGISTERED_USER, device.is_registered_user),
    ];
    if device.by_primary_refresh_token {
        claims.push(truth(types::PRIMARY_REFRESH_TOKEN, true));
    }
    claims.extend(device.is_managed.map(|managed| truth(types::DEVICE_IS_MANAGED, managed)));
    claims.extend(device.is_compliant.map(|compliant| truth(types::DEVICE_IS_COMPLIANT, compliant)));
    let texts = [
        (types::DEVICE_REGISTRATION_ID, &device.registration_id),
        (types::DEVICE_DISPLAY_NAME, &device.display_name),
        (types::DEVICE_OS_TYPE, &device.os_type),
        (types::DEVICE_OS_VERSION, &device.os_version),
        (types::DEVICE_TRUST_TYPE, &device.trust_type),
    ];
    claims.extend(texts.into_iter().filter_map(|(claim_type, text)| Some(claim(claim_type, text.clone()?))));
    claims.extend(
        device
            .last_used
            .map(|time| claim(types::DEVICE_USAGE_TIME, time.to_xml()).with_value_type(value_type::DATE_TIME)),
    );
    claims
}
