// Who else may reach a session, by name of the routes. Only its owner is answered.

import type { Access, Grant, MadeShare, NewShare, Share } from "./contract";
import { login } from "./sessions";

const shares = (session: string) => `/api/sessions/${encodeURIComponent(session)}/shares`;
const grants = (session: string) => `/api/sessions/${encodeURIComponent(session)}/grants`;

export async function listShares(session: string): Promise<Share[]> {
  return (await login.request("GET", shares(session))) as Share[];
}

export async function makeShare(session: string, wanted: NewShare): Promise<MadeShare> {
  return (await login.request("POST", shares(session), wanted)) as MadeShare;
}

export async function revokeShare(session: string, share: string): Promise<void> {
  await login.request("DELETE", `${shares(session)}/${encodeURIComponent(share)}`);
}

export async function listGrants(session: string): Promise<Grant[]> {
  return (await login.request("GET", grants(session))) as Grant[];
}

export async function giveGrant(session: string, username: string, access: Access): Promise<Grant> {
  return (await login.request("PUT", `${grants(session)}/${encodeURIComponent(username)}`, {
    access,
  })) as Grant;
}

export async function takeBackGrant(session: string, username: string): Promise<void> {
  await login.request("DELETE", `${grants(session)}/${encodeURIComponent(username)}`);
}
