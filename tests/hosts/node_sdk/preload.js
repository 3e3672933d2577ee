// The client only supports https on port 443 of Getty's hosts. This redirects its requests to the sandbox at $SANDBOX,
// keeping the Host header: node -r ./preload.js
"use strict";

const http = require("http");
const https = require("https");

const sandbox = new URL(process.env.SANDBOX);

https.request = (options, answered) =>
  http.request(
    {
      ...options,
      hostname: sandbox.hostname,
      port: sandbox.port,
      headers: { ...options.headers, Host: options.hostname },
    },
    answered,
  );
