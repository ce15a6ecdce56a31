// Arithmetic between cells and pixels: how much a window holds, and how small the letters must be to show it all.
// Pure; a box is the room for the terminal itself.

export interface Size {
  cols: number;
  rows: number;
}

export interface Box {
  width: number;
  height: number;
}

// What the contract allows.
const MOST_CELLS = 1000;

// Below this a shell is of no use; a window that small scrolls instead.
const LEAST: Size = { cols: 20, rows: 4 };

// Letters smaller than this cannot be read; a session larger than that scrolls.
const SMALLEST_FONT = 6;
const FONT_STEP = 0.5;

export function sameSize(a: Size, b: Size): boolean {
  return a.cols === b.cols && a.rows === b.rows;
}

export function fitSize(box: Box, cell: Box): Size {
  const clamp = (value: number, least: number) => Math.min(MOST_CELLS, Math.max(least, Math.floor(value)));
  return {
    cols: clamp(box.width / cell.width, LEAST.cols),
    rows: clamp(box.height / cell.height, LEAST.rows),
  };
}

// The largest font up to `normal` at which `size` fits the box, going by the cell measured at `normal`.
export function fontFor(size: Size, box: Box, cell: Box, normal: number): number {
  const scale = Math.min(box.width / (size.cols * cell.width), box.height / (size.rows * cell.height), 1);
  return Math.max(SMALLEST_FONT, Math.floor((normal * scale) / FONT_STEP) * FONT_STEP);
}

// The next smaller font to try when rounding made the cells wider than the ratio promised, or null at the end.
export function smallerFont(font: number): number | null {
  return font - FONT_STEP >= SMALLEST_FONT ? font - FONT_STEP : null;
}
