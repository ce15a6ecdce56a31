// Tells what xterm.js answers by itself (device attributes, cursor position, modes, colours …) from what was typed,
// and decides whether such an answer may leave the page.
//
// Today every attached page parses the same questions, so without this each would answer, also view-only ones and
// long after the program stopped listening. Once the server has a screen it will answer, once, in order with the
// output, and then no page may.

import type { Terminal } from "@xterm/xterm";

export type Source = "user" | "reply" | "unwantedReply";

export function watchReplies(term: Terminal, mayReply: () => boolean): () => Source {
  let source: Source = "user";
  // Runs before xterm's own handler, which then answers synchronously; no key event can come between the two and
  // the microtask. Returning false leaves the sequence to that handler, so modes it also sets are never lost.
  const asked = () => {
    source = mayReply() ? "reply" : "unwantedReply";
    queueMicrotask(() => {
      source = "user";
    });
    return false;
  };
  for (const id of QUESTIONS) term.parser.registerCsiHandler(id, asked);
  for (const ident of COLOURS) term.parser.registerOscHandler(ident, asked);
  term.parser.registerDcsHandler({ intermediates: "$", final: "q" }, asked);
  return () => source;
}

// DA1-DA2-DA3, DSR, DECRQM, XTVERSION, window reports, the kitty keyboard query, and DECSET for the one mode (1004)
// that reports at once when it is switched on.
const QUESTIONS = [
  { final: "c" },
  { prefix: ">", final: "c" },
  { prefix: "=", final: "c" },
  { final: "n" },
  { prefix: "?", final: "n" },
  { intermediates: "$", final: "p" },
  { prefix: "?", intermediates: "$", final: "p" },
  { prefix: ">", final: "q" },
  { final: "t" },
  { prefix: "?", final: "u" },
  { prefix: "?", final: "h" },
];

// Palette, foreground, background, cursor.
const COLOURS = [4, 10, 11, 12];
