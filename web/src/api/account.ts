// One's own account, by name of the routes: mail address, password, logins, API tokens.

import type { ApiToken, Caller, LoginInfo, MadeApiToken, NewApiToken, User } from "./contract";
import { login } from "./sessions";

// What tokens of this account can be for.
export async function ownScopes(): Promise<string[]> {
  return ((await login.request("GET", "/api/auth/me")) as Caller).scopes;
}

export async function changeMail(mail: string | null): Promise<void> {
  login.changed((await login.request("PATCH", "/api/auth/me", { mail })) as User);
}

export async function changePassword(current: string | null, next: string): Promise<void> {
  const password = current === null ? { new: next } : { current, new: next };
  login.changed((await login.request("PATCH", "/api/auth/me", { password })) as User);
}

export async function listLogins(): Promise<LoginInfo[]> {
  return (await login.request("GET", "/api/auth/logins")) as LoginInfo[];
}

export async function endLogin(id: string): Promise<void> {
  await login.request("DELETE", `/api/auth/logins/${encodeURIComponent(id)}`);
}

export async function endOtherLogins(): Promise<void> {
  await login.request("DELETE", "/api/auth/logins");
}

export async function listTokens(): Promise<ApiToken[]> {
  return (await login.request("GET", "/api/tokens")) as ApiToken[];
}

export async function makeToken(wanted: NewApiToken): Promise<MadeApiToken> {
  return (await login.request("POST", "/api/tokens", wanted)) as MadeApiToken;
}

export async function revokeToken(id: string): Promise<void> {
  await login.request("DELETE", `/api/tokens/${encodeURIComponent(id)}`);
}
