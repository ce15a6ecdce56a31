// Output and resizes, in order: put together, cut in two.

import { Client } from "./client.mjs";
import { bytesOf } from "./engine.mjs";

/** @typedef {import("../cases/case.mjs").Step} Step */

/**
 * Adjacent output in one piece. xterm.js looks at the cells beside a piece of text where the piece begins and ends, so
 * where the network cut it can show; whole pieces are what is compared.
 * @param {Step[]} steps
 * @returns {Step[]}
 */
export function joined(steps) {
  /** @type {Step[]} */
  const result = [];
  /** @type {Uint8Array[]} */
  let output = [];
  const flush = () => {
    if (output.length > 0) result.push(Buffer.concat(output));
    output = [];
  };
  for (const step of steps) {
    if (Array.isArray(step)) {
      flush();
      result.push(step);
    } else {
      output.push(bytesOf(step));
    }
  }
  flush();
  return result;
}

/** @param {Step[]} steps */
export function outputLength(steps) {
  return steps.reduce((sum, step) => sum + (Array.isArray(step) ? 0 : bytesOf(step).length), 0);
}

/**
 * What is before the byte `at` of the output, and the rest. A resize at the cut is before it.
 * @param {Step[]} steps
 * @param {number} at
 * @returns {[Step[], Step[]]}
 */
export function cut(steps, at) {
  /** @type {Step[]} */
  const before = [];
  /** @type {Step[]} */
  const after = [];
  let seen = 0;
  for (const step of steps) {
    if (Array.isArray(step)) {
      (seen <= at && after.length === 0 ? before : after).push(step);
      continue;
    }
    const bytes = bytesOf(step);
    const here = Math.max(0, Math.min(bytes.length, at - seen));
    if (here > 0) before.push(bytes.subarray(0, here));
    if (here < bytes.length) after.push(bytes.subarray(here));
    seen += bytes.length;
  }
  return [before, after];
}

/**
 * The size after `steps`, as the client takes it: never less than two columns.
 * @param {number} cols
 * @param {number} rows
 * @param {Step[]} steps
 * @returns {[number, number]}
 */
export function sizeAfter(cols, rows, steps) {
  const last = steps.findLast((step) => Array.isArray(step)) ?? [cols, rows];
  return [Math.max(2, Number(last[0])), Math.max(1, Number(last[1]))];
}

/**
 * @param {Client} client
 * @param {Step[]} steps
 */
export function play(client, steps) {
  for (const step of steps) {
    if (Array.isArray(step)) client.resize(step[0], step[1]);
    else client.feed(bytesOf(step));
  }
}

/**
 * @param {number} cols
 * @param {number} rows
 * @param {number} scrollback
 * @param {Step[]} steps
 */
export function played(cols, rows, scrollback, steps) {
  const client = new Client(cols, rows, scrollback);
  play(client, steps);
  return client;
}
