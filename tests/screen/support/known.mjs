// What is known to differ, and why. An entry that is no longer true fails.

/** @typedef {import("../cases/case.mjs").Case} Case */

/** Cases that end otherwise in our screen. @type {{ name: string, cause: string }[]} */
export const CASES_THAT_DIFFER = [
  {
    name: "told: title stack is not kept",
    cause:
      "We keep pushed titles (CSI 22 t, CSI 23 t), because the title is told to viewers as an event; xterm.js does so only when asked to by an option.",
  },
];

/**
 * What is wrong in xterm.js beyond following, and is put right in the client before it is compared.
 * @type {(Case & { cause: string })[]}
 */
export const CORRECTIONS = [
  {
    name: "a place before the first line",
    cause:
      "When wrapping adds more rows than the scrollback holds, xterm.js writes some of those it drops before the first line: over another one, at a place that depends on where its ring of lines begins.",
    cols: 20,
    rows: 5,
    scrollback: 6,
    steps: ["the quick brown fox jumps over the lazy dog\r\nend\r\n", [2, 5], "x"],
  },
  {
    name: "a list that stays longer",
    cause:
      "xterm.js forgets to shorten the second screen's list when the terminal becomes shorter while that screen is not shown; it then keeps lines above a screen that has none.",
    cols: 20,
    rows: 4,
    scrollback: 6,
    steps: [[18, 2], "\x1b[?47ha\r\nb\r\nc"],
  },
];
