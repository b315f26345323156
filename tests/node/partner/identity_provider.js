// A partner's identity provider of SAML 2.0: samlify in a small Express application, over HTTPS.
//
// Input: {"address", "origin", "certificate", "key", "signingCertificate", "signingKey", "serviceProvider", "encrypted", "forms"}, one
// line of JSON; serviceProvider is that one's metadata, encrypted says what of an answer is: nothing, assertion or attribute, and forms
// whether it takes HTTP POST only, sign-out with it. Says "ready" when it listens, and ends with its input. Its user is dora
// (Campus-Pw-1). /metadata is its metadata, /session says whether somebody is signed in, /leave begins a sign-out; a message whose
// signature is not good is answered with status 400.
"use strict";

const crypto = require("crypto");
const https = require("https");
const fs = require("fs");
const readline = require("readline");
const zlib = require("zlib");
const express = require("express");
const samlify = require("samlify");
const encryption = require("@authenio/xml-encryption");

// No schemas are read: whoever gets what is made here verifies it.
samlify.setSchemaValidator({ validate: () => Promise.resolve("not validated") });

const REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
const MINUTE = 60_000;

const RESPONSE = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" \
ID="{ID}" Version="2.0" IssueInstant="{Now}" Destination="{Place}" InResponseTo="{Request}"><saml:Issuer>{Issuer}</saml:Issuer>\
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>\
<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{AssertionID}" Version="2.0" IssueInstant="{Now}">\
<saml:Issuer>{Issuer}</saml:Issuer><saml:Subject>\
<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{User}</saml:NameID>\
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">\
<saml:SubjectConfirmationData NotOnOrAfter="{End}" Recipient="{Place}" InResponseTo="{Request}"/></saml:SubjectConfirmation></saml:Subject>\
<saml:Conditions NotBefore="{Now}" NotOnOrAfter="{End}"><saml:AudienceRestriction><saml:Audience>{Audience}</saml:Audience>\
</saml:AudienceRestriction></saml:Conditions>\
<saml:AuthnStatement AuthnInstant="{Since}" SessionIndex="{AssertionID}"><saml:AuthnContext><saml:AuthnContextClassRef>\
urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>\
<saml:AttributeStatement>{Attribute}</saml:AttributeStatement></saml:Assertion></samlp:Response>`;

const attribute = (user) => `<saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Name="${UPN}">\
<saml:AttributeValue>${user}@campus.example</saml:AttributeValue></saml:Attribute>`;
const ALGORITHMS = {
  dataEncryptionAlgorithm: "http://www.w3.org/2009/xmlenc11#aes256-gcm",
  keyEncryptionAlgorithm: "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
};

// saml:EncryptedAttribute for the one certificate that the service provider's metadata has for encryption.
function encryptedAttribute(serviceProvider, user) {
  const certificate = serviceProvider.entityMeta.getX509Certificate("encryption");
  const pem = `-----BEGIN CERTIFICATE-----\n${certificate.replace(/\s/g, "").match(/.{1,64}/g).join("\n")}\n-----END CERTIFICATE-----\n`;
  const options = {
    rsa_pub: crypto.createPublicKey(pem).export({ type: "spki", format: "pem" }),
    pem,
    encryptionAlgorithm: ALGORITHMS.dataEncryptionAlgorithm,
    keyEncryptionAlgorithm: ALGORITHMS.keyEncryptionAlgorithm,
  };
  return new Promise((resolve, reject) => encryption.encrypt(attribute(user), options, (error, data) =>
    error ? reject(error) : resolve(`<saml:EncryptedAttribute>${data}</saml:EncryptedAttribute>`)));
}

const page = (title, body) =>
  `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body>${body}</body></html>`;
const escape = (text) => text.replace(/[&<>"]/g, (found) => `&#${found.charCodeAt(0)};`);
const hidden = (name, value) => `<input type="hidden" name="${name}" value="${escape(value)}">`;

function application(settings) {
  const identityProvider = samlify.IdentityProvider({
    entityID: `${settings.origin}/metadata`,
    privateKey: fs.readFileSync(settings.signingKey),
    signingCert: fs.readFileSync(settings.signingCertificate),
    wantAuthnRequestsSigned: true,
    isAssertionEncrypted: settings.encrypted === "assertion",
    ...ALGORITHMS,
    wantLogoutRequestSigned: true,
    wantLogoutResponseSigned: true,
    singleSignOnService: [{ Binding: settings.forms ? POST : REDIRECT, Location: `${settings.origin}/sso` }],
    singleLogoutService: settings.forms ? [{ Binding: POST, Location: `${settings.origin}/slo` }] : undefined,
    nameIDFormat: ["urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"],
    loginResponseTemplate: { context: RESPONSE, attributes: [] },
  });
  const serviceProvider = samlify.ServiceProvider({
    metadata: settings.serviceProvider,
    wantLogoutRequestSigned: true,
    wantLogoutResponseSigned: true,
  });
  // One person at a time.
  let session = null;
  const ask = (response, request, state, anew) => {
    const fields = hidden("request", request) + hidden("state", state || "") + hidden("anew", String(anew));
    const inputs = '<p><label>Name <input id="name" name="name" autofocus></label><p><label>Password <input id="password" name="password" type="password"></label>';
    response.send(page("Campus", `<h1>Campus</h1><form method="post" action="/login">${fields}${inputs}<p><button>Sign in</button></form>`));
  };
  const handOver = (response, place, field, value, state) => {
    const form = `<form method="post" action="${escape(place)}">${hidden(field, value)}${hidden("RelayState", state)}<button>Go on</button></form>`;
    return response.send(page("Campus", `${form}<script>document.forms[0].submit()</script>`));
  };
  const refuse = (response, error) => response.status(400).send(page("Campus", `<p>${escape(String(error))}`));
  const app = express();
  app.use(express.urlencoded({ extended: false }));
  app.get("/metadata", (_request, response) => response.type("application/samlmetadata+xml").send(identityProvider.getMetadata()));
  app.get("/sso", async (request, response) => {
    // What was signed is the octets as they came.
    const octetString = request.originalUrl.split("?")[1].split("&Signature=")[0];
    try {
      const { extract } = await identityProvider.parseLoginRequest(serviceProvider, "redirect", { query: request.query, octetString });
      // samlify does not read it.
      const anew = zlib.inflateRawSync(Buffer.from(request.query.SAMLRequest, "base64")).includes('ForceAuthn="true"');
      ask(response, extract.request.id, request.query.RelayState, anew);
    } catch (error) {
      refuse(response, error);
    }
  });
  if (settings.forms) app.post("/sso", async (request, response) => {
    try {
      const { extract } = await identityProvider.parseLoginRequest(serviceProvider, "post", { body: request.body });
      ask(response, extract.request.id, request.body.RelayState, false);
    } catch (error) {
      refuse(response, error);
    }
  });
  app.get("/session", (_request, response) => response.send(session ? session.logoutNameID : "nobody"));
  app.get("/leave", (_request, response) => {
    const made = identityProvider.createLogoutRequest(serviceProvider, "post", session, "mine and theirs");
    handOver(response, made.entityEndpoint, "SAMLRequest", made.context, made.relayState);
  });
  app.post("/slo", async (request, response) => {
    try {
      if (request.body.SAMLResponse) {
        const { extract } = await identityProvider.parseLogoutResponse(serviceProvider, "post", { body: request.body });
        session = null;
        return response.send(page("Campus", `<p id="out">Signed out: ${escape(JSON.stringify(extract))} ${escape(request.body.RelayState)}`));
      }
      const parsed = await identityProvider.parseLogoutRequest(serviceProvider, "post", { body: request.body });
      if (session && parsed.extract.nameID === session.logoutNameID) session = null;
      const made = identityProvider.createLogoutResponse(serviceProvider, parsed, "post", request.body.RelayState);
      return handOver(response, made.entityEndpoint, "SAMLResponse", made.context, made.relayState);
    } catch (error) {
      return refuse(response, error);
    }
  });
  app.post("/login", async (request, response) => {
    const { name, password, state } = request.body;
    if (name !== "dora" || password !== "Campus-Pw-1") return response.status(403).send(page("Campus", "<p>No."));
    const place = serviceProvider.entityMeta.getAssertionConsumerService("post");
    const stated = settings.encrypted === "attribute" ? await encryptedAttribute(serviceProvider, name) : attribute(name);
    const fill = (template) => {
      const id = `_${crypto.randomUUID()}`;
      const now = Date.now();
      const tags = {
        ID: id, AssertionID: `_${crypto.randomUUID()}`, Now: new Date(now).toISOString(),
        // Whoever need not sign in anew did so in the morning, longer ago than a session of ours lasts.
        Since: new Date(request.body.anew === "true" ? now : now - 9 * 60 * MINUTE).toISOString(),
        End: new Date(now + 5 * MINUTE).toISOString(), Place: place, Request: request.body.request,
        Issuer: identityProvider.entityMeta.getEntityID(), Audience: serviceProvider.entityMeta.getEntityID(), User: name,
      };
      session = { logoutNameID: name, sessionIndex: tags.AssertionID };
      return { id, context: samlify.SamlLib.replaceTagsByValue(template, tags).replace("{Attribute}", () => stated) };
    };
    const made = await identityProvider.createLoginResponse(
      serviceProvider, { extract: { request: { id: request.body.request } } }, "post", { email: name }, { customTagReplacement: fill });
    return handOver(response, place, "SAMLResponse", made.context, state);
  });
  return app;
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const settings = JSON.parse(line);
  const tls = { cert: fs.readFileSync(settings.certificate), key: fs.readFileSync(settings.key) };
  https.createServer(tls, application(settings)).listen(443, settings.address, () => console.log("ready"));
}).on("close", () => process.exit(0));
