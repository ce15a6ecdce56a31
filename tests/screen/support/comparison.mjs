// The two questions asked of every case: are both screens alike, and does a snapshot change anything?

import { Client } from "./client.mjs";
import { cameFromOutside, carried, differences } from "./compare.mjs";
import { Engine, SNAPSHOT, STATE } from "./engine.mjs";
import { Random } from "./random.mjs";
import { cut, outputLength, play, played, sizeAfter } from "./steps.mjs";

/** @typedef {import("../cases/case.mjs").Case} Case */

export const LONG = process.env.SCREEN_TESTS === "long";
/** Cuts of a case in the short form; the long one cuts everywhere. */
const CUTS = 4;

export class Comparison {
  engine = new Engine();

  close() {
    this.engine.close();
  }

  /**
   * Our screen and the client's after the same.
   * @param {Omit<Case, "name">} it
   */
  async screens({ cols, rows, scrollback, steps }) {
    const client = played(cols, rows, scrollback, steps);
    const { states } = await this.engine.run(cols, rows, scrollback, [...steps, STATE]);
    const found = differences(states[0], client.state());
    client.dispose();
    return found;
  }

  /** @param {Case} it */
  cutsOf({ name, steps }) {
    const length = outputLength(steps);
    if (LONG || length < CUTS) return Array.from({ length: length + 1 }, (_, i) => i);
    let seed = 0;
    for (const character of name) seed = (seed * 31 + (character.codePointAt(0) ?? 0)) | 0;
    const random = new Random(seed);
    return Array.from({ length: CUTS }, () => random.between(0, length));
  }

  /**
   * A blank screen fed the snapshot at a cut and what follows, and one that had everything: ours, and the client's.
   * @param {Omit<Case, "name">} it
   * @param {number} at
   */
  async snapshots({ cols, rows, scrollback, steps }, at) {
    const [before, after] = cut(steps, at);
    const whole = await this.engine.run(cols, rows, scrollback, [
      ...before,
      SNAPSHOT,
      STATE,
      ...after,
      STATE,
    ]);
    const [snapshot] = whole.snapshots;
    if (!snapshot) throw new Error("no snapshot came");
    const size = sizeAfter(cols, rows, before);
    const again = await this.engine.run(...size, scrollback, [snapshot, STATE, ...after, STATE]);
    const found = this.#ours(whole.states, again.states);

    const live = played(cols, rows, scrollback, before);
    const late = new Client(...size, scrollback);
    late.feed(snapshot);
    found.push(...differences(cutState(live), cutState(late)).map((it) => `the client's at the cut: ${it}`));
    play(live, after);
    play(late, after);
    const [left, right] = [carried(live.state()), carried(late.state())];
    const end = differences(left, right).filter((it) => !cameFromOutside(it));
    found.push(...end.map((it) => `the client's at the end: ${it}`));
    live.dispose();
    late.dispose();
    return found;
  }

  /**
   * @param {import("./engine.mjs").State[]} whole at the cut and at the end
   * @param {import("./engine.mjs").State[]} again
   */
  #ours(whole, again) {
    const found = [];
    for (const [i, when] of ["at the cut", "at the end"].entries()) {
      const left = carried(/** @type {any} */ (whole[i]));
      const right = carried(/** @type {any} */ (again[i]));
      const its = differences(left, right).filter((it) => i === 0 || !cameFromOutside(it));
      found.push(...its.map((it) => `ours ${when}: ${it}`));
    }
    return found;
  }
}

/** Its state, and where in a sequence or a character its parser is. @param {Client} client */
export function cutState(client) {
  const handler = client.core._inputHandler;
  return {
    ...carried(client.state()),
    parser: handler._parser.currentState,
    utf8: [...handler._utf8Decoder.interim],
  };
}
