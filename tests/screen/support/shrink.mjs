// Makes a failing case small: leaves out steps, then bytes, as long as it still fails.

import { bytesOf } from "./engine.mjs";

/** @typedef {import("../cases/case.mjs").Step} Step */

/**
 * @param {Step[]} steps
 * @param {(steps: Step[]) => Promise<boolean>} fails
 * @returns {Promise<Step[]>}
 */
export async function shrunk(steps, fails) {
  const fewer = await without(steps, fails);
  /** @type {Step[]} */
  const single = [];
  for (const step of fewer) single.push(...(typeof step === "string" ? [...step] : [step]));
  return (await fails(single)) ? await without(single, fails) : fewer;
}

/**
 * @param {Step[]} steps
 * @param {(steps: Step[]) => Promise<boolean>} fails
 */
async function without(steps, fails) {
  let kept = steps;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      const tried = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (tried.length > 0 && (await fails(tried))) kept = tried;
      else at += size;
    }
  }
  return kept;
}

/**
 * For a report: adjacent output together, as one would write it.
 * @param {Step[]} steps
 */
export function written(steps) {
  let text = "";
  for (const step of steps) {
    if (Array.isArray(step)) text += `<${step[0]}x${step[1]}>`;
    else if (typeof step === "string") text += JSON.stringify(step).slice(1, -1);
    else text += [...bytesOf(step)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  }
  return text;
}
