// The way of output into the terminal, in order: bytes, sizes, gaps. Knows what has been drawn and what is replay.
// Must never write a byte it was not given, except the two controls that make a gap safe.

import type { Size } from "./size";

// What the feed needs of xterm.js.
export interface Screen {
  write(data: string | Uint8Array, drawn: () => void): void;
  resize(cols: number, rows: number): void;
  reset(): void;
}

// CAN ends an escape sequence or character the gap cut in two, SGR 0 the colours it was about to end.
const AFTER_GAP = "\x18\x1b[0m";

export class Feed {
  readonly #screen: Screen;
  readonly #onDrawn: (offset: number) => void;
  #drawn = 0;
  #replay = { from: 0, to: 0 };

  constructor(screen: Screen, onDrawn: (offset: number) => void) {
    this.#screen = screen;
    this.#onDrawn = onDrawn;
  }

  // Offset up to which the terminal shows the output.
  get drawn(): number {
    return this.#drawn;
  }

  // Whether the bytes being parsed right now were written before this page attached.
  get replaying(): boolean {
    return this.#drawn >= this.#replay.from && this.#drawn < this.#replay.to;
  }

  attached(from: number, to: number): void {
    if (this.#drawn === 0) this.#drawn = from;
    this.#replay = { from, to };
  }

  output(offset: number, bytes: Uint8Array): void {
    // Cut where replay ends, so that `replaying` is exact for every byte.
    const cut = this.#replay.to - offset;
    if (cut > 0 && cut < bytes.length) {
      this.#write(offset + cut, bytes.subarray(0, cut));
      this.#write(offset + bytes.length, bytes.subarray(cut));
    } else {
      this.#write(offset + bytes.length, bytes);
    }
  }

  gap(to: number): void {
    this.#write(to, AFTER_GAP);
  }

  // In order with the output: xterm.js parses all pending writes before it applies a resize, and what is written
  // later is parsed at the new size. (Not inside a write callback: there it would apply before the writes in between.)
  resize(size: Size): void {
    this.#screen.resize(size.cols, size.rows);
  }

  snapshot(offset: number, size: Size, bytes: Uint8Array): void {
    this.resize(size);
    this.#screen.reset();
    this.#write(offset, bytes);
  }

  startOver(): void {
    this.#screen.reset();
    this.#drawn = 0;
  }

  #write(end: number, data: string | Uint8Array): void {
    this.#screen.write(data, () => {
      this.#drawn = end;
      this.#onDrawn(end);
    });
  }
}
