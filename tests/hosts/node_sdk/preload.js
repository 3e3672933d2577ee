// The client speaks https, to port 443 of Getty's hosts, and nothing else. This leads what it sends to the
// sandbox at $SANDBOX, with the Host header that it would have had: node -r ./preload.js
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
