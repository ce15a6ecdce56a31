// Puts text on the clipboard when the user has just said so.

import { notifyError } from "../screens/notice";

export async function copy(text: string): Promise<void> {
  // Absent outside secure contexts.
  const clipboard: Clipboard | undefined = navigator.clipboard;
  try {
    if (clipboard === undefined) copyBySelection(text);
    else await clipboard.writeText(text);
  } catch (error) {
    notifyError(error);
  }
}

function copyBySelection(text: string): void {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("This browser does not let the page copy.");
}
