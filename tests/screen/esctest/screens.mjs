// What every test of esctest2 wrote, given to both screens: everything they hold is compared, not only what the test
// looked at, and snapshots in the middle of it. Reads what run.py gathered, from stdin.

import process from "node:process";
import { text } from "node:stream/consumers";
import { Comparison } from "../support/comparison.mjs";
import { Random } from "../support/random.mjs";

const CUTS = 6;
const SCROLLBACK = 1000;
const [cols, rows] = process.argv.slice(2).map(Number);

/** @type {Record<string, string>} what was written, a character a byte, by the test's name */
const written = JSON.parse(await text(process.stdin));
const comparison = new Comparison();
const random = new Random(1);
/** @type {Record<string, string[]>} */
const found = {};
let cuts = 0;
for (const [name, output] of Object.entries(written)) {
  const bytes = Buffer.from(output, "latin1");
  const it = { name, cols: cols ?? 80, rows: rows ?? 25, scrollback: SCROLLBACK, steps: [bytes] };
  const its = await comparison.screens(it);
  for (let i = 0; i < CUTS; i++) {
    const at = random.between(0, bytes.length);
    its.push(...(await comparison.snapshots(it, at)).map((difference) => `cut at ${at}: ${difference}`));
    cuts++;
  }
  if (its.length > 0) found[name] = its;
}
comparison.close();
process.stdout.write(JSON.stringify({ cuts, found }));
