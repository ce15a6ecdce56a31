// Bounds how often a program can make xterm.js do one thing with one sequence. It counts to whatever a program says, up
// to 2^31, and the page stands still for minutes meanwhile. Beyond what the screen holds nothing more is seen anyway.

import type { Terminal } from "@xterm/xterm";
import { inside } from "./inside";

// Insert, delete and scroll lines.
const BY_LINE = ["L", "M", "S", "T", "^"];
// Go to the next and the previous tab stop.
const BY_COLUMN = ["I", "Z"];
// Repeat the last character; it may fill the screen, as in xterm.
const BY_CELL = ["b"];

export function boundRepetition(term: Terminal): void {
  const bound = (finals: string[], most: () => number) => {
    for (const final of finals) {
      inside(term).registerCsiHandler({ final }, ({ params }) => {
        params[0] = Math.min(params[0] ?? 0, most());
        return false;
      });
    }
  };
  bound(BY_LINE, () => term.rows);
  bound(BY_COLUMN, () => term.cols);
  bound(BY_CELL, () => term.cols * term.rows);
}
