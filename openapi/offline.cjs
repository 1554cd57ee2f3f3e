// Ends a tool that reaches out for another machine: what checks the document has to work without a network.
"use strict";
const { Socket } = require("node:net");

const HERE = new Set(["127.0.0.1", "::1", "localhost"]);
const connect = Socket.prototype.connect;

Socket.prototype.connect = function (...words) {
  const first = Array.isArray(words[0]) ? words[0][0] : words[0];
  const asked = typeof first === "object" ? first : { port: first, host: words[1] };
  const isSocketFile = asked.path || Number.isNaN(Number(asked.port));
  if (!isSocketFile && !HERE.has(asked.host ?? "localhost")) {
    process.stderr.write(`reached out for ${asked.host}\n`);
    process.exit(97);
  }
  return connect.apply(this, words);
};
