import absent from "./absent.mjs";
import decoding from "./decoding.mjs";
import editing from "./editing.mjs";
import looking from "./looking.mjs";
import modes from "./modes.mjs";
import moving from "./moving.mjs";
import printing from "./printing.mjs";
import resizing from "./resizing.mjs";

export const CASES = [
  ...printing,
  ...moving,
  ...editing,
  ...looking,
  ...modes,
  ...decoding,
  ...resizing,
  ...absent,
];
