// What a person did at this terminal, without what xterm.js says by itself: it answers the questions that programs ask
// of a terminal (attributes, cursor, modes, settings, colours, keyboard, focus, window). Only the server answers those,
// once and in order with the output; from a page, or from all pages of a session, an answer would be noise typed into
// the program, and one to a snapshot would even be to a question that nobody asks any more.

import type { Terminal } from "@xterm/xterm";
import { inside } from "./inside";

// Calls `heard` with keys, pastes, mouse reports and changes of the focus. What xterm.js says while it parses output is
// its own, whatever it is, and a person's doing never happens meanwhile; so no list of questions can be incomplete.
export function onTyped(term: Terminal, heard: (data: string, bytes: Uint8Array) => void): void {
  const input = inside(term)._inputHandler;
  const parse = input.parse.bind(input);
  let parsing = 0;
  input.parse = (data, promised) => {
    parsing += 1;
    try {
      return parse(data, promised);
    } finally {
      parsing -= 1;
    }
  };
  const encoder = new TextEncoder();
  term.onData((data) => {
    if (parsing === 0) heard(data, encoder.encode(data));
  });
  // Mouse reports of an encoding that is not text.
  term.onBinary((data) => {
    if (parsing === 0)
      heard(
        data,
        Uint8Array.from(data, (char) => char.charCodeAt(0)),
      );
  });
}
