// The terminal people see: xterm.js without a page, set up as web/src/terminal/emulator.ts sets it up.

import { fileURLToPath } from "node:url";
import headless from "@xterm/headless";
import { buildSync } from "esbuild";
import { stateOf } from "./state.mjs";

const grapheme = await asInABrowser(() => import("@xterm/addon-unicode-graphemes"));

// The client's own bound on repetition, not a copy of it.
const repetition = new URL("../../../web/src/terminal/repetition.ts", import.meta.url);
const built = buildSync({
  entryPoints: [fileURLToPath(repetition)],
  bundle: true,
  format: "esm",
  write: false,
});
const code = built.outputFiles[0]?.text ?? "";
const { boundRepetition } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

/** @typedef {{ type: number, index?: number, color?: [number, number, number] }} ColorChange */
const SET = 1;
const RESTORE = 2;
const ANSI_COLORS = 256;

/** What the lines' ring does to set one, before it is corrected. @type {((index: number, line: unknown) => void) | undefined} */
let original;

/**
 * @this {{ set: unknown }}
 * @param {number} index
 * @param {unknown} line
 */
function setInside(index, line) {
  if (index >= 0) original?.call(this, index, line);
}

export class Client {
  /** Every link a program named. xterm.js forgets a link when the line it began on is erased.
   * @type {Map<number, { id?: string, uri: string }>} */
  links = new Map();
  /** What the page's theme would hold. @type {Map<number, string>} */
  colors = new Map();

  /**
   * @param {number} cols
   * @param {number} rows
   * @param {number} scrollback
   * @param {boolean} corrected without what known.mjs lists as wrong in xterm.js
   */
  constructor(cols, rows, scrollback, corrected = true) {
    this.corrected = corrected;
    this.term = new headless.Terminal({
      cols,
      rows,
      scrollback,
      allowProposedApi: true,
      logLevel: "off",
      vtExtensions: { kittyKeyboard: true },
    });
    this.term.loadAddon(new grapheme.default.UnicodeGraphemesAddon());
    boundRepetition(this.term);
    /** @type {any} What xterm.js holds and does not show. */
    this.core = /** @type {any} */ (this.term)._core;
    const ring = Object.getPrototypeOf(this.core.buffers.normal.lines);
    original ??= ring.set;
    ring.set = corrected ? setInside : original;
    const links = this.core._oscLinkService;
    const register = links.registerLink.bind(links);
    links.registerLink = (/** @type {{ id?: string, uri: string }} */ link) => {
      const number = register(link);
      this.links.set(number, link);
      return number;
    };
    this.core._inputHandler.onColor((/** @type {ColorChange[]} */ changes) => this.#recolor(changes));
  }

  /** @param {ColorChange[]} changes */
  #recolor(changes) {
    for (const change of changes) this.#color(change);
  }

  /** @param {ColorChange} change */
  #color({ type, index, color }) {
    if (type === SET && index !== undefined && color) {
      this.colors.set(index, `#${color.map((part) => part.toString(16).padStart(2, "0")).join("")}`);
    } else if (type === RESTORE && index !== undefined) {
      this.colors.delete(index);
    } else if (type === RESTORE) {
      for (let i = 0; i < ANSI_COLORS; i++) this.colors.delete(i);
    }
  }

  /** @param {Uint8Array} bytes */
  feed(bytes) {
    // Without the queue in front of it: what comes in one piece is parsed in one piece, at once.
    if (bytes.length > 0) this.core._inputHandler.parse(bytes);
  }

  /**
   * @param {number} cols
   * @param {number} rows
   */
  resize(cols, rows) {
    this.term.resize(cols, rows);
    const { lines } = this.core.buffers.alt;
    if (this.corrected && lines.length === 0) lines.maxLength = this.term.rows;
  }

  state() {
    return stateOf(this);
  }

  dispose() {
    this.term.dispose();
  }
}

/**
 * The addon reads its table of widths through Node's `Buffer` where there is one, and reads it from the wrong place:
 * beyond the basic plane everything is then one column wide. Browsers have none, and there it is right.
 * @template T
 * @param {() => Promise<T>} work
 */
async function asInABrowser(work) {
  const kept = globalThis.Buffer;
  Reflect.deleteProperty(globalThis, "Buffer");
  try {
    return await work();
  } finally {
    globalThis.Buffer = kept;
  }
}
