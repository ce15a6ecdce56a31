// The session routes by name, and the page's one Login.

import { signal } from "@preact/signals";
import type { Access, OpenSession, Session, Ticket } from "./contract";
import { Login, type Standing } from "./login";

export const standing = signal<Standing>({ name: "unknown" });

export const login = new Login(
  {
    fetch: (path, init) => fetch(path, init),
    now: () => Date.now(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    // Absent outside secure contexts; there the server's answer 409 does the same, less smoothly.
    exclusively: async (run) => {
      const locks: LockManager | undefined = navigator.locks;
      return locks === undefined ? await run() : await locks.request("fantail-renew", () => run());
    },
  },
  (next) => {
    standing.value = next;
  },
);

const at = (id: string) => `/api/sessions/${encodeURIComponent(id)}`;

export async function listSessions(): Promise<Session[]> {
  return (await login.request("GET", "/api/sessions")) as Session[];
}

export async function getSession(id: string): Promise<Session> {
  return (await login.request("GET", at(id))) as Session;
}

export async function openSession(wanted: OpenSession): Promise<Session> {
  return (await login.request("POST", "/api/sessions", wanted)) as Session;
}

// A new session in place of one that has ended.
export async function reopenSession(id: string): Promise<Session> {
  return (await login.request("POST", `${at(id)}/reopen`)) as Session;
}

export async function renameSession(id: string, name: string): Promise<Session> {
  return (await login.request("PATCH", at(id), { name })) as Session;
}

export async function closeSession(id: string): Promise<void> {
  await login.request("DELETE", at(id));
}

export async function takeTicket(sessionId: string, access: Access): Promise<string> {
  // `access` is left out for control: it defaults to all the caller has, which may be less.
  const wanted = access === "view" ? { sessionId, access } : { sessionId };
  return ((await login.request("POST", "/api/auth/ticket", wanted)) as Ticket).ticket;
}
