// A modal dialog on the browser's own <dialog>: Esc closes it, focus stays in it and returns afterwards.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface DialogProps {
  title: string;
  onClose(): void;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const left = useRef(false);
  // In the same step as it is drawn, so that no key typed after it was asked for misses it.
  useLayoutEffect(() => {
    const [element, before] = [dialog.current, document.activeElement];
    element?.showModal();
    return () => {
      // As long as it is open nothing outside takes the focus. That it closes now is known to who took it away.
      left.current = true;
      element?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-label={title} onClose={() => left.current || onClose()}>
      <h2>{title}</h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  action: string;
  busy: boolean;
  onConfirm(): void;
  onClose(): void;
}

export function Confirm({ title, text, action, busy, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <div class="choices">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="danger" disabled={busy} onClick={onConfirm}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}
