// The tabs of the key material of a key: what the server has, and the two ways to import.

import { html } from "../lib/dom.js";
import { Tabs } from "../lib/parts.js";
import { link } from "../lib/route.js";

/**
 * Ways shows the tabs.
 * @param {{id: string, current: "materials"|"here"|"offline", isNew?: boolean}} props isNew says that the import is of
 *   new key material, which the addresses keep
 */
export default function Ways({ id, current, isNew }) {
  const address = (query) => {
    const text = new URLSearchParams({ ...query, ...(isNew && { new: "" }) }).toString();
    return link("import", id) + (text && "?" + text);
  };
  return html`<${Tabs} label="Where the key material is" current=${current} of=${[
    ["materials", "On the server", link("keys", id, "material")],
    ["here", "In this page", address({})],
    ["offline", "Offline", address({ tab: "offline" })],
  ]} />`;
}
