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
 * @param {State} state
 * @returns {State}
 */
export function carried(state) {
  /** @param {any} buffer */
  const within = ({ saved, tabs, hidden: _, ...rest }) => ({
    ...rest,
    tabs: tabs.filter((/** @type {number} */ col) => col < state.cols),
    saved: { ...saved, x: Math.min(saved.x, state.cols - 1), y: Math.min(saved.y, state.rows - 1) },
  });
  return {
    ...state,
    modes: { ...state.modes, synchronized: false },
    primary: within(state.primary),
    secondary: within(state.secondary),
  };
}
