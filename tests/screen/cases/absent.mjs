// What xterm does and the client does otherwise or not at all. Where programs use it, people see what the client makes
// of it, and so must our screen. From the tests of esctest2 that both fail.

import { group, lines } from "./case.mjs";

const SCREEN = lines(6, 8);
const MARGINS = "\x1b[?69h\x1b[3;6s";
/** @param {string} bytes */
const within = (bytes) => [SCREEN, MARGINS, `\x1b[2;4H${bytes}x`];
/** @param {string} bytes */
const onScreen = (bytes) => [SCREEN, "\x1b[3;3H", `${bytes}x`];

export default [
  ...group("left and right margins", 10, 6, {
    // DECSLRM is taken for the saving of the cursor, whatever its parameters.
    "save the cursor": [SCREEN, "\x1b[2;3H\x1b[?69h\x1b[3;6s\x1b[5;5H\x1b[ux"],
    printing: within("1234567890"),
    BS: within("\b\b\b\b"),
    CR: within("\r"),
    "CUB CUF": within("\x1b[9D\x1b[9C"),
    "CNL CPL": within("\x1b[E\x1b[F"),
    CHT: within("\x1b[I"),
    "DCH ICH": within("\x1b[2P\x1b[3@"),
    "DECDC DECIC": within("\x1b[2'~\x1b[3'}"),
    "DL IL": within("\x1b[M\x1b[2L"),
    "SU SD": within("\x1b[S\x1b[2T"),
    "IND RI NEL": within("\x1bD\x1bM\x1bE"),
    REP: within("y\x1b[9b"),
    IRM: within("\x1b[4hyyy"),
    "origin mode": [
      SCREEN,
      MARGINS,
      "\x1b[2;4r\x1b[?6h\x1b[1;1Hx\x1b[99;99Hy\x1b[2dz\x1b[2Gw\x1b[2aw\x1b[2ew",
    ],
    "taken back": [SCREEN, MARGINS, "\x1b[?69l\x1b[2;4H1234567890"],
  }),
  ...group("rectangles", 10, 6, {
    DECCRA: onScreen("\x1b[1;1;3;3;1;4;4;1$v"),
    DECERA: onScreen("\x1b[2;2;4;4$z"),
    DECFRA: onScreen("\x1b[37;2;2;4;4$x"),
    DECSERA: onScreen("\x1b[2;2;4;4${"),
    "DECCARA DECRARA": onScreen("\x1b[2;2;4;4;1$r\x1b[2;2;4;4;7$t"),
    DECRQCRA: onScreen("\x1b[1;1;1;1;6;8*y"),
    DECSACE: onScreen("\x1b[2*x"),
  }),
  ...group("columns", 10, 6, {
    DECBI: onScreen("\x1b6\x1b6\x1b6\x1b6"),
    DECFI: onScreen("\x1b9\x1b9\x1b9\x1b9\x1b9\x1b9\x1b9\x1b9"),
    DECNCSM: [SCREEN, "\x1b[?95h\x1b[?40h\x1b[?3hx"],
    DECCOLM: [SCREEN, "\x1b[2;3r\x1b[?40h\x1b[?3hx\x1b[?3ly"],
    DECSCPP: onScreen("\x1b[132$|"),
    DECSLPP: onScreen("\x1b[30t"),
    DECSNLS: onScreen("\x1b[30*|"),
  }),
  ...group("protection of ISO", 10, 6, {
    EL: ["ab\x1bVcd\x1bWef", "\x1b[2Kx"],
    ED: ["ab\x1bVcd\x1bWef", "\x1b[2Jx"],
    ECH: ["ab\x1bVcd\x1bWef", "\r\x1b[6Xx"],
    DECSEL: ["ab\x1bVcd\x1bWef", "\x1b[?2Kx"],
    DECSED: ["ab\x1bVcd\x1bWef", "\x1b[?2Jx"],
    "as C1": ["ab\u0096cd\u0097ef", "\x1b[2Kx"],
  }),
  ...group("modes kept and brought back", 10, 6, {
    "autowrap set": ["\x1b[?7s\x1b[?7l\x1b[?7r1234567890xy"],
    "autowrap reset": ["\x1b[?7l\x1b[?7s\x1b[?7h\x1b[?7r1234567890xy"],
    all: ["\x1b[?s\x1b[?7l\x1b[?r1234567890xy"],
  }),
  ...group("wrapping back", 10, 6, {
    "from the top to the bottom": "\x1b[?45h\x1b[H\b\bx",
    "over a line that ended": "\x1b[?45hab\r\n\b\bx",
    "by CUB": "\x1b[?45h\x1b[3;2H\x1b[5Dx",
    "by CUB over a wrapped line": "\x1b[?45h123456789012\x1b[5Dx",
    "without autowrap": "\x1b[?7l\x1b[?45h1234567890\b\bx\x1b[2;1H\bx",
    extended: "\x1b[?1045hab\r\n\b\bx\x1b[H\bx",
    "more of it than lines": "\x1b[?45h1234567890123456789012345\x1b[99Dx",
  }),
  ...group("a line that is full", 10, 6, {
    "saved and restored": "1234567890\x1b7\x1b[5;5H\x1b8xy",
    "saved and restored by SCO": "1234567890\x1b[s\x1b[5;5H\x1b[uxy",
    "autowrap saved off": "\x1b[?7l\x1b7\x1b[?7h\x1b8\x1b[1;9Habcde",
    "autowrap saved on": "\x1b7\x1b[?7l\x1b8\x1b[1;9Habcde",
    "1049 there and back": "123456789\x1b[?1049h0\x1b[?1049labc",
    "1048 alone": "1234567890\x1b[?1048h\x1b[3;3H\x1b[?1048lx",
    "more fix": "\x1b[?41h123456789\tx",
  }),
  ...group("the second screen", 10, 6, {
    "47 is not cleared": [SCREEN, "\x1b[?47habc\x1b[?47l\x1b[?47hx\x1b[?47l"],
    "1047 is cleared when left": [SCREEN, "\x1b[?1047h\x1b[2;2Habc\x1b[?1047l\x1b[?47hx"],
    "47 entered, 1047 left": [SCREEN, "\x1b[?47h\x1b[2;2Habc\x1b[?1047l\x1b[?47hx"],
    "1046 forbids it": [SCREEN, "\x1b[?1046l\x1b[?1049hx\x1b[?1046h"],
  }),
  ...group("nothing of it", 10, 6, {
    DECALN: [SCREEN, "\x1b[2;4r\x1b[?6h\x1b#8\x1b[1;1Hx"],
    DECSCL: onScreen('\x1b[61"p\x1b[62;1"p\x1b[65;2"p'),
    DECID: onScreen("\x1bZ"),
    "special colours": onScreen("\x1b]5;0;#f00\x07\x1b]105\x07\x1b]4;256;#f00\x07"),
    "colours of X11": onScreen("\x1b]4;0;CIELab:1/1/1\x07\x1b]10;rgbi:1/0/0\x07"),
    "DSR of DEC": onScreen("\x1b[?15n\x1b[?25n\x1b[?26n\x1b[?53n\x1b[?62n\x1b[?63;1n\x1b[?75n\x1b[?85n"),
    "titles in hexadecimal": onScreen("\x1b[>0;1T\x1b]2;6162\x07\x1b[>0;1t"),
    "window operations": onScreen("\x1b[2t\x1b[1t\x1b[9;1t\x1b[9;0t\x1b[10;1t\x1b[4;100;100t\x1b[8;20;20t"),
    "C1 in seven bits": onScreen("\x1b G\x1b F"),
  }),
];
