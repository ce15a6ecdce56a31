// Random output out of everything the client's terminal understands, and things it does not.

import { Random } from "./random.mjs";

/** @typedef {import("../cases/case.mjs").Step} Step */

const SIZES = /** @type {const} */ ([
  [10, 4],
  [20, 6],
  [80, 24],
]);
/** Little, so that it overflows. */
const SCROLLBACK = 20;

const WORDS = ["a", "bc", "def", " ", "hello world", "0123456789", "~", "the quick brown fox jumps", "_q"];
const WIDE = ["日", "本語", "한", "😀", "ＡＢ", "ｱ", "漢字漢字漢字"];
const CLUSTERS = [
  "e\u0301",
  "👨‍👩‍👧",
  "👍🏽",
  "🇩🇪",
  "❤\ufe0f",
  "\u0301",
  "\u200d",
  "क्षि",
  "1\ufe0f\u20e3",
  "a\u0301\u0323",
  "🇩",
  "\u1112\u1161",
];
const OTHER = ["é", "ß", "─│┌", "\u00ad", "\ufeff", "\u00a0", "\u{10ffff}", "±"];
const CONTROLS = [
  "\r",
  "\n",
  "\r\n",
  "\b",
  "\t",
  "\x0e",
  "\x0f",
  "\x0b",
  "\x0c",
  "\0",
  "\x7f",
  "\x07",
  "\x18",
  "\u0084",
  "\u0085",
  "\u0088",
];
const CSI_FINALS = "@ABCDEFGHIJKLMPSTXZ^`abdefghlmnrsu".split("");
const MODES = [
  1, 3, 5, 6, 7, 9, 12, 25, 45, 47, 66, 1000, 1002, 1003, 1004, 1006, 1016, 1047, 1048, 1049, 2004, 2026,
  2031,
];
const SGR = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 21, 22, 23, 24, 25, 27, 28, 29, 31, 39, 42, 49, 53, 55, 59, 93, 104, 221, 222,
];
const SGR_LONG = [
  "38;5;9",
  "48;5;200",
  "38;2;1;2;3",
  "48;2;9;8;7",
  "4:3",
  "4:2",
  "4:0",
  "58;5;9",
  "58:2::1:2:3",
  "38:5:4",
  "48:2:1:2:3",
  "38;5",
  "38",
];
const DESIGNATED = ["(0", "(B", ")0", ")B", "*0", "+A", "(K", "-0", ".A", "/0"];
const ESCAPES = [
  "7",
  "8",
  "D",
  "E",
  "H",
  "M",
  "=",
  ">",
  "n",
  "o",
  "|",
  "}",
  "~",
  "%@",
  "%G",
  "#8",
  "\\",
  "Z",
];
const TOLD = [
  "0;both",
  "2;a title",
  "8;;http://a",
  "8;;",
  "8;id=x;http://b",
  "4;1;#ff0000",
  "4;3;rgb:0/8/f",
  "10;#010203",
  "11;#040506;#070809",
  "12;#0a0b0c",
  "104",
  "104;1",
  "110",
  "111",
  "112",
  "7;file:///x",
  "133;A",
  "99",
];
const STRINGS = ["\x1bP$qm\x1b\\", "\x1bPq#1~\x1b\\", "\x1b_Gx\x1b\\", "\x1b^pm\x1b\\", "\x1bP1$txx\x18"];
const MARKED = [" @", " A", "'}", "'~", " q", '"q', "!p", "$p"];
const BROKEN = [[0xc3], [0xe6, 0x97], [0xf0, 0x9f, 0x98], [0x80], [0xff], [0xed, 0xa0, 0x80], [0xc0, 0xaf]];

/**
 * @param {Random} random
 * @param {number} most
 */
function number(random, most) {
  if (random.chance(0.02)) return String(random.of([99999, 2147483647, 4294967296]));
  return random.chance(0.2) ? "" : String(random.between(0, most));
}

/**
 * @param {Random} random
 * @param {number} cols
 * @param {number} rows
 */
function csi(random, cols, rows) {
  const final = random.of(CSI_FINALS);
  switch (final) {
    case "m": {
      const parts = Array.from({ length: random.between(1, 3) }, () =>
        random.chance(0.5) ? random.of(SGR) : random.of(SGR_LONG),
      );
      return `\x1b[${parts.join(";")}m`;
    }
    case "H":
    case "f":
      return `\x1b[${number(random, rows + 1)};${number(random, cols + 1)}${final}`;
    case "r":
      return random.chance(0.3) ? "\x1b[r" : `\x1b[${number(random, rows)};${number(random, rows + 1)}r`;
    case "h":
    case "l":
      if (random.chance(0.1)) return `\x1b[${random.of([4, 20])}${final}`;
      return `\x1b[?${random.of(MODES)}${random.chance(0.2) ? `;${random.of(MODES)}` : ""}${final}`;
    case "J":
    case "K":
      return `\x1b[${random.of(["", "?"])}${random.of(["", "0", "1", "2", "3"])}${final}`;
    case "g":
      return `\x1b[${random.of(["", "0", "3"])}g`;
    case "u":
      return random.of([
        "\x1b[u",
        "\x1b[>1u",
        "\x1b[>7u",
        "\x1b[<u",
        "\x1b[<2u",
        "\x1b[=5u",
        "\x1b[=2;2u",
        "\x1b[=1;3u",
        "\x1b[?u",
      ]);
    default:
      return `\x1b[${number(random, random.chance(0.3) ? cols : 4)}${final}`;
  }
}

/**
 * @param {Random} random
 * @param {number} cols
 * @param {number} rows
 * @returns {Step}
 */
function piece(random, cols, rows) {
  const kind = random.next();
  if (kind < 0.22) return random.of(WORDS);
  if (kind < 0.3) return random.of(WIDE);
  if (kind < 0.36) return random.of(CLUSTERS);
  if (kind < 0.38) return random.of(OTHER);
  if (kind < 0.5) return random.of(CONTROLS);
  if (kind < 0.8) return csi(random, cols, rows);
  if (kind < 0.86) return `\x1b${random.of(ESCAPES)}`;
  if (kind < 0.89) return `\x1b[${number(random, 4)}${random.of(MARKED)}`;
  if (kind < 0.91) return `\x1b${random.of(DESIGNATED)}`;
  if (kind < 0.935) return `\x1b]${random.of(TOLD)}${random.of(["\x07", "\x1b\\", "\u009c"])}`;
  if (kind < 0.945) return random.of(STRINGS);
  if (kind < 0.955) return Uint8Array.from(random.of(BROKEN));
  if (kind < 0.957) return "\x1bc";
  if (kind < 0.97) return random.of(WORDS).repeat(random.between(2, 12));
  if (kind < 0.985) return "line\r\n".repeat(random.between(1, 30));
  return [random.between(2, cols * 2), random.between(1, rows * 2)];
}

/**
 * @param {number} seed
 * @returns {import("../cases/case.mjs").Case}
 */
export function sequence(seed) {
  const random = new Random(seed);
  const [cols, rows] = random.of(SIZES);
  const steps = Array.from({ length: random.between(5, 60) }, () => piece(random, cols, rows));
  return { name: `seed ${seed}`, cols, rows, scrollback: SCROLLBACK, steps };
}
