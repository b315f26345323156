// Metadata of relying parties, over HTTPS: documents of a folder, and what samlify says of a service provider of SAML 2.0.
//
// Input: {"address", "certificate", "key", "origin", "documents", "encryptionCertificate"}, one line of JSON. Says "ready" when it
// listens, and ends with its input. /documents/NAME is a file of the folder as it is now; /metadata is samlify's, with the encryption
// certificate as it is now.
"use strict";

const https = require("https");
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const express = require("express");
const samlify = require("samlify");

const POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

function application(settings) {
  const app = express();
  const type = "application/samlmetadata+xml";
  app.get("/documents/:name", (request, response) => {
    const file = path.join(settings.documents, path.basename(request.params.name));
    if (!fs.existsSync(file)) return response.status(404).end();
    return response.type(type).send(fs.readFileSync(file));
  });
  app.get("/metadata", (_request, response) => {
    const serviceProvider = samlify.ServiceProvider({
      entityID: `${settings.origin}/metadata`,
      encryptCert: fs.readFileSync(settings.encryptionCertificate),
      assertionConsumerService: [{ Binding: POST, Location: `${settings.origin}/acs` }],
      singleLogoutService: [{ Binding: POST, Location: `${settings.origin}/slo` }],
      nameIDFormat: ["urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"],
    });
    response.type(type).send(serviceProvider.getMetadata());
  });
  return app;
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const settings = JSON.parse(line);
  const tls = { cert: fs.readFileSync(settings.certificate), key: fs.readFileSync(settings.key) };
  https.createServer(tls, application(settings)).listen(443, settings.address, () => console.log("ready"));
}).on("close", () => process.exit(0));
