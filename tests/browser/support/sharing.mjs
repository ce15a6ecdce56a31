// What several tests do with a session that others are let into.

/** @typedef {import("./visitor.mjs").Visitor} Visitor */

/**
 * Makes a link in the dialog of a session that the visitor owns, which stays open.
 * @param {Visitor} owner
 * @param {"Watch" | "Type"} access
 * @param {{ uses?: number }} [more]
 */
export async function makeLink(owner, access, { uses } = {}) {
  await openDialog(owner);
  const links = owner.page.getByRole("region", { name: "Links" });
  await links.getByLabel("May").selectOption(access);
  if (uses !== undefined) await links.getByLabel("Uses").fill(String(uses));
  await links.getByRole("button", { name: "Make a link" }).click();
  return links.getByLabel("Link", { exact: true }).inputValue();
}

/** @param {Visitor} owner */
export async function openDialog(owner) {
  if ((await owner.page.getByRole("dialog").count()) > 0) return;
  const share = owner.button("Share");
  if (!(await share.isVisible())) await owner.button("Actions").click();
  await share.click();
  await owner.page.getByRole("dialog").waitFor();
}
