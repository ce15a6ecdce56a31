// Tokens for programs that act for this account: made, shown once, listed and revoked.

import { useState } from "preact/hooks";
import { listTokens, makeToken, ownScopes, revokeToken } from "../../api/account";
import type { ApiToken, MadeApiToken } from "../../api/contract";
import { label, moment } from "../../label";
import { Choice } from "../choice";
import { Problem, useDoing, useListed } from "../doing";
import { ShownOnce } from "../shown-once";

const DAY = 24 * 3600;
const LIFETIMES: [number, string][] = [
  [7 * DAY, "7 days"],
  [30 * DAY, "30 days"],
  [90 * DAY, "90 days"],
  [365 * DAY, "1 year"],
];

// What each scope is for. One of a newer server is shown by its name.
const SCOPES: Record<string, string> = {
  "sessions:view": "look at sessions",
  "sessions:control": "type into sessions",
  "sessions:open": "open sessions",
  "sessions:share": "share sessions",
  "users:manage": "manage users",
  "audit:read": "read the audit log",
  "load-test": "ask without limits, for load tests",
};

export function Tokens() {
  const { items, problem, refresh } = useListed(listTokens);
  const scopes = useListed(ownScopes);
  const [made, setMade] = useState<MadeApiToken | null>(null);
  const making = useDoing();
  const make = (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const wanted = {
      name: String(fields.get("name")).trim(),
      scopes: fields.getAll("scope").map(String),
      expiresIn: Number(fields.get("expiresIn")),
    };
    void making.run(async () => {
      if (wanted.scopes.length === 0) throw new Error("A token has to be for something.");
      setMade(await makeToken(wanted));
      await refresh();
    });
  };
  const revoke = ({ id }: ApiToken) =>
    void making.run(async () => {
      await revokeToken(id);
      if (made?.id === id) setMade(null);
      await refresh();
    });
  return (
    <section class="panel" aria-label="API tokens">
      <h2>API tokens</h2>
      <p class="quiet">
        For programs that act for you. They may do no more than you, and never change your account.
      </p>
      {/* Empty again for the next one. */}
      <form key={made?.id} onSubmit={make} aria-label="New token">
        <div class="fields">
          <label>
            Name
            <input name="name" required maxLength={100} autocomplete="off" />
          </label>
          <Choice label="Lasts" name="expiresIn" of={LIFETIMES} chosen={90 * DAY} />
        </div>
        <fieldset>
          <legend>May</legend>
          {scopes.items?.map((scope) => (
            <label key={scope} class="check">
              <input type="checkbox" name="scope" value={scope} />
              {SCOPES[scope] ?? scope}
            </label>
          ))}
        </fieldset>
        <Problem text={making.problem ?? problem ?? scopes.problem} />
        <div class="choices">
          <button type="submit" disabled={making.busy}>
            Make a token
          </button>
        </div>
      </form>
      {made !== null && (
        <ShownOnce key={made.id} name="Token" value={made.token} hint="Copy it now: it is not shown again." />
      )}
      <ul class="rows" aria-label="Tokens" aria-busy={items === null}>
        {items?.map((token) => (
          <li key={token.id}>
            <span>
              <b>{label(token.name)}</b>
              <small>{token.scopes.map((scope) => SCOPES[scope] ?? label(scope)).join(", ")}</small>
              <small>
                {token.lastUsedAt === null ? "never used" : `last used ${moment(token.lastUsedAt)}`}, ends{" "}
                {moment(token.expiresAt)}
              </small>
            </span>
            <button
              type="button"
              class="danger"
              disabled={making.busy}
              aria-label={`Revoke ${label(token.name)}`}
              onClick={() => revoke(token)}
            >
              Revoke
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
