import { expect, test } from "bun:test";
import { Lead } from "./lead";

const small = { cols: 80, rows: 24 };
const large = { cols: 120, rows: 40 };
const other = { cols: 50, rows: 10 };

test("attaching asks for nothing, nor does a window that changes on a page that does not lead", () => {
  expect(new Lead(false).windowChanged(large, small)).toBeNull();
});
test("typing takes the lead and asks once", () => {
  const lead = new Lead(false);
  expect(lead.take(large, small)).toEqual(large);
  expect(lead.take(large, small)).toBeNull();
  lead.resized(large, small);
  expect(lead.leading).toBe(true);
  expect(lead.windowChanged(small, large)).toEqual(small);
});
test("a resize of another page ends the lead; its own and repeated ones do not", () => {
  const lead = new Lead(true);
  lead.resized(small, small);
  expect(lead.leading).toBe(true);
  lead.windowChanged(large, small);
  lead.windowChanged(other, small);
  lead.resized(large, small);
  lead.resized(other, large);
  expect(lead.leading).toBe(true);
  lead.resized(small, other);
  expect(lead.leading).toBe(false);
});
