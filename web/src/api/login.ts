// Who this page acts for: obtains, renews and forgets the access token, and sends every authorised request.
// The token lives in a private field and nowhere else: never in storage, a URL, a cookie or the DOM.

import type { Caller, Entered, Provider, Tokens, User } from "./contract";
import { ApiError, exchange, type Fetch } from "./request";

// Renew this long before the token ends, so that no request starts with one that dies on the way.
const EARLY_MS = 60_000;

// However soon a token ends, which near the end of a link is very soon.
const RENEWAL_LEAST_MS = 1_000;

// Another tab renewed a moment ago: its cookie is on the way to us.
const RACED_MS = 300;
const RACED_TRIES = 5;

export type Standing =
  | { name: "unknown" }
  | { name: "signedOut" }
  | { name: "signedIn"; user: User; auth: Caller["auth"] }
  // Came by the link of a session, which is all there is to reach.
  | { name: "guest"; share: Entered }
  // Came by a link that lets nobody in, or no longer.
  | { name: "turnedAway" };

export interface Surroundings {
  fetch: Fetch;
  now(): number;
  after(ms: number, run: () => void): () => void;
  // Runs one renewal at a time across the tabs of this browser, where it can.
  exclusively<T>(run: () => Promise<T>): Promise<T>;
}

export class Login {
  readonly #around: Surroundings;
  readonly #changed: (standing: Standing) => void;
  #standing: Standing = { name: "unknown" };
  // The session whose link this page came by: it acts for whoever has that, and for no account.
  #shared: string | null = null;
  #accessToken: string | null = null;
  #expiresAt = 0;
  #renewal: Promise<void> | null = null;
  #cancelTimer: () => void = () => {};

  constructor(around: Surroundings, changed: (standing: Standing) => void) {
    this.#around = around;
    this.#changed = changed;
  }

  get needsTicket(): boolean {
    return this.#standing.name !== "signedIn" || this.#standing.auth !== "none";
  }

  // At page load: no login needed, a cookie from before, or the form.
  async begin(): Promise<void> {
    try {
      const caller = (await this.#exchange("GET", "/api/auth/me", null)) as Caller;
      this.#enter({ name: "signedIn", user: caller.user, auth: caller.auth });
    } catch (error) {
      if (!isUnauthenticated(error)) throw error;
      await this.#renewIfKnown();
    }
  }

  // At page load, by the cookie that an earlier page got for the link of this session.
  async beginAsGuest(sessionId: string): Promise<void> {
    this.#shared = sessionId;
    await this.#renewIfKnown();
  }

  async withPassword(username: string, password: string): Promise<void> {
    this.#take((await this.#exchange("POST", "/api/auth/login", { username, password })) as Tokens);
  }

  async withLink(token: string): Promise<void> {
    this.#take((await this.#exchange("POST", "/api/auth/link", { token })) as Tokens);
  }

  // The secret of a session's link.
  async withShare(secret: string): Promise<void> {
    try {
      this.#take((await this.#exchange("POST", "/api/shares/enter", { secret })) as Tokens);
    } catch (error) {
      if (!isUnauthenticated(error)) throw error;
      this.#forget({ name: "turnedAway" });
    }
  }

  // The account has changed: by this page, which was told how it is now.
  changed(user: User): void {
    if (this.#standing.name === "signedIn") this.#enter({ ...this.#standing, user });
  }

  // Whose word one can log in with.
  async providers(): Promise<Provider[]> {
    return (await this.#exchange("GET", "/api/auth/oidc", null)) as Provider[];
  }

  // Where the browser goes to log in there; it comes back to `next` with a cookie to begin with.
  async addressAt(provider: string, next: string): Promise<string> {
    const path = `/api/auth/oidc/${encodeURIComponent(provider)}/begin`;
    return ((await this.#exchange("POST", path, { next })) as { url: string }).url;
  }

  async leave(): Promise<void> {
    try {
      await this.request("POST", "/api/auth/logout", {});
    } catch (error) {
      // Then the login has ended already.
      if (!isUnauthenticated(error)) throw error;
    }
    this.#forget({ name: "signedOut" });
  }

  // Concurrent callers share one renewal: a refresh token is good for one use.
  renew(): Promise<void> {
    this.#renewal ??= this.#around
      .exclusively(() => this.#refresh())
      .finally(() => {
        this.#renewal = null;
      });
    return this.#renewal;
  }

  async request(method: string, path: string, body: object | null = null): Promise<unknown> {
    if (this.#accessToken !== null && this.#around.now() > this.#expiresAt - EARLY_MS / 2) await this.renew();
    try {
      return await this.#exchange(method, path, body, this.#accessToken);
    } catch (error) {
      if (!isUnauthenticated(error) || !this.needsTicket) throw error;
      await this.renew();
      return await this.#exchange(method, path, body, this.#accessToken);
    }
  }

  async #renewIfKnown(): Promise<void> {
    await this.renew().catch((refused: unknown) => {
      if (!isUnauthenticated(refused)) throw refused;
    });
  }

  async #refresh(): Promise<void> {
    const sessionId = this.#shared;
    for (let left = RACED_TRIES; ; left--) {
      try {
        const tokens = (await (sessionId === null
          ? this.#exchange("POST", "/api/auth/refresh", null)
          : this.#exchange("POST", "/api/shares/renew", { sessionId }))) as Tokens;
        // Meanwhile the page may have come by a link: then it no longer acts for whom this is.
        if (sessionId === this.#shared) this.#take(tokens);
        return;
      } catch (error) {
        if (isUnauthenticated(error) && sessionId === this.#shared) {
          this.#forget({ name: sessionId === null ? "signedOut" : "turnedAway" });
        }
        if (!(error instanceof ApiError) || error.code !== "refresh_raced" || left === 0) throw error;
        await new Promise<void>((resolve) => this.#around.after(RACED_MS, resolve));
      }
    }
  }

  #take({ accessToken, expiresIn, user, share }: Tokens): void {
    this.#accessToken = accessToken;
    this.#expiresAt = this.#around.now() + expiresIn * 1000;
    this.#cancelTimer();
    // A short-lived token is renewed at half its life rather than in a loop.
    const wait = Math.max(RENEWAL_LEAST_MS, expiresIn * 500, expiresIn * 1000 - EARLY_MS);
    // A failure here is not the user's concern yet: the next request renews again and reports it.
    this.#cancelTimer = this.#around.after(wait, () => void this.renew().catch(() => {}));
    this.#shared = share?.sessionId ?? null;
    if (share !== undefined) this.#enter({ name: "guest", share });
    else if (user !== undefined) this.#enter({ name: "signedIn", user, auth: "token" });
  }

  #forget(standing: Standing): void {
    this.#cancelTimer();
    this.#accessToken = null;
    this.#enter(standing);
  }

  #enter(standing: Standing): void {
    const same = JSON.stringify(standing) === JSON.stringify(this.#standing);
    this.#standing = standing;
    if (!same) this.#changed(standing);
  }

  #exchange(
    method: string,
    path: string,
    body: object | null,
    token: string | null = null,
  ): Promise<unknown> {
    return exchange(this.#around.fetch, method, path, body, token);
  }
}

// A wrong password says nothing of the login it was sent with.
export function isUnauthenticated(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401 && error.code !== "invalid_login";
}
