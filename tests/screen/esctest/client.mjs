// The client's terminal as a program: what comes in is shown, what it answers goes out, and its screen is read over HTTP.
// Its first line on stderr is the address of the screen.

import { createServer } from "node:http";
import process from "node:process";
import { Client } from "../support/client.mjs";

const [cols, rows] = process.argv.slice(2).map(Number);
const client = new Client(cols ?? 80, rows ?? 25, 1000);
// Where the suite asks for the size before every test the page leaves the answer to the server.
client.term.options.windowOptions = { getWinSizeChars: true };
client.term.onData((answer) => process.stdout.write(answer));
client.term.onBinary((answer) => process.stdout.write(Buffer.from(answer, "binary")));

function screen() {
  const buffer = client.term.buffer.active;
  return Array.from({ length: client.term.rows }, (_, y) =>
    buffer.getLine(buffer.baseY + y)?.translateToString(true),
  ).join("\n");
}

const server = createServer((_, response) => response.end(screen()));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  process.stderr.write(`http://127.0.0.1:${address.port}/\n`);
});
process.stdin.on("data", (/** @type {Uint8Array} */ bytes) => client.feed(bytes));
process.stdin.on("end", () => process.exit(0));
