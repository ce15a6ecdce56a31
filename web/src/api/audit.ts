// The audit log, a page at a time. The server gives what follows a number; the end is found by asking.

import type { AuditEntry } from "./contract";
import { login } from "./sessions";

// The most the server gives at once.
export const PAGE = 500;

type Read = (after: number) => Promise<AuditEntry[]>;

export async function auditPage(after: number): Promise<AuditEntry[]> {
  return (await login.request("GET", `/api/audit?after=${after}`)) as AuditEntry[];
}

// The number of the last entry, or 0: in steps that double until nothing follows, and then halve.
export async function lastNumber(read: Read): Promise<number> {
  let [known, beyond] = [0, Number.POSITIVE_INFINITY];
  for (let step = 0; known < beyond; step = Math.max(PAGE, 2 * step)) {
    const after = beyond === Number.POSITIVE_INFINITY ? known + step : Math.floor((known + beyond) / 2);
    const page = await read(after);
    const last = page.at(-1);
    if (last === undefined) beyond = after;
    else known = last.seq;
    if (last !== undefined && page.length < PAGE) break;
  }
  return known;
}
