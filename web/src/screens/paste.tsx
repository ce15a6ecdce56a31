// The question before a paste that presses Enter: how many lines, and what they are.

import { spelledOut } from "../label";
import type { Attached } from "../terminal/attached";
import { lineCount } from "../terminal/paste";
import { Dialog } from "./dialog";

// More is not read before it is agreed to; the page must not lay out a megabyte for it.
const SHOWN_LINES = 200;
const SHOWN_LENGTH = 10_000;

export function PasteQuestion({ attached }: { attached: Attached }) {
  const text = attached.pasting.value;
  if (text === null) return null;
  const lines = lineCount(text);
  const shown = text.slice(0, SHOWN_LENGTH).split("\n").slice(0, SHOWN_LINES).join("\n");
  const count = lines === 1 ? "1 line" : `${lines} lines`;
  return (
    <Dialog title={`Paste ${count}?`} onClose={() => attached.answerPaste(false)}>
      <p>
        {lines === 1
          ? "It ends with Enter: a shell runs it at once."
          : "A shell runs each line as it is pasted."}
      </p>
      <textarea
        class="code"
        aria-label="What is to be pasted"
        readOnly
        rows={Math.min(lines, 8)}
        wrap="off"
        value={spelledOut(shown)}
      />
      {shown.length < text.length && <p class="quiet">… of {text.length} characters</p>}
      <div class="choices">
        <button type="button" autofocus onClick={() => attached.answerPaste(false)}>
          Cancel
        </button>
        <button type="button" class="primary" onClick={() => attached.answerPaste(true)}>
          Paste
        </button>
      </div>
    </Dialog>
  );
}
