// The way of output into the terminal, in order: bytes, sizes, snapshots. Knows what has been drawn. Must never write
// a byte it was not given, except the controls that make a terminal blank.

import type { Terminal } from "@xterm/xterm";
import { inside } from "./inside";
import type { Size } from "./size";

// What the feed needs of xterm.js.
export interface Screen {
  write(bytes: Uint8Array, drawn: () => void): void;
  // Draws all that was written, before it returns.
  flush(): void;
  // Takes effect at once.
  resize(cols: number, rows: number): void;
}

export function screenOf(term: Terminal): Screen {
  return {
    write: (bytes, drawn) => term.write(bytes, drawn),
    flush: () => inside(term)._writeBuffer.flushSync(),
    resize: (cols, rows) => term.resize(cols, rows),
  };
}

// What the terminal may be given ahead of what it has drawn. It draws a few frames' worth of that at a time; the rest
// waits here, where a snapshot can still make it unnecessary.
const AHEAD_BYTES = 64 * 1024;

// CAN ends an escape sequence that was cut off. RIS does not bring back a hidden cursor, nor the colours.
const BLANK = new TextEncoder().encode("\x18\x1b[?25h\x1b]104\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07\x1bc");

type Step = { bytes: Uint8Array; end: number } | { size: Size };

export class Feed {
  readonly #screen: Screen;
  readonly #onDrawn: (offset: number) => void;
  #waiting: Step[] = [];
  // Bytes given to the terminal and not drawn yet.
  #ahead = 0;
  #drawn = 0;

  constructor(screen: Screen, onDrawn: (offset: number) => void) {
    this.#screen = screen;
    this.#onDrawn = onDrawn;
  }

  // Offset up to which the terminal shows the output.
  get drawn(): number {
    return this.#drawn;
  }

  output(offset: number, bytes: Uint8Array): void {
    this.#waiting.push({ bytes, end: offset + bytes.length });
    this.#proceed();
  }

  // In order with the output: the bytes before were written for the old size.
  resize(size: Size): void {
    this.#waiting.push({ size });
    this.#proceed();
  }

  // The terminal shows this and nothing else. What was still to be drawn is not: the snapshot has it. All of it
  // happens at once, so that no frame shows a blank or half a screen.
  snapshot(offset: number, size: Size, bytes: Uint8Array): void {
    this.#waiting = [];
    this.#write(BLANK, this.#drawn);
    this.#screen.flush();
    this.#screen.resize(size.cols, size.rows);
    this.#write(bytes, offset);
    this.#screen.flush();
  }

  startOver(): void {
    this.#waiting = [];
    this.#write(BLANK, 0);
  }

  #proceed(): void {
    while (this.#ahead < AHEAD_BYTES) {
      const step = this.#waiting[0];
      if (step === undefined) return;
      // What was written before must have been drawn; its callback comes back here.
      if ("size" in step && this.#ahead > 0) return;
      this.#waiting.shift();
      if ("size" in step) this.#screen.resize(step.size.cols, step.size.rows);
      else this.#write(step.bytes, step.end);
    }
  }

  #write(bytes: Uint8Array, end: number): void {
    this.#ahead += bytes.length;
    this.#screen.write(bytes, () => {
      this.#ahead -= bytes.length;
      this.#drawn = end;
      this.#onDrawn(end);
      this.#proceed();
    });
  }
}
