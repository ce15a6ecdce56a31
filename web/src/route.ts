// Which screen the address names, and moving between them with the history API.
// `/` is the list, `/s/<id>` a session; the server answers both with the same page.

import { signal } from "@preact/signals";

export type Route = { screen: "list" } | { screen: "session"; id: string };

export function parsePath(path: string): Route {
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

// Removes `#login-error=CODE`, which a login by a provider ends with that came to nothing, and returns the code.
export function takeLoginError(): string | null {
  return take("login-error");
}

// Removes `#login=TOKEN` from the address and the history entry, before anything can leak it, and returns the token.
export function takeLoginToken(): string | null {
  return take("login");
}

function take(name: string): string | null {
  const value = new URLSearchParams(location.hash.slice(1)).get(name);
  if (value === null) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return value;
}
