// Takes trueup's notifications: verifies the signature, does each once, sets the cumulative figures.
//
//     TRUEUP_SECRET=… node receiver.mjs 9090 books.jsonl
//
// No package is needed. The books are a file that only grows: a line holds the id of a notification and what it sets,
// so both are written at once; a line cut off by a crash is no line, and the notification is told again.

import { createHmac, timingSafeEqual } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { createServer } from "node:http";

const AGE_MAX_S = 300; // an older one may be a recording that somebody plays again
const BODY_BYTES_MAX = 100_000;
const [port, file] = process.argv.slice(2);
const secret = process.env.TRUEUP_SECRET;
const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret);

const told = new Set();
const orders = new Map();

function remember(line) {
  told.add(line.id);
  if (line.order) orders.set(line.order, line); // set, never add: the cumulative figures are right whatever was heard before
}

if (existsSync(file)) {
  const text = readFileSync(file, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  truncateSync(file, Buffer.byteLength(whole));
  whole.split("\n").filter(Boolean).map(JSON.parse).forEach(remember);
}
const books = openSync(file, "a");

function isSigned(headers, body) {
  const at = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(at) || Math.abs(Date.now() / 1000 - Number(at)) > AGE_MAX_S) return false;
  const wanted = createHmac("sha256", key).update(`${headers["webhook-id"]}.${at}.`).update(body).digest();
  return (headers["webhook-signature"] ?? "").split(" ").some((one) => {
    const given = Buffer.from(one.replace(/^v1,/, ""), "base64");
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

function take(notification) {
  if (told.has(notification.notification_id)) return;
  const line = { id: notification.notification_id };
  if (["entry_fill", "exit_fill", "amended"].includes(notification.kind)) {
    line.order = notification.venue_order_id ?? notification.client_order_id;
    line.filled = notification.cumulative_qty; // text: amounts never pass through a float
    line.average = notification.cumulative_avg_price;
  }
  writeSync(books, JSON.stringify(line) + "\n");
  fsyncSync(books);
  remember(line);
}

const server = createServer((request, response) => {
  const parts = [];
  let size = 0;
  request.on("data", (part) => {
    size += part.length;
    if (size > BODY_BYTES_MAX) request.destroy();
    parts.push(part);
  });
  request.on("end", () => {
    const body = Buffer.concat(parts);
    if (!isSigned(request.headers, body)) return response.writeHead(401).end();
    take(JSON.parse(body));
    response.writeHead(204).end();
  });
});
server.listen(Number(port), "127.0.0.1", () => console.log(server.address().port));
process.on("SIGTERM", () => { closeSync(books); process.exit(0); });
