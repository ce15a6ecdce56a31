// What somebody pastes, before it is typed. Must never let it press keys: of control characters only Tab and the ends of
// lines are left, as the server leaves them of the command `paste`; so it cannot end its own brackets either.

// C0 but Tab and line feed, DEL, C1.
// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is what this is for.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

export function cleaned(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(CONTROLS, "");
}

// Each end of a line is Enter to most programs: such a paste may run what nobody has read.
export function pressesEnter(text: string): boolean {
  return text.includes("\n");
}

// How many lines of it hold something or are followed by another.
export function lineCount(text: string): number {
  return text.replace(/\n$/, "").split("\n").length;
}

// Calls `heard` with what is pasted into `room`, in place of everybody else who listens there.
export function onPaste(room: HTMLElement, heard: (text: string) => void): () => void {
  const listening = new AbortController();
  const paste = (event: ClipboardEvent) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    heard(event.clipboardData?.getData("text/plain") ?? "");
  };
  room.addEventListener("paste", paste, { capture: true, signal: listening.signal });
  return () => listening.abort();
}
