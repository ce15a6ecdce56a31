// Which accounts may reach a session: given and taken back.

import { useCallback } from "preact/hooks";
import type { Access } from "../../api/contract";
import { giveGrant, listGrants, takeBackGrant } from "../../api/sharing";
import { label } from "../../label";
import { ACCESS, Choice } from "../choice";
import { Problem, useDoing, useListed } from "../doing";

export function Grants({ session }: { session: string }) {
  const { items, problem, refresh } = useListed(useCallback(() => listGrants(session), [session]));
  const giving = useDoing();
  const give = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const fields = new FormData(form);
    void giving.run(async () => {
      await giveGrant(session, String(fields.get("username")).trim(), fields.get("access") as Access);
      form.reset();
      await refresh();
    });
  };
  const takeBack = (username: string) =>
    void giving.run(async () => {
      await takeBackGrant(session, username);
      await refresh();
    });
  return (
    <section aria-label="Accounts">
      <h3>Accounts</h3>
      <form onSubmit={give}>
        <div class="fields">
          <label>
            User name
            <input name="username" required autocomplete="off" autocapitalize="none" spellcheck={false} />
          </label>
          <Choice label="May" name="access" of={ACCESS} />
        </div>
        <Problem text={giving.problem ?? problem} />
        <button type="submit" disabled={giving.busy}>
          Let in
        </button>
      </form>
      {items !== null && items.length > 0 && (
        <ul class="rows" aria-label="Accounts that may reach it">
          {items.map(({ userId, username, access }) => (
            <li key={userId}>
              <span>
                <b>{label(username)}</b>
                <small>{access === "control" ? "may type" : "may watch"}</small>
              </span>
              <button
                type="button"
                class="danger"
                disabled={giving.busy}
                aria-label={`Take back access of ${label(username)}`}
                onClick={() => takeBack(username)}
              >
                Take back
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
