// What a terminal holds, in a form two terminals can be compared in. src/terminal/screen/inspect.rs gives the same.
//
// A line is a string: runs of cells of one style, each `{style}` and then its cells. A cell is its character, or `\0`
// when it was never written or was erased, or `\u0001` when it is the right half of a wide character, or else
// `\u0002 width characters \u0003`. Cells never written at the end of the line, in the default style, are left out.
// A `+` in front of the line says that it continues the one before it.

import headless from "@xterm/headless";

const WIDTH_SHIFT = 22;
const CODEPOINT = 0x1fffff;
const COMBINED = 0x200000;
const EXTENDED = 0x10000000;
const UNDERLINE = 0x10000000;
const COLOR_MODE = 0x3000000;
const UNDERLINE_SHIFT = 26;

/** What is on in `fg` and in `bg`, by letter. @type {[number, string][]} */
const FG_FLAGS = [
  [0x8000000, "B"],
  [0x20000000, "K"],
  [0x4000000, "V"],
  [0x40000000, "H"],
  [0x80000000, "S"],
];
/** @type {[number, string][]} */
const BG_FLAGS = [
  [0x8000000, "D"],
  [0x4000000, "I"],
  [0x40000000, "O"],
  [0x20000000, "P"],
];

/** @param {number} value */
function color(value) {
  switch ((value & COLOR_MODE) >>> 24) {
    case 0:
      return "-";
    case 1:
      return `a${value & 0xff}`;
    case 2:
      return `p${value & 0xff}`;
    default:
      return `#${(value & 0xffffff).toString(16).padStart(6, "0")}`;
  }
}

/**
 * @typedef {{ _ext: number, _urlId: number }} Extended
 * @typedef {import("./client.mjs").Client} Client
 */

/**
 * @param {number} fg
 * @param {number} bg
 * @param {Extended | undefined} extended
 * @param {Client["links"]} links
 * @param {boolean} pen what is drawn next: its underline's colour counts also while nothing is underlined
 */
function style(fg, bg, extended, links, pen) {
  const underlined = (fg & UNDERLINE) !== 0;
  const kept = extended && (bg & EXTENDED) !== 0 ? extended : undefined;
  let text = `${color(fg)},${color(bg)},`;
  for (const [flag, letter] of FG_FLAGS) if (fg & flag) text += letter;
  for (const [flag, letter] of BG_FLAGS) if (bg & flag) text += letter;
  if (underlined) text += `,u${kept ? (kept._ext >>> UNDERLINE_SHIFT) & 7 : 1}`;
  const underlineColor = pen ? extended : underlined ? kept : undefined;
  if (underlineColor && (underlineColor._ext & 0x3ffffff) !== 0) text += `,c${color(underlineColor._ext)}`;
  if (kept?._urlId) {
    const link = links.get(kept._urlId);
    text += `,l${link?.id ?? ""};${link?.uri ?? ""}`;
  }
  return text;
}

export const PLAIN = "-,-,";

/**
 * The cells of a line from one column to another.
 * @param {any} line
 * @param {number} from
 * @param {number} to
 * @param {Client["links"]} links
 */
function lineText(line, from, to, links) {
  const data = line._data;
  let length = Math.min(line.length, to);
  const never = 1 << WIDTH_SHIFT;
  while (
    length > from &&
    data[length * 3 - 3] === never &&
    data[length * 3 - 2] === 0 &&
    (data[length * 3 - 1] === 0 ||
      (data[length * 3 - 1] === EXTENDED && !line._extendedAttrs[length - 1]._urlId))
  ) {
    length--;
  }
  let text = from === 0 && line._isWrapped ? "+" : "";
  let fg = -1;
  let bg = -1;
  /** @type {Extended | undefined} */
  let extended;
  let before = "";
  for (let i = from; i < length; i++) {
    const content = data[i * 3];
    const itsExtended = data[i * 3 + 2] & EXTENDED ? line._extendedAttrs[i] : undefined;
    if (data[i * 3 + 1] !== fg || data[i * 3 + 2] !== bg || itsExtended !== extended) {
      fg = data[i * 3 + 1];
      bg = data[i * 3 + 2];
      extended = itsExtended;
      const its = style(fg, bg, extended, links, false);
      if (its !== before) text += `{${its}}`;
      before = its;
    }
    const width = content >>> WIDTH_SHIFT;
    const point = content & CODEPOINT;
    if (content & COMBINED) text += `\u0002${width}${line._combined[i]}\u0003`;
    else if (point === 0 && width === 1) text += "\0";
    else if (point === 0 && width === 0) text += "\u0001";
    else if (width === 1) text += String.fromCodePoint(point);
    else text += `\u0002${width}${point ? String.fromCodePoint(point) : ""}\u0003`;
  }
  return text;
}

/** The sets ESC ( can name, by what xterm.js holds for them. @type {Map<unknown, string> | undefined} */
let charsetNames;
const CHARSETS = "0AB4C5RQKYE6ZH7=";

function namesOfCharsets() {
  if (charsetNames) return charsetNames;
  const names = new Map();
  const term = new headless.Terminal({ allowProposedApi: true, logLevel: "off" });
  const core = /** @type {any} */ (term)._core;
  for (const name of CHARSETS) {
    core._inputHandler.parse(`\x1b(${name}`);
    const charset = core._charsetService.charsets[0];
    if (!names.has(charset)) names.set(charset, name);
  }
  names.set(undefined, "B");
  term.dispose();
  charsetNames = names;
  return names;
}

/** As many as were ever named: DECRC brings back no more than that. @param {any[]} charsets */
function charsetsOf(charsets) {
  const names = namesOfCharsets();
  return Array.from(charsets, (charset) => names.get(charset) ?? "?").join("");
}

/**
 * @param {any} buffer
 * @param {number} cols
 * @param {Client["links"]} links
 */
function bufferState(buffer, cols, links) {
  const lines = [];
  const hidden = [];
  for (let y = 0; y < buffer.lines.length; y++) {
    const line = buffer.lines.get(y);
    // A line that reflow lost; there is nothing to compare it with, and it is told.
    lines.push(line ? lineText(line, 0, cols, links) : "(lost)");
    hidden.push(line ? lineText(line, cols, line.length, links) : "");
  }
  return {
    base: buffer.ybase,
    x: buffer.x,
    y: buffer.y,
    top: buffer.scrollTop,
    bottom: buffer.scrollBottom,
    tabs: Object.keys(buffer.tabs)
      .map(Number)
      .filter((col) => buffer.tabs[col]),
    saved: {
      x: buffer.savedX,
      y: Math.max(0, buffer.savedY - buffer.ybase),
      pen: style(buffer.savedCurAttrData.fg, buffer.savedCurAttrData.bg & ~EXTENDED, undefined, links, false),
      charsets: charsetsOf(buffer.savedCharsets),
      glevel: buffer.savedGlevel,
      origin: buffer.savedOriginMode,
      wrap: buffer.savedWraparoundMode,
    },
    lines,
    hidden: hidden.some((text) => text !== "") ? hidden : [],
  };
}

/**
 * What decides whether the next character joins the one before: its class and how wide it is; 0 when there is none.
 * @param {number} preceding
 */
const joinOf = (preceding) => (preceding === 0 ? 0 : (((preceding >> 1) & 3) << 4) | ((preceding >> 3) & 15));

/** @param {Client} client */
export function stateOf(client) {
  const { core, links, colors } = client;
  const { decPrivateModes, modes, kittyKeyboard, isCursorHidden } = core.coreService;
  const pen = core._inputHandler._curAttrData;
  const { normal, alt, active } = core.buffers;
  return {
    cols: core.cols,
    rows: core.rows,
    alternate: active === alt,
    primary: bufferState(normal, core.cols, links),
    secondary: bufferState(alt, core.cols, links),
    pen: style(pen.fg, pen.bg, pen.extended, links, true),
    charsets: charsetsOf(core._charsetService.charsets),
    glevel: core._charsetService.glevel,
    modes: {
      applicationCursor: decPrivateModes.applicationCursorKeys,
      applicationKeypad: decPrivateModes.applicationKeypad,
      bracketedPaste: decPrivateModes.bracketedPasteMode,
      colorScheme: decPrivateModes.colorSchemeUpdates,
      cursorHidden: isCursorHidden,
      focus: decPrivateModes.sendFocus,
      insert: modes.insertMode,
      newline: core.options.convertEol,
      origin: decPrivateModes.origin,
      reverseWrap: decPrivateModes.reverseWraparound,
      synchronized: decPrivateModes.synchronizedOutput,
      wrap: decPrivateModes.wraparound,
    },
    cursorStyle: decPrivateModes.cursorStyle ?? "default",
    cursorBlink: decPrivateModes.cursorBlink ?? null,
    mouse: `${core.mouseStateService.activeProtocol} ${core.mouseStateService.activeEncoding}`,
    kitty: {
      flags: kittyKeyboard.flags,
      primary: kittyKeyboard.mainFlags,
      secondary: kittyKeyboard.altFlags,
      primaryStack: [...kittyKeyboard.mainStack],
      secondaryStack: [...kittyKeyboard.altStack],
    },
    title: core._inputHandler._windowTitle,
    colors: Object.fromEntries([...colors].sort(([a], [b]) => a - b)),
    join: joinOf(core._inputHandler._parser.precedingJoinState),
  };
}
