// Microsoft's MSAL for Node against our own authority, unmodified: secret, certificate by each of its two signatures, password, silent
// refresh, and the code flow around the browser that the test plays.

import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import * as msal from "@azure/msal-node";

const request = JSON.parse(readFileSync(0, "utf8"));
const scopes = [request.scope];
const auth = (clientId, more) => ({
  auth: { clientId, authority: request.authority, knownAuthorities: [new URL(request.authority).host], ...more },
});
const tried = (promise) =>
  promise.then(
    (result) => ({ access_token: result.accessToken, username: result.account?.username, cached: result.fromCache }),
    (error) => ({ error: error.errorCode ?? String(error), description: error.errorMessage }),
  );

const native = new msal.PublicClientApplication(auth(request.native));
const answers = {};
if (request.code) {
  // The second part: the browser came back.
  const { code, verifier } = request;
  answers.code = await tried(
    native.acquireTokenByCode({ scopes, code, codeVerifier: verifier, redirectUri: request.redirect }),
  );
  const [account] = await native.getTokenCache().getAllAccounts();
  answers.cached = await tried(native.acquireTokenSilent({ scopes, account }));
  answers.refreshed = await tried(native.acquireTokenSilent({ scopes, account, forceRefresh: true }));
} else {
  const der = new X509Certificate(request.certificate).raw;
  const thumbprint = (algorithm) => createHash(algorithm).update(der).digest("hex");
  const privateKey = request.key;
  const server = (more) => new msal.ConfidentialClientApplication(auth(request.server, more));
  const forItself = (more) => tried(server(more).acquireTokenByClientCredential({ scopes }));
  answers.secret = await forItself({ clientSecret: request.secret });
  answers.sha1 = await forItself({ clientCertificate: { thumbprint: thumbprint("sha1"), privateKey } });
  answers.sha256 = await forItself({
    clientCertificate: { thumbprintSha256: thumbprint("sha256"), privateKey, x5c: request.certificate },
  });
  answers.wrong = await forItself({ clientSecret: "wrong" });
  const legacy = new msal.PublicClientApplication(auth(request.legacy));
  const { username, password } = request;
  answers.password = await tried(legacy.acquireTokenByUsernamePassword({ scopes, username, password }));
  const proof = await new msal.CryptoProvider().generatePkceCodes();
  answers.verifier = proof.verifier;
  answers.url = await native.getAuthCodeUrl({
    scopes,
    redirectUri: request.redirect,
    codeChallenge: proof.challenge,
    codeChallengeMethod: "S256",
    state: "s",
  });
}
process.stdout.write(JSON.stringify(answers));
