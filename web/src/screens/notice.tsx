// Short messages at the edge of the page: every error that has no better place ends here, none is swallowed.

import { signal } from "@preact/signals";

const SHOWN_MS = 7_000;
const OFFERED_MS = 30_000;
const MOST = 4;

interface Notice {
  id: number;
  // A notice replaces the one before it of the same kind: a held key must not fill the page.
  kind: string;
  text: string;
  error: boolean;
  choice: Choice | null;
}

interface Choice {
  words: string;
  take(): void;
}

const notices = signal<Notice[]>([]);
let lastId = 0;

export function notify(text: string, error = false, kind = text): void {
  show({ kind, text, error, choice: null }, SHOWN_MS);
}

// Something the user may want and need not answer.
export function offer(kind: string, text: string, words: string, take: () => void): void {
  show({ kind, text, error: false, choice: { words, take } }, OFFERED_MS);
}

function show(wanted: Omit<Notice, "id">, ms: number): void {
  const id = ++lastId;
  const others = notices.value.filter((notice) => notice.kind !== wanted.kind);
  notices.value = [...others, { id, ...wanted }].slice(-MOST);
  setTimeout(() => dismiss(id), ms);
}

export function notifyError(error: unknown): void {
  notify(error instanceof Error ? error.message : String(error), true);
}

// Hints about a screen that is left are of no use on the next; errors stay.
export function dismissHints(): void {
  notices.value = notices.value.filter((notice) => notice.error);
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, error, choice }) => (
        <div key={id} class={error ? "notice error" : "notice"}>
          <span>{text}</span>
          {choice !== null && (
            <button
              type="button"
              onClick={() => {
                dismiss(id);
                choice.take();
              }}
            >
              {choice.words}
            </button>
          )}
          <button type="button" class="plain" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
