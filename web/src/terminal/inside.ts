// What this client needs of xterm.js that its API does not give. The only file that knows its inside; the version is
// pinned, `xterm.test.ts` proves each of these on the very package that ships, and a version without them is refused
// at once instead of misbehaving later.

import type { Terminal } from "@xterm/xterm";

// What xterm.js hands to handlers inside; those of its API get a copy, which changes nothing.
export interface Parameters {
  params: Int32Array | number[];
}

export interface Inside {
  registerCsiHandler(id: { final: string }, handler: (parameters: Parameters) => boolean): void;
  // Everything that is written goes through here, whole or in pieces, and nothing else does.
  _inputHandler: { parse(data: string | Uint8Array, promised?: boolean): unknown };
  // Parses what is written and not parsed yet, at once.
  _writeBuffer: { flushSync(): void };
}

export function inside(term: Terminal): Inside {
  const { _core } = term as unknown as { _core?: Partial<Inside> };
  const known =
    typeof _core?.registerCsiHandler === "function" &&
    typeof _core._inputHandler?.parse === "function" &&
    typeof _core._writeBuffer?.flushSync === "function";
  if (!known) throw new Error("this is not the xterm.js that this client was made for");
  return _core as Inside;
}
