// What a case is: a name, a size, and what happens to the terminal, in order.

/**
 * @typedef {string | Uint8Array | [number, number]} Step output, or a new size
 * @typedef {{ name: string, cols: number, rows: number, scrollback: number, steps: Step[] }} Case
 */

/** Little, so that it overflows. */
const SCROLLBACK = 6;

/**
 * @param {string} about
 * @param {number} cols
 * @param {number} rows
 * @param {Record<string, Step | Step[]>} cases
 * @returns {Case[]}
 */
export function group(about, cols, rows, cases) {
  return Object.entries(cases).map(([name, steps]) => ({
    name: `${about}: ${name}`,
    cols,
    rows,
    scrollback: SCROLLBACK,
    steps:
      Array.isArray(steps) && typeof steps[0] !== "number"
        ? /** @type {Step[]} */ (steps)
        : [/** @type {Step} */ (steps)],
  }));
}

/**
 * Lines of digits, each another: `11111`, `22222`, …
 * @param {number} count
 * @param {number} length
 */
export function lines(count, length) {
  return Array.from({ length: count }, (_, i) => String.fromCharCode(0x61 + i).repeat(length)).join("\r\n");
}

/** @param {number[]} bytes */
export const raw = (...bytes) => Uint8Array.from(bytes);
