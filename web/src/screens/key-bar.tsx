// The row of keys a touch keyboard lacks. Pressing one must never move the focus: the keyboard would close.

import type { Attached } from "../terminal/attached";
import { ARROWS, ESCAPE, type ExtraKey, INTERRUPT, TAB } from "../terminal/keys";

export function KeyBar({ attached }: { attached: Attached }) {
  const sticky = attached.stickyControl;
  // Who may not type has no keys to press.
  if (attached.over || !attached.control.value || attached.isKeptOut) return null;
  const button = (key: ExtraKey) => (
    <button type="button" key={key.name} aria-label={key.name} onClick={() => attached.press(key)}>
      {key.face}
    </button>
  );
  return (
    <div
      class="keys"
      role="toolbar"
      aria-label="Extra keys"
      onPointerDown={(event) => event.preventDefault()}
      onMouseDown={(event) => event.preventDefault()}
    >
      {button(ESCAPE)}
      {button(TAB)}
      <button
        type="button"
        aria-label="Control, for the next key"
        aria-pressed={sticky.value}
        onClick={() => {
          sticky.value = !sticky.value;
        }}
      >
        Ctrl
      </button>
      {ARROWS.map(button)}
      {button(INTERRUPT)}
    </div>
  );
}
