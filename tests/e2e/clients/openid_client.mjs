// openid-client, a certified implementation, finds everything by discovery: code with PKCE, nonce, state and `iss`, user information,
// refresh, a token for the client itself, an assertion under its key, and the address of sign-out.

import { createPrivateKey, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";

// Node 18 has it only as a module.
globalThis.crypto ??= webcrypto;
const oidc = await import("openid-client");

const request = JSON.parse(readFileSync(0, "utf8"));
const issuer = new URL(request.issuer);
const tried = (promise) =>
  promise.then(
    (tokens) => tokens,
    (error) => ({ error: error.error ?? error.code ?? String(error), description: String(error.error_description ?? error.cause) }),
  );

const config = await oidc.discovery(issuer, request.client, request.secret);
const answers = { issuer: config.serverMetadata().issuer };
if (request.callback) {
  const { verifier, nonce, state } = request;
  const checks = { pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state };
  const tokens = await tried(oidc.authorizationCodeGrant(config, new URL(request.callback), checks));
  answers.tokens = tokens;
  answers.claims = tokens.claims?.();
  answers.again = await tried(oidc.authorizationCodeGrant(config, new URL(request.callback), checks));
  if (tokens.access_token) {
    answers.user = await tried(oidc.fetchUserInfo(config, tokens.access_token, answers.claims.sub));
  }
} else {
  const verifier = oidc.randomPKCECodeVerifier();
  const [nonce, state] = [oidc.randomNonce(), oidc.randomState()];
  const challenge = await oidc.calculatePKCECodeChallenge(verifier);
  const parameters = { redirect_uri: request.redirect, scope: "openid profile", nonce, state };
  const url = oidc.buildAuthorizationUrl(config, {
    ...parameters,
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
  Object.assign(answers, { verifier, nonce, state, url: url.href });
  answers.basic = await tried(
    oidc.clientCredentialsGrant(
      await oidc.discovery(issuer, request.client, undefined, oidc.ClientSecretBasic(request.secret)),
      { resource: request.resource },
    ),
  );
  const der = createPrivateKey(request.key).export({ type: "pkcs8", format: "der" });
  for (const [name, algorithm] of [["rs256", "RSASSA-PKCS1-v1_5"], ["ps256", "RSA-PSS"]]) {
    const key = await crypto.subtle.importKey("pkcs8", der, { name: algorithm, hash: "SHA-256" }, false, ["sign"]);
    const signed = await oidc.discovery(issuer, request.client, undefined, oidc.PrivateKeyJwt({ key, kid: request.kid }));
    answers[name] = await tried(oidc.clientCredentialsGrant(signed, { resource: request.resource }));
  }
  answers.logout = oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: request.redirect }).href;
}
process.stdout.write(JSON.stringify(answers));
