import { expect, test } from "bun:test";
import { lastNumber, PAGE } from "./audit";
import type { AuditEntry } from "./contract";

for (const length of [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 12_345, 1_000_000]) {
  test(`the end of a log of ${length} entries is found in few steps`, async () => {
    let reads = 0;
    const read = async (after: number) => {
      reads += 1;
      const count = Math.max(0, Math.min(PAGE, length - after));
      return Array.from({ length: count }, (_, n) => ({ seq: after + n + 1 }) as AuditEntry);
    };
    expect(await lastNumber(read)).toBe(length);
    expect(reads).toBeLessThan(30);
  });
}
