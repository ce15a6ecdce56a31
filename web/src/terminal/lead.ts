// Whether this page decides the session's size. Attaching must not change anything, so a page leads only after it was
// typed into, asked to fit, or opened the session itself; and no longer once another page has resized it.

import { type Size, sameSize } from "./size";

export class Lead {
  #leading: boolean;
  #asked: Size[] = [];

  constructor(leading: boolean) {
    this.#leading = leading;
  }

  get leading(): boolean {
    return this.#leading;
  }

  // The user typed here or pressed Fit: the size to ask for first, if it differs.
  take(fit: Size, session: Size): Size | null {
    this.#leading = true;
    return this.#ask(fit, session);
  }

  // The window changed: the size to ask for, if this page leads.
  windowChanged(fit: Size, session: Size): Size | null {
    return this.#leading ? this.#ask(fit, session) : null;
  }

  // The session was resized: one of ours, or somebody else's.
  resized(size: Size, before: Size): void {
    const ours = this.#asked.findIndex((asked) => sameSize(asked, size));
    if (ours >= 0) this.#asked.splice(0, ours + 1);
    else if (!sameSize(size, before)) this.#leading = false;
  }

  // What was asked of a connection that is gone will not be answered.
  reattached(): void {
    this.#asked = [];
  }

  follow(): void {
    this.#leading = false;
    this.#asked = [];
  }

  #ask(fit: Size, session: Size): Size | null {
    const expected = this.#asked.at(-1) ?? session;
    if (sameSize(fit, expected)) return null;
    this.#asked.push(fit);
    return fit;
  }
}
