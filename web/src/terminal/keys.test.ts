import { expect, test } from "bun:test";
import { isReport, withControl } from "./keys";

test("withControl", () => {
  expect(["c", "C", "[", "@", " ", "?", "1", "word", "é", ""].map(withControl)).toEqual([
    "\x03",
    "\x03",
    "\x1b",
    "\0",
    "\0",
    "\x7f",
    "1",
    "word",
    "é",
    "",
  ]);
});
test("isReport tells mouse and focus reports from keys", () => {
  expect(["\x1b[<0;1;1M", "\x1b[M !!", "\x1b[I", "\x1b[O"].every(isReport)).toBe(true);
  expect(["a", "\x1b", "\x1b[A", "\x1b[1;5D", "\x1bOA"].some(isReport)).toBe(false);
});
