// How long to wait before the next attempt. Exponential with full jitter: when a server comes back, its pages come
// back spread over the whole interval instead of all at once.

const FIRST_MS = 250;
const LONGEST_MS = 10_000;

export function backoff(attempt: number, random: () => number): number {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
}
