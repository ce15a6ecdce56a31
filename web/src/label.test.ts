import { expect, test } from "bun:test";
import { age, byteCount, escaped, exitWords, label, spelledOut, timeLeft } from "./label";

test("control and direction characters are stripped", () => {
  expect(label("a\u001b[31mb\u0007\u009bc")).toBe("a [31mb  c");
  expect(label("\u202egnp.exe")).toBe("gnp.exe");
});
test("cut at 256, never through a surrogate pair", () => {
  expect(label("x".repeat(256))).toHaveLength(256);
  expect(label("x".repeat(257))).toBe(`${"x".repeat(255)}…`);
  expect(label(`${"x".repeat(254)}👍👍`)).toBe(`${"x".repeat(254)}…`);
});
test("a quote shows what cannot be seen, and its length has a bound", () => {
  expect(escaped("rm -rf x\n\t\u001b[A\u202e")).toBe("“rm -rf x\\n\\t\\u001b[A\\u202e”");
  expect(escaped("👍".repeat(81))).toBe(`“${"👍".repeat(80)}…”`);
  expect(escaped("x".repeat(80))).toBe(`“${"x".repeat(80)}”`);
});
test("age", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  expect(age("2026-11-21T11:59:30Z", now)).toBe("just now");
  expect(age("2026-11-21T11:20:00Z", now)).toBe("40 min");
  expect(age("2026-11-21T02:00:00Z", now)).toBe("10 h");
  expect(age("2026-11-11T12:00:00Z", now)).toBe("10 d");
  expect(age("2026-11-21T12:00:09Z", now)).toBe("just now");
});
test("lines stay lines where they are spelled out", () => {
  expect(spelledOut("a\tb\n\u202ec\u001b")).toBe("a\tb\n\\u202ec\\u001b");
});
test("timeLeft", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  expect(timeLeft("2026-11-21T11:59:00Z", now)).toBe("less than a minute");
  expect(timeLeft("2026-11-21T13:00:00Z", now)).toBe("60 min");
  expect(timeLeft("2026-11-22T12:00:00Z", now)).toBe("24 h");
  expect(timeLeft("2026-12-21T12:00:00Z", now)).toBe("30 d");
});
test("byteCount", () => {
  expect([0, 1023, 1024, 1536, 5 * 2 ** 20].map(byteCount)).toEqual([
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 KiB",
    "5.0 MiB",
  ]);
});
test("exitWords", () => {
  expect(exitWords(3, null, null)).toBe("exited with code 3");
  expect(exitWords(null, "SIGTERM", null)).toBe("ended by SIGTERM");
  expect(exitWords(127, null, "no such program")).toBe("exited with code 127: no such program");
  expect(exitWords(null, null, "the machine was restarted")).toBe("ended: the machine was restarted");
  expect(exitWords(null, null, null)).toBe("ended");
});
