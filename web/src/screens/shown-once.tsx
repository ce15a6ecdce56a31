// Something secret that was just made: to be copied now, because nobody is told it again.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { copy } from "../terminal/clipboard";

interface Props {
  name: string;
  value: string;
  hint: string;
}

export function ShownOnce({ name, value, hint }: Props) {
  const [copied, setCopied] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  // What is to be done next, and it may lie below what is seen.
  useLayoutEffect(() => button.current?.focus(), []);
  return (
    <div class="shown-once">
      <label>
        {name}
        <input class="code" readOnly value={value} onFocus={(event) => event.currentTarget.select()} />
      </label>
      <button ref={button} type="button" class="primary" onClick={() => void copy(value).then(setCopied)}>
        Copy
      </button>
      <p class="quiet" role="status">
        {copied ? "Copied." : hint}
      </p>
    </div>
  );
}
