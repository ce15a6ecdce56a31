// The audit log, for who runs the server: the newest first, a page at a time.

import { useEffect, useState } from "preact/hooks";
import { auditPage, lastNumber, PAGE } from "../../api/audit";
import type { AuditEntry } from "../../api/contract";
import { label, moment } from "../../label";
import { Problem, useDoing } from "../doing";
import { notify } from "../notice";
import { Page } from "../page";

export function AuditScreen() {
  const [entries, setEntries] = useState<AuditEntry[] | null>(null);
  const reading = useDoing();
  const read = (after: number) =>
    reading.run(async () => {
      const page = await auditPage(Math.max(0, after));
      if (page.length === 0) notify("Nothing newer has been written down.");
      else setEntries(page);
    });
  const readNewest = () => reading.run(async () => setEntries(await newest()));
  useEffect(() => void readNewest(), []);
  const [first, last] = [entries?.at(0)?.seq ?? 0, entries?.at(-1)?.seq ?? 0];
  return (
    <Page
      title="Audit log"
      action={
        <button type="button" disabled={reading.busy} onClick={() => void readNewest()}>
          Newest
        </button>
      }
    >
      <Problem text={reading.problem} />
      {entries?.length === 0 && <p class="empty">Nothing has been written down yet.</p>}
      <ul class="rows wide" aria-label="Audit log, newest first" aria-busy={reading.busy}>
        {entries?.toReversed().map((entry) => (
          <Entry key={entry.seq} entry={entry} />
        ))}
      </ul>
      <div class="choices">
        <button
          type="button"
          disabled={reading.busy || first <= 1}
          onClick={() => void read(first - 1 - PAGE)}
        >
          Earlier
        </button>
        <button type="button" disabled={reading.busy || last === 0} onClick={() => void read(last)}>
          Later
        </button>
      </div>
    </Page>
  );
}

async function newest(): Promise<AuditEntry[]> {
  return auditPage(Math.max(0, (await lastNumber(auditPage)) - PAGE));
}

function Entry({ entry }: { entry: AuditEntry }) {
  const { seq, at, event, actor, address, subject, detail } = entry;
  return (
    <li>
      <span>
        <b>{label(event)}</b> by {label(actor)}
        <small>
          {seq} · <time dateTime={at}>{moment(at)}</time>
          {address !== "" && ` · from ${label(address)}`}
          {subject !== "" && ` · ${label(subject)}`}
        </small>
        {detail !== "" && <small>{label(detail)}</small>}
      </span>
    </li>
  );
}
