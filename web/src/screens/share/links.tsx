// The links of a session: made, shown once, listed and revoked.

import { useCallback, useState } from "preact/hooks";
import type { Access, MadeShare, NewShare, Share } from "../../api/contract";
import { listShares, makeShare, revokeShare } from "../../api/sharing";
import { label, timeLeft } from "../../label";
import { ACCESS, Choice } from "../choice";
import { Problem, useDoing, useListed } from "../doing";
import { ShownOnce } from "../shown-once";

const HOUR = 3600;
const DAY = 24 * HOUR;
const LIFETIMES: [number, string][] = [
  [HOUR / 4, "15 minutes"],
  [HOUR, "1 hour"],
  [8 * HOUR, "8 hours"],
  [DAY, "1 day"],
  [7 * DAY, "7 days"],
  [30 * DAY, "30 days"],
];

export function Links({ session }: { session: string }) {
  const { items, problem, refresh } = useListed(useCallback(() => listShares(session), [session]));
  const [made, setMade] = useState<MadeShare | null>(null);
  const making = useDoing();
  const make = (event: SubmitEvent) => {
    event.preventDefault();
    const wanted = read(new FormData(event.currentTarget as HTMLFormElement));
    void making.run(async () => {
      setMade(await makeShare(session, wanted));
      await refresh();
    });
  };
  const revoke = (share: Share) =>
    void making.run(async () => {
      await revokeShare(session, share.id);
      if (made?.id === share.id) setMade(null);
      await refresh();
    });
  return (
    <section aria-label="Links">
      <h3>Links</h3>
      <p class="quiet">Whoever has the link gets in, without an account.</p>
      <form onSubmit={make}>
        <div class="fields">
          <Choice label="May" name="access" of={ACCESS} />
          <Choice label="For" name="expiresIn" of={LIFETIMES} chosen={HOUR} />
          <label>
            Uses
            <input name="uses" type="number" min="1" step="1" max="1000000" placeholder="any" />
          </label>
          <label>
            Note
            <input name="label" maxLength={100} placeholder="optional" autocomplete="off" />
          </label>
        </div>
        <Problem text={making.problem ?? problem} />
        <button type="submit" class="primary" disabled={making.busy}>
          Make a link
        </button>
      </form>
      {made !== null && (
        <ShownOnce
          key={made.id}
          name="Link"
          value={location.origin + made.link}
          hint="Copy it now: it is not shown again."
        />
      )}
      {items !== null && items.length > 0 && (
        <ul class="rows" aria-label="Links that work">
          {items.map((share) => (
            <li key={share.id}>
              <span>
                <b>{share.access === "control" ? "Type" : "Watch"}</b>
                {share.label !== "" && ` · ${label(share.label)}`}
                <small>{facts(share)}</small>
              </span>
              <button
                type="button"
                class="danger"
                disabled={making.busy}
                aria-label={`Revoke the link ${label(share.label)}, ${facts(share)}`}
                onClick={() => revoke(share)}
              >
                Revoke
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function read(fields: FormData): NewShare {
  const uses = String(fields.get("uses"));
  return {
    access: fields.get("access") as Access,
    expiresIn: Number(fields.get("expiresIn")),
    label: String(fields.get("label")).trim(),
    ...(uses === "" ? {} : { uses: Number(uses) }),
  };
}

function facts({ uses, usesMax, expiresAt }: Share): string {
  return `${countWords(uses, usesMax)}, ends in ${timeLeft(expiresAt, Date.now())}`;
}

function countWords(uses: number, most: number | null): string {
  if (most !== null) return most - uses === 1 ? "1 use left" : `${Math.max(0, most - uses)} uses left`;
  if (uses === 0) return "not used yet";
  return uses === 1 ? "used once" : `used ${uses} times`;
}
