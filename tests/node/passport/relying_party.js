// A relying party of WS-Federation: passport-wsfed-saml2 in a small Express application, over HTTPS.
//
// Input: {"address", "certificate", "key", "identityProviderUrl", "realm", "wreply", "thumbprints"}, one line of JSON.
// Says "ready" when it listens, and ends with its input. /login sends the browser away; what comes back to /signin is the user as
// JSON, or the error with status 401.
"use strict";

const https = require("https");
const fs = require("fs");
const readline = require("readline");
const express = require("express");
const passport = require("passport");
const { Strategy } = require("passport-wsfed-saml2");

function application(settings) {
  passport.use(
    new Strategy(
      {
        identityProviderUrl: settings.identityProviderUrl,
        realm: settings.realm,
        wreply: settings.wreply,
        thumbprints: settings.thumbprints,
        checkExpiration: true,
        checkAudience: true,
      },
      (profile, done) => done(null, profile),
    ),
  );
  const app = express();
  app.use(passport.initialize());
  app.use(express.urlencoded({ extended: false, limit: "1mb" }));
  const authenticate = (options) => passport.authenticate("wsfed-saml2", { session: false, ...options });
  app.get("/login", (request, response, next) => authenticate({ wctx: request.query.wctx })(request, response, next));
  app.post("/signin", authenticate({}), (request, response) => {
    response.json({ user: request.user, wctx: request.body.wctx });
  });
  app.use((error, request, response, _next) => response.status(401).json({ error: error.message }));
  return app;
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const settings = JSON.parse(line);
  const tls = { cert: fs.readFileSync(settings.certificate), key: fs.readFileSync(settings.key) };
  https.createServer(tls, application(settings)).listen(443, settings.address, () => console.log("ready"));
}).on("close", () => process.exit(0));
