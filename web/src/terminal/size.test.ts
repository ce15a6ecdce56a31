import { expect, test } from "bun:test";
import { fitSize, fontFor, smallerFont } from "./size";

const cell = { width: 8, height: 17 };

test("fitSize counts whole cells within the contract's bounds", () => {
  expect(fitSize({ width: 803, height: 410 }, cell)).toEqual({ cols: 100, rows: 24 });
  expect(fitSize({ width: 10, height: 10 }, cell)).toEqual({ cols: 20, rows: 4 });
  expect(fitSize({ width: 99_999, height: 99_999 }, cell)).toEqual({ cols: 1000, rows: 1000 });
});
test("fontFor never enlarges, shrinks to the tighter side, and stops at 6 px", () => {
  const box = { width: 800, height: 408 };
  expect(fontFor({ cols: 80, rows: 20 }, box, cell, 14)).toBe(14);
  expect(fontFor({ cols: 200, rows: 24 }, box, cell, 14)).toBe(7);
  expect(fontFor({ cols: 80, rows: 32 }, box, cell, 14)).toBe(10.5);
  expect(fontFor({ cols: 1000, rows: 24 }, box, cell, 14)).toBe(6);
});
test("smallerFont ends", () => {
  expect(smallerFont(7)).toBe(6.5);
  expect(smallerFont(6)).toBeNull();
});
