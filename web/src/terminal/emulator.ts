// Makes xterm.js the way Fantail wants it: renderer, widths, links, colours. The only file that configures it.
// Programs choose what it shows: it must never open anything but http(s), nor read or write the clipboard for them.

import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";
import { boundRepetition } from "./repetition";
import type { Box } from "./size";

export const SCROLLBAR_WIDTH = 10;

const FONTS =
  'ui-monospace, "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

// What the server holds by default. A line costs about 1 KiB at 80 columns.
const SCROLLBACK = 10_000;
const MOST_SCROLLBACK = 500_000;

export function normalFont(): number {
  return matchMedia("(pointer: coarse)").matches ? 12 : 14;
}

// `?scrollback=N` in the page's address.
export function wantedScrollback(search: string): number {
  const wanted = new URLSearchParams(search).get("scrollback");
  if (wanted === null || !/^\d+$/.test(wanted)) return SCROLLBACK;
  return Math.min(MOST_SCROLLBACK, Number(wanted));
}

export function createTerminal(scrollback: number): Terminal {
  const term = new Terminal({
    // For the grapheme widths; nothing else proposed is used.
    allowProposedApi: true,
    fontFamily: FONTS,
    fontSize: normalFont(),
    scrollback,
    scrollbar: { width: SCROLLBAR_WIDTH },
    cursorBlink: true,
    // Programs may ask for keys that the old encodings cannot tell apart; the server knows the flags and answers.
    vtExtensions: { kittyKeyboard: true },
    theme: THEME,
    linkHandler: { activate: (_event, uri) => openLink(uri), allowNonHttpProtocols: false },
  });
  term.loadAddon(new UnicodeGraphemesAddon());
  term.loadAddon(new WebLinksAddon((_event, uri) => openLink(uri)));
  boundRepetition(term);
  return term;
}

// A browser that took the context away once will do so again.
let webglLost = false;

// WebGL where the browser has it; when it has not, or takes the context away, xterm's DOM renderer takes over. Its
// cells have another size, hence `redrawn`.
export function drawIn(term: Terminal, parent: HTMLElement, redrawn: () => void): void {
  term.open(parent);
  if (webglLost) return;
  try {
    const webgl = new WebglAddon();
    webgl.onContextLoss(() => {
      webglLost = true;
      webgl.dispose();
      redrawn();
    });
    term.loadAddon(webgl);
  } catch {
    // No WebGL: the DOM renderer is already drawing.
  }
}

// The size of a cell at the normal font, measured by a terminal like the one that will be drawn.
export function measureCell(): Box {
  const place = document.createElement("div");
  place.className = "measure";
  document.body.append(place);
  const term = createTerminal(0);
  drawIn(term, place, () => {});
  const cell = term.dimensions?.css.cell;
  const measured = { width: cell?.width || 8.4, height: cell?.height || 17 };
  term.dispose();
  place.remove();
  return measured;
}

function openLink(text: string): void {
  if (!URL.canParse(text)) return;
  const { protocol, href } = new URL(text);
  if (protocol === "http:" || protocol === "https:") window.open(href, "_blank", "noopener,noreferrer");
}

// Programs assume dark; the page around it follows the system.
const THEME = {
  background: "#14171a",
  foreground: "#d7dce0",
  cursor: "#7fd1c0",
  cursorAccent: "#14171a",
  selectionBackground: "#3a5560",
  // The scrollbar's lane is part of the terminal, not a column beside it.
  overviewRulerBorder: "#14171a",
  black: "#39424a",
  red: "#e5737a",
  green: "#8fc77f",
  yellow: "#dcb86a",
  blue: "#74a8e0",
  magenta: "#c292d8",
  cyan: "#6cc5bd",
  white: "#c5ccd2",
  brightBlack: "#6b757d",
  brightRed: "#f28b91",
  brightGreen: "#a9dd9a",
  brightYellow: "#ecd08c",
  brightBlue: "#93c0f0",
  brightMagenta: "#d6aee8",
  brightCyan: "#8cdcd4",
  brightWhite: "#f2f5f7",
};
