// The keys a touch keyboard lacks, as the bytes a terminal sends for them.

export interface ExtraKey {
  name: string;
  face: string;
  // Normal and application cursor mode.
  normal: string;
  application: string;
}

const key = (name: string, face: string, normal: string, application = normal): ExtraKey => ({
  name,
  face,
  normal,
  application,
});

export const ESCAPE = key("Escape", "Esc", "\x1b");
export const TAB = key("Tab", "Tab", "\t");
export const INTERRUPT = key("Control C", "^C", "\x03");
export const ARROWS = [
  key("Left", "←", "\x1b[D", "\x1bOD"),
  key("Up", "↑", "\x1b[A", "\x1bOA"),
  key("Down", "↓", "\x1b[B", "\x1bOB"),
  key("Right", "→", "\x1b[C", "\x1bOC"),
];

// What Ctrl held down makes of typed text. Only a single character has a control form; a word from a touch keyboard's
// suggestions, or an escape sequence, stays as it is.
export function withControl(text: string): string {
  const code = text.toUpperCase().charCodeAt(0);
  if (text.length !== 1) return text;
  if (text === "?") return "\x7f";
  if (text === " ") return "\0";
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : text;
}

// Mouse and focus reports leave by the same door as typing, but nobody typed.
export function isReport(data: string): boolean {
  return data.startsWith("\x1b[<") || data.startsWith("\x1b[M") || data === "\x1b[I" || data === "\x1b[O";
}
