// An OpenID provider that asks its one client for a signed assertion (private_key_jwt): oidc-provider, over HTTPS.
//
// Input: {"address", "origin", "certificate", "key", "clientId", "redirectUri", "clientCertificate", "clientKeyId"}, one line of JSON.
// Says "ready" when it listens, and ends with its input. Nobody is asked anything: whoever comes is carol.
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const https = require("https");
const readline = require("readline");
const Provider = require("oidc-provider").default || require("oidc-provider");

const CAROL = { sub: "carol", upn: "carol@partner.example", email: "carol@partner.example" };

function provider(settings) {
  const own = crypto.createPublicKey(fs.readFileSync(settings.clientCertificate)).export({ format: "jwk" });
  const made = new Provider(settings.origin, {
    clients: [
      {
        client_id: settings.clientId,
        redirect_uris: [settings.redirectUri],
        response_types: ["code"],
        grant_types: ["authorization_code"],
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: "RS256",
        jwks: { keys: [{ ...own, use: "sig", alg: "RS256", kid: settings.clientKeyId }] },
      },
    ],
    cookies: { keys: [crypto.randomBytes(16).toString("hex")] },
    claims: { openid: ["sub"], profile: ["upn"], email: ["email"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (_context, id) => ({ accountId: id, claims: () => CAROL }),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  });
  made.use(async (context, next) => {
    if (!context.path.startsWith("/interaction/")) return next();
    const { params } = await made.interactionDetails(context.req, context.res);
    const grant = new made.Grant({ accountId: CAROL.sub, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    const result = { login: { accountId: CAROL.sub }, consent: { grantId: await grant.save() } };
    await made.interactionFinished(context.req, context.res, result);
    context.respond = false;
    return undefined;
  });
  return made;
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const settings = JSON.parse(line);
  const tls = { cert: fs.readFileSync(settings.certificate), key: fs.readFileSync(settings.key) };
  https.createServer(tls, provider(settings).callback()).listen(443, settings.address, () => console.log("ready"));
}).on("close", () => process.exit(0));
