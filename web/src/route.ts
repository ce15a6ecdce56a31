// Which screen the address names, and moving between them with the history API.
// `/` is the list, `/s/<id>` a session; the server answers each of them with the same page.

import { signal } from "@preact/signals";

export type Route = { screen: "list" | "account" | "users" | "audit" } | { screen: "session"; id: string };

// Said in the query of a page that came by a link, so that it is the same page when it is loaded again. It is no secret.
const GUEST = { name: "as", value: "guest" };

export function parsePath(path: string): Route {
  const screen = /^\/(account|users|audit)\/?$/.exec(path)?.[1];
  if (screen !== undefined) return { screen: screen as "account" | "users" | "audit" };
  const id = /^\/s\/([^/]+)\/?$/.exec(path)?.[1];
  if (id === undefined) return { screen: "list" };
  try {
    return { screen: "session", id: decodeURIComponent(id) };
  } catch {
    return { screen: "list" };
  }
}

export const sessionPath = (id: string) => `/s/${encodeURIComponent(id)}`;

export const route = signal<Route>({ screen: "list" });

// The query stays: `?scrollback=` is for the page, not for one screen.
export function go(path: string): void {
  history.pushState(null, "", path + location.search);
  route.value = parsePath(path);
}

export function followHistory(): void {
  const read = () => {
    route.value = parsePath(location.pathname);
  };
  addEventListener("popstate", read);
  read();
}

// A plain click on a link of ours stays in the page; with a modifier the browser does what it always does.
export function followLink(event: MouseEvent, path: string): void {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(path);
}

export type Secret = { kind: "login" | "share"; text: string };

// Removes `#login=TOKEN` and `#share=SECRET` from the address and the history entry, before anything can leak it, and
// returns it.
export function takeSecret(): Secret | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  for (const kind of ["login", "share"] as const) {
    const text = fragment.get(kind);
    if (text === null) continue;
    const query = new URLSearchParams(location.search);
    if (kind === "share") query.set(GUEST.name, GUEST.value);
    else query.delete(GUEST.name);
    history.replaceState(null, "", location.pathname + (query.size > 0 ? `?${query}` : ""));
    return { kind, text };
  }
  return null;
}

// The session this page came to by a link, loaded again.
export function guestOf(): string | null {
  const here = parsePath(location.pathname);
  const guest = new URLSearchParams(location.search).get(GUEST.name) === GUEST.value;
  return guest && here.screen === "session" ? here.id : null;
}

// The same page under its right name.
export function stay(path: string): void {
  history.replaceState(null, "", path + location.search);
  route.value = parsePath(path);
}

// Removes `#login-error=CODE`, which a login by a provider ends with that came to nothing, and returns the code.
export function takeLoginError(): string | null {
  const code = new URLSearchParams(location.hash.slice(1)).get("login-error");
  if (code !== null) history.replaceState(null, "", location.pathname + location.search);
  return code;
}
