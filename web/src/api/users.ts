// Everyone's accounts, by name of the routes. Only who runs the server is answered.

import type { LoginLink, NewUser, User, UserChange } from "./contract";
import { login } from "./sessions";

const at = (id: string) => `/api/users/${encodeURIComponent(id)}`;

// By name, a page at a time: `after` is the last name of the page before.
export async function listUsers(after: string | null): Promise<User[]> {
  const query = after === null ? "" : `?${new URLSearchParams({ after })}`;
  return (await login.request("GET", `/api/users${query}`)) as User[];
}

export async function addUser(wanted: NewUser): Promise<User> {
  return (await login.request("POST", "/api/users", wanted)) as User;
}

export async function changeUser(id: string, change: UserChange): Promise<User> {
  return (await login.request("PATCH", at(id), change)) as User;
}

export async function makeLoginLink(id: string): Promise<LoginLink> {
  return (await login.request("POST", `${at(id)}/link`)) as LoginLink;
}

export async function endLoginsOf(id: string): Promise<void> {
  await login.request("DELETE", `${at(id)}/logins`);
}
