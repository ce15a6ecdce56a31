// Waiting for a state, never for a time: asked again and again until it is so, with patience for a busy machine.

import { setTimeout as pause } from "node:timers/promises";

export const PATIENCE_MS = 60_000;

const ASK_AGAIN_MS = 40;

/**
 * Returns the first answer of `probe` that is neither null, undefined nor false. What it throws counts as "not yet",
 * because a page may just be loading.
 * @template T
 * @param {string} what
 * @param {() => T | Promise<T>} probe
 * @returns {Promise<Exclude<Awaited<T>, null | undefined | false>>}
 */
export async function until(what, probe) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const asked = Date.now();
    let last;
    try {
      const answer = await probe();
      if (answer !== null && answer !== undefined && answer !== false) {
        return /** @type {Exclude<Awaited<T>, null | undefined | false>} */ (answer);
      }
      last = answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not so after a minute; last seen: ${last}`);
    // A question that takes long is asked less often: it keeps from working whom it asks.
    await pause(Math.max(ASK_AGAIN_MS, Date.now() - asked));
  }
}
