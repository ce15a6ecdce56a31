// Our screen and the client's, given the same: every control function the client knows, by hand.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { CASES } from "./cases/all.mjs";
import { Client } from "./support/client.mjs";
import { differences } from "./support/compare.mjs";
import { Comparison, LONG } from "./support/comparison.mjs";
import { CASES_THAT_DIFFER, CORRECTIONS, CUTS_THAT_DIFFER } from "./support/known.mjs";
import { play, played } from "./support/steps.mjs";

const comparison = new Comparison();
after(() => comparison.close());

test("names are told apart", () => {
  assert.equal(new Set(CASES.map((it) => it.name)).size, CASES.length);
});

test("the client is the one of a browser: emoji are wide", () => {
  const client = played(10, 2, 0, ["😀"]);
  assert.equal(client.term.buffer.active.cursorX, 2);
  client.dispose();
});

test("what is put right in the client is wrong without that", () => {
  for (const { name, cols, rows, scrollback, steps } of CORRECTIONS) {
    const [right, wrong] = [true, false].map((corrected) => {
      const client = new Client(cols, rows, scrollback, corrected);
      play(client, steps);
      const state = client.state();
      client.dispose();
      return state;
    });
    assert.notDeepEqual(differences(right, wrong), [], name);
  }
});

test("every case leaves both screens alike", async (t) => {
  const known = new Map(CASES_THAT_DIFFER.map((it) => [it.name, it.cause]));
  const unknown = [...known.keys()].filter((name) => !CASES.some((it) => it.name === name));
  assert.deepEqual(unknown, [], "what is listed as different exists");
  const found = [];
  for (const it of CASES) {
    const differences = await comparison.screens(it);
    if (differences.length > 0 && !known.has(it.name))
      found.push(`${it.name}\n  ${differences.join("\n  ")}`);
    if (differences.length === 0 && known.has(it.name))
      found.push(`${it.name}\n  is listed as different and is not`);
  }
  t.diagnostic(`cases ${CASES.length}, differences ${found.length}, known ${known.size}`);
  assert.equal(found.length, 0, `\n${found.join("\n")}`);
});

test("every case can be cut, and a snapshot goes on in both screens", async (t) => {
  let cuts = 0;
  const found = [];
  const known = new Set(CUTS_THAT_DIFFER.map((it) => it.name));
  for (const it of CASES) {
    let changed = 0;
    for (const at of comparison.cutsOf(it)) {
      cuts++;
      const its = await comparison.snapshots(it, at);
      if (its.length > 0) changed++;
      if (its.length > 0 && !known.has(it.name))
        found.push(`${it.name}, cut at ${at}\n  ${its.join("\n  ")}`);
    }
    // Only where every cut was made is it known that none changes anything.
    if (LONG && changed === 0 && known.delete(it.name))
      found.push(`${it.name}\n  is listed as different and is not`);
  }
  t.diagnostic(`cases ${CASES.length}, cuts ${cuts}, differences ${found.length}, known ${known.size}`);
  assert.equal(found.length, 0, `\n${found.slice(0, 40).join("\n")}`);
});
