// The room for the terminal in the page, and drawing a session of any size in it: letterboxed when smaller, in smaller
// letters when larger, scrolled when even those do not suffice. Must never change the session's size.

import type { Terminal } from "@xterm/xterm";
import { drawIn, measureCell, normalFont, SCROLLBAR_WIDTH } from "./emulator";
import { type Box, fitSize, fontFor, type Size, smallerFont } from "./size";

// A cell's size at the normal font depends only on the font and the screen's density.
let normalCell: { cell: Box; ratio: number } | null = null;

function cellAtNormal(): Box {
  if (normalCell === null || normalCell.ratio !== devicePixelRatio) {
    normalCell = { cell: measureCell(), ratio: devicePixelRatio };
  }
  return normalCell.cell;
}

export class Stage {
  readonly #room: HTMLElement;
  readonly #place: HTMLElement;
  readonly #term: Terminal;
  #layingOut = false;

  constructor(room: HTMLElement, term: Terminal) {
    this.#room = room;
    this.#term = term;
    this.#place = document.createElement("div");
    this.#place.className = "screen";
    room.append(this.#place);
    drawIn(term, this.#place, () => {
      normalCell = null;
      this.layOut();
    });
    this.layOut();
  }

  // What this page would hold at the normal font.
  get fit(): Size {
    return fitSize(boxIn(this.#room), cellAtNormal());
  }

  // Trying fonts changes the terminal's dimensions, which asks for a layout again.
  layOut(): void {
    const box = boxIn(this.#room);
    if (this.#layingOut || box.width <= 0 || box.height <= 0) return;
    this.#layingOut = true;
    this.#drawIn(box);
    this.#layingOut = false;
  }

  #drawIn(box: Box): void {
    let font: number | null = fontFor(this.#term, box, cellAtNormal(), normalFont());
    let canvas = this.#canvasAt(font);
    while (canvas.width > box.width || canvas.height > box.height) {
      font = smallerFont(font);
      if (font === null) break;
      canvas = this.#canvasAt(font);
    }
    this.#place.style.width = `${Math.ceil(canvas.width) + SCROLLBAR_WIDTH}px`;
    this.#place.style.height = `${Math.ceil(canvas.height)}px`;
  }

  #canvasAt(font: number): Box {
    if (this.#term.options.fontSize !== font) this.#term.options.fontSize = font;
    return this.#term.dimensions?.css.canvas ?? { width: 0, height: 0 };
  }
}

// The size a session should be opened with: what the terminal screen would hold, laid out out of sight.
export function openingSize(): Size {
  const part = (className: string) => Object.assign(document.createElement("div"), { className });
  const [screen, room] = [part("session measure"), part("room")];
  screen.append(part("bar"), room, part("keys"));
  document.body.append(screen);
  const fit = fitSize(boxIn(room), cellAtNormal());
  screen.remove();
  return fit;
}

function boxIn(room: HTMLElement): Box {
  const style = getComputedStyle(room);
  const sides = Number.parseFloat(style.paddingLeft) + Number.parseFloat(style.paddingRight);
  const ends = Number.parseFloat(style.paddingTop) + Number.parseFloat(style.paddingBottom);
  return { width: room.clientWidth - sides - SCROLLBAR_WIDTH, height: room.clientHeight - ends };
}
