// Puts text on the clipboard when the user has just said so.

import { notifyError } from "../screens/notice";

// Whether it is there now; when not, the user has been told why.
export async function copy(text: string): Promise<boolean> {
  // Absent outside secure contexts.
  const clipboard: Clipboard | undefined = navigator.clipboard;
  try {
    if (clipboard === undefined) copyBySelection(text);
    else await clipboard.writeText(text);
    return true;
  } catch (error) {
    notifyError(error);
    return false;
  }
}

function copyBySelection(text: string): void {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  // Beside an open dialog nothing can be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("This browser does not let the page copy.");
}
