// Publishes a plan from Node.js: `node examples/publish.mjs SOCKET PLAN.json`, with none of Tilewright's code.
// SOCKET is the ingest socket that `supervisor.py status` shows. PROTOCOL.md says what the frames mean.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// In a program of your own: import * as zmq from "zeromq"; import { decode, encode } from "@msgpack/msgpack".
const require = createRequire(new URL("../web/package.json", import.meta.url));
const { Dealer } = require("zeromq");
const { decode, encode } = require("@msgpack/msgpack");

const [address, file] = process.argv.slice(2);
if (!file) {
  console.error("usage: node examples/publish.mjs SOCKET PLAN.json");
  process.exit(2);
}

const id = randomUUID();
const plan = JSON.parse(readFileSync(file, "utf8"));
const frames = ["TW01", encode({ type: "publish", id, re: null, body: { plan } })];
const deadline = Date.now() + 30_000;

const dealer = new Dealer({ linger: 0, immediate: true, receiveTimeout: 2_000, sendTimeout: 2_000 });
dealer.connect(address);

// The network may lose a message without telling, so the request is sent again, under the same id, until it is
// answered. That does no harm: the keeper knows the plan by its id and accepts it once.
while (Date.now() < deadline) {
  try {
    await dealer.send(frames);
    const [signature, map] = await dealer.receive();
    const answer = decode(map);
    if (signature.toString() !== "TW01" || answer.re !== id) continue;
    console.log(JSON.stringify(answer, null, 2));
    process.exit(answer.type === "accepted" ? 0 : 1);
  } catch (error) {
    if (error.code !== "EAGAIN") throw error;
  }
}
console.error(`Nobody answers at ${address}.`);
process.exit(3);
