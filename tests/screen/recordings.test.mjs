// Real programs: our screen and the client's at their end, and snapshots at random cuts in both.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import { Client } from "./support/client.mjs";
import { cameFromOutside, carried, differences } from "./support/compare.mjs";
import { Comparison, cutState, LONG } from "./support/comparison.mjs";
import { SNAPSHOT, STATE } from "./support/engine.mjs";
import { Random } from "./support/random.mjs";
import { cut, joined, outputLength, play, sizeAfter } from "./support/steps.mjs";

/** @typedef {import("./cases/case.mjs").Step} Step */

const RECORDINGS = new URL("../fixtures/recordings/", import.meta.url);
const CUTS = Number(process.env.SCREEN_CUTS ?? (LONG ? 1_000 : 30));
/** Some screens: snapshots carry it, and every state compared is as large. */
const SCROLLBACK = 100;

const comparison = new Comparison();
after(() => comparison.close());

/** @param {string} file */
function read(file) {
  const [header, ...records] = readFileSync(new URL(file, RECORDINGS), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  /** @type {Step[]} */
  const steps = records.map((record) => record.resize ?? Buffer.from(record.out, "base64"));
  return {
    cols: Number(header.cols),
    rows: Number(header.rows),
    scrollback: SCROLLBACK,
    steps: joined(steps),
  };
}

/**
 * The steps between one cut and the next, so that both terminals are given the same pieces.
 * @param {Step[]} steps
 * @param {number[]} cuts
 */
function pieces(steps, cuts) {
  const result = [];
  let rest = steps;
  let from = 0;
  for (const at of cuts) {
    const [piece, after] = cut(rest, at - from);
    result.push(piece);
    rest = after;
    from = at;
  }
  result.push(rest);
  return result;
}

for (const file of readdirSync(RECORDINGS).filter((name) => name.endsWith(".rec"))) {
  test(`${file}: both screens are alike`, async (t) => {
    const recording = read(file);
    const cuts = Array.from({ length: 20 }, (_, i) =>
      Math.floor((outputLength(recording.steps) * (i + 1)) / 20),
    );
    const parts = pieces(recording.steps, cuts);
    const client = new Client(recording.cols, recording.rows, SCROLLBACK);
    const order = parts.flatMap((part) => [...part, STATE]);
    const { states } = await comparison.engine.run(recording.cols, recording.rows, SCROLLBACK, order);
    const found = [];
    for (const [i, part] of parts.entries()) {
      play(client, part);
      found.push(...differences(states[i], client.state()).map((it) => `at ${cuts[i] ?? "the end"}: ${it}`));
    }
    t.diagnostic(`states ${parts.length}, differences ${found.length}`);
    assert.equal(found.length, 0, `\n${found.slice(0, 20).join("\n")}`);
  });

  test(`${file}: a snapshot goes on in both screens`, async (t) => {
    const recording = read(file);
    const { cols, rows, steps } = recording;
    const random = new Random(file.length + CUTS);
    const length = outputLength(steps);
    const cuts = Array.from({ length: CUTS }, () => random.between(0, length)).sort((a, b) => a - b);
    const parts = pieces(steps, cuts);

    const whole = new Client(cols, rows, SCROLLBACK);
    for (const part of parts) play(whole, part);
    const end = carried(whole.state());
    /** Without what lay outside the screen at the cut. @param {Parameters<typeof carried>[0]} state */
    const differencesAtEnd = (state) => differences(end, carried(state)).filter((it) => !cameFromOutside(it));

    const live = new Client(cols, rows, SCROLLBACK);
    const order = parts.slice(0, -1).flatMap((part) => [...part, SNAPSHOT, STATE]);
    const { snapshots, states } = await comparison.engine.run(cols, rows, SCROLLBACK, order);
    const found = [];
    for (const [i, at] of cuts.entries()) {
      play(live, parts[i] ?? []);
      const size = sizeAfter(cols, rows, parts.slice(0, i + 1).flat());
      const rest = parts.slice(i + 1);
      const snapshot = /** @type {Uint8Array} */ (snapshots[i]);
      const state = /** @type {import("./support/engine.mjs").State} */ (states[i]);

      const ours = await comparison.engine.run(...size, SCROLLBACK, [snapshot, STATE, ...rest.flat(), STATE]);
      const [again, last] = /** @type {[typeof state, typeof state]} */ (ours.states);
      found.push(
        ...differences(carried(state), carried(again)).map((it) => `cut at ${at}, then, ours: ${it}`),
      );
      found.push(...differencesAtEnd(last).map((it) => `cut at ${at}, at the end, ours: ${it}`));

      const late = new Client(...size, SCROLLBACK);
      late.feed(snapshot);
      found.push(...differences(cutState(live), cutState(late)).map((it) => `cut at ${at}, then: ${it}`));
      for (const part of rest) play(late, part);
      found.push(...differencesAtEnd(late.state()).map((it) => `cut at ${at}, at the end: ${it}`));
      late.dispose();
    }
    t.diagnostic(`cuts ${cuts.length}, in each screen, differences ${found.length}`);
    assert.equal(found.length, 0, `\n${found.slice(0, 20).join("\n")}`);
  });
}
