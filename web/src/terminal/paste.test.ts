import { expect, test } from "bun:test";
import { cleaned, lineCount, pressesEnter } from "./paste";

test("h53 what is pasted presses no keys but Tab and Enter, and cannot end its own brackets", () => {
  expect(cleaned("a\r\nb\rc\nd\te")).toBe("a\nb\nc\nd\te");
  expect(cleaned("x\u001b[201~\u0003rm\u009b31m\u007f\u0000")).toBe("x[201~rm31m");
  expect(cleaned("世界 e\u0301 👩‍👩‍👧 ß")).toBe("世界 e\u0301 👩‍👩‍👧 ß");
});
test("h53 what ends a line is asked about, however it ends it", () => {
  for (const text of ["a\nb", "a\r\nb", "a\rb", "ls\n", "\r"]) expect(pressesEnter(cleaned(text))).toBe(true);
  for (const text of ["", "ls -l", "a\tb", "a\u001bb"]) expect(pressesEnter(cleaned(text))).toBe(false);
});
test("lines are counted as they are seen", () => {
  expect(["a", "a\n", "a\nb", "a\n\nb\n", "\n"].map(lineCount)).toEqual([1, 1, 2, 3, 1]);
});
