// Short messages at the edge of the page: every error that has no better place ends here, none is swallowed.

import { signal } from "@preact/signals";

const SHOWN_MS = 7_000;
const MOST = 4;

interface Notice {
  id: number;
  text: string;
  error: boolean;
}

const notices = signal<Notice[]>([]);
let lastId = 0;

export function notify(text: string, error = false): void {
  const id = ++lastId;
  // The same message again replaces the first: a held key must not fill the page.
  notices.value = [...notices.value.filter((notice) => notice.text !== text), { id, text, error }].slice(
    -MOST,
  );
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function notifyError(error: unknown): void {
  notify(error instanceof Error ? error.message : String(error), true);
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, error }) => (
        <div key={id} class={error ? "notice error" : "notice"}>
          <span>{text}</span>
          <button type="button" class="plain" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
