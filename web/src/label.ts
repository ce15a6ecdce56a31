// Names, titles and times as safe, short text. A program chooses its title: it may be long, hold control characters,
// or try to turn the reading direction of the page around it.

const LONGEST = 256;
const LONGEST_QUOTE = 80;

// C0, DEL, C1; line and paragraph separators; bidirectional marks, embeddings, overrides and isolates.
// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is what this is for.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export function label(text: string): string {
  const clean = text.replace(UNSEEN, " ").trim();
  return clean.length <= LONGEST ? clean : `${clean.slice(0, LONGEST - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

// Text that somebody is to judge before using it, in quotes: cut, and with everything that cannot be seen spelled out.
export function escaped(text: string): string {
  const cut = [...text.slice(0, 2 * LONGEST_QUOTE)].slice(0, LONGEST_QUOTE).join("");
  const shown = spelledOut(cut.replace(/\n/g, "\\n").replace(/\t/g, "\\t"));
  return `“${shown}${cut.length < text.length ? "…" : ""}”`;
}

// The same for lines of text, shown as lines: only ends of lines and tabs stay what they are.
export function spelledOut(text: string): string {
  return text.replace(UNSEEN, (char) =>
    char === "\n" || char === "\t" ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function age(since: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(since)) / 1000);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

// A time as a day and a minute where the reader is.
export function moment(time: string): string {
  return new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

// How long it is until then.
export function timeLeft(until: string, now: number): string {
  const seconds = Math.max(0, (Date.parse(until) - now) / 1000);
  if (seconds < 60) return "less than a minute";
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function byteCount(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 2 ** (10 * step)).toFixed(1)} ${units[step - 1]}`;
}

// How a program ended, in a sentence. With neither code nor signal nobody saw it.
export function exitWords(code: number | null, exitSignal: string | null, reason: string | null): string {
  const seen = code !== null ? `exited with code ${code}` : "ended";
  const how = exitSignal !== null ? `ended by ${label(exitSignal)}` : seen;
  return reason === null ? how : `${how}: ${label(reason)}`;
}
