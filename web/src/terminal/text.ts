// The terminal's buffer as plain text: scrollback and screen, one line per logical line.

import type { IBuffer, IBufferLine } from "@xterm/xterm";

export function bufferText(buffer: IBuffer): string {
  const lines: string[] = [];
  let line = "";
  for (let y = 0; y < buffer.length; y++) {
    const row = buffer.getLine(y);
    if (row === undefined) break;
    const next = buffer.getLine(y + 1);
    if (next?.isWrapped) {
      line += fullRow(row, next);
    } else {
      lines.push((line + row.translateToString(true)).trimEnd());
      line = "";
    }
  }
  return lines.join("\n").trimEnd();
}

// A row that goes on in the next one keeps its spaces, but not the cell left empty because a wide character no
// longer fitted.
function fullRow(row: IBufferLine, next: IBufferLine): string {
  const last = row.getCell(row.length - 1);
  const left = last?.getChars() === "" && last.getWidth() === 1 && next.getCell(0)?.getWidth() === 2;
  return row.translateToString(false, 0, left ? row.length - 1 : row.length);
}
