// Our screen and the client's, given the same at random: sequences of everything a grammar knows, with resizes.
//
//   SCREEN_SEEDS=20000 SCREEN_SEED=5000 node --test fuzz.test.mjs     so many, from there on

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Comparison, LONG } from "./support/comparison.mjs";
import { sequence } from "./support/grammar.mjs";
import { SEEDS_THAT_DIFFER } from "./support/known.mjs";
import { Random } from "./support/random.mjs";
import { shrunk, written } from "./support/shrink.mjs";
import { joined, outputLength } from "./support/steps.mjs";

const SEEDS = Number(process.env.SCREEN_SEEDS ?? (LONG ? 20_000 : 2_000));
const FIRST = Number(process.env.SCREEN_SEED ?? 1);
/** Failures made small and told; more would say the same again. */
const TOLD_MAX = Number(process.env.SCREEN_TOLD ?? 5);

const comparison = new Comparison();
after(() => comparison.close());

/**
 * @param {import("node:test").TestContext} t
 * @param {Set<number>} known seeds that differ; one that does not fails
 * @param {(it: import("./cases/case.mjs").Case, seed: number) => Promise<string[]>} compare
 */
async function compareAll(t, known, compare) {
  let failed = 0;
  const knownHere = [...known].filter((seed) => seed >= FIRST && seed < FIRST + SEEDS).length;
  const told = [];
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const it = sequence(seed);
    const differs = (await compare(it, seed)).length > 0;
    if (differs === known.has(seed)) continue;
    failed++;
    if (!differs) told.push(`seed ${seed} is listed as different and is not`);
    if (!differs) continue;
    if (told.length >= TOLD_MAX) continue;
    const steps = await shrunk(
      it.steps,
      async (tried) => (await compare({ ...it, steps: tried }, seed)).length > 0,
    );
    const differences = await compare({ ...it, steps }, seed);
    told.push(`seed ${seed}, ${it.cols}x${it.rows}: ${written(steps)}\n  ${differences.join("\n  ")}`);
  }
  t.diagnostic(`sequences ${SEEDS}, differences ${failed}, known ${knownHere}`);
  assert.equal(failed, 0, `\n${told.join("\n")}`);
}

test("every sequence leaves both screens alike", (t) =>
  compareAll(t, new Set(), (it) => comparison.screens({ ...it, steps: joined(it.steps) })));

test("every sequence can be cut, and a snapshot goes on in both screens", (t) =>
  compareAll(t, new Set(SEEDS_THAT_DIFFER.flatMap((it) => it.seeds)), (it, seed) => {
    const steps = joined(it.steps);
    const at = new Random(seed).between(0, outputLength(steps));
    return comparison.snapshots({ ...it, steps }, at);
  }));
