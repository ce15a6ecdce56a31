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

/** Cases that some cut changes. @type {{ name: string, cause: string }[]} */
export const CUTS_THAT_DIFFER = [
  {
    name: "wide: in two columns",
    cause:
      "The screen became so narrow that it cut the wide character the cursor stands behind; what joins it cannot be told.",
  },
  {
    name: "clusters: wrapping off, widening at the edge",
    cause:
      "With autowrap off what widens at the edge joins, in xterm.js, the character before; what joins next goes by the one that was sent.",
  },
  {
    name: "resize: the second screen keeps its lines",
    cause: "What a narrower screen hides of the second screen's lines, and a wider one shows again.",
  },
  {
    name: "told: title stack is not kept",
    cause: "Pushed titles are not in a snapshot: the client has none.",
  },
];

/**
 * Random sequences that their cut changes, of the first 20,000. @type {{ seeds: number[], cause: string }[]}
 */
export const SEEDS_THAT_DIFFER = [
  {
    seeds: [2199, 3176, 8176, 10382, 11235, 11965, 12667, 17582, 18040, 19903],
    cause:
      "The screen became narrower between a character and what might join it or wrap after it; what came before the cursor is no longer there to be printed again.",
  },
  {
    seeds: [9847, 14565],
    cause:
      "A restored pen that has a link but does not show it (DECRC brings back some of a pen, in xterm.js): no sequence makes such a pen.",
  },
  {
    seeds: [2209],
    cause:
      "What a keyboard flag was when the other screen was last shown: it counts only for a program that leaves the second screen without being on it, or enters it twice.",
  },
  {
    seeds: [18922, 19465],
    cause:
      "A cell underlined in no style (the alignment pattern drawn with an underline) looks plain and is redrawn plain.",
  },
];
