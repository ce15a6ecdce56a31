// Where two states differ, in words.

/** @typedef {import("./engine.mjs").State} State */

const TOLD_MAX = 12;

/**
 * @param {unknown} left
 * @param {unknown} right
 * @returns {string[]} nothing when they are equal
 */
export function differences(left, right) {
  /** @type {string[]} */
  const found = [];
  walk(left, right, "", found);
  return found.slice(0, TOLD_MAX);
}

/**
 * @param {any} left
 * @param {any} right
 * @param {string} path
 * @param {string[]} found
 */
function walk(left, right, path, found) {
  if (left === right) return;
  if (typeof left === "object" && typeof right === "object" && left !== null && right !== null) {
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      walk(left[key], right[key], path === "" ? key : `${path}.${key}`, found);
    }
    return;
  }
  found.push(`${path}: ${JSON.stringify(left)} | ${JSON.stringify(right)}`);
}

/**
 * Without what a snapshot does not carry: whether drawing is held back (mode 2026), because a program that does so and
 * is gone would leave a viewer with a blank screen; and what lies outside the screen, where no sequence can put it: tab
 * stops, a saved cursor (brought back, it is inside again), cells of the second screen that a wider one shows again.
 * An underline that is on but has no style, which a restored cursor can leave, shows nothing and is not carried either.
 * Nor does it carry a right half of a wide character that has lost its left one; that the oldest line it holds continues
 * one that is gone; and how many charsets were named, beyond those that are other than ASCII.
 * @param {State} state
 * @returns {State}
 */
export function carried(state) {
  /** @param {any} buffer */
  const within = ({ saved, tabs, lines, hidden: _, ...rest }) => ({
    ...rest,
    lines: lines
      .map(wholeCharacters)
      .map((/** @type {string} */ line, /** @type {number} */ i) =>
        i === 0 ? line.replace(/^\+/, "") : line,
      ),
    tabs: tabs.filter((/** @type {number} */ col) => col < state.cols),
    saved: {
      ...saved,
      charsets: named(saved.charsets),
      x: Math.min(saved.x, state.cols - 1),
      y: Math.min(saved.y, state.rows - 1),
    },
  });
  return {
    ...state,
    modes: { ...state.modes, synchronized: false },
    charsets: named(state.charsets),
    pen: shown(state.pen),
    primary: within(state.primary),
    secondary: within(state.secondary),
  };
}

/** @param {string} charsets */
const named = (charsets) => charsets.replace(/B+$/, "");

/** @param {string} look */
const shown = (look) => look.replace(/,u0(,c[^,}]*)?/g, "");

const LONE_HALVES = /(?<!\u0003(\{[^}]*\})?)\u0001/g;

/** @param {string} line */
function wholeCharacters(line) {
  if (!line.includes("\u0001")) return shown(line);
  return shown(line)
    .replace(LONE_HALVES, "\0")
    .replace(/(\{-,-,\})?\0+$/, "");
}

/**
 * Differences at the end that come from what lay outside the screen at the cut and is inside later, after a resize or
 * an erased scrollback: where the saved cursor is, and tab stops.
 * @param {string} difference
 */
export const cameFromOutside = (difference) =>
  /^(primary|secondary)\.(saved\.[xy]|tabs\.\d+):/.test(difference);
