// Says which permission a page lacks.

import { html } from "./dom.js";
import { Code, Failure, Loading } from "./parts.js";

/**
 * Denied shows an error. If the server refused the request because of a missing permission, it names the action and
 * shows a statement that allows it.
 * @param {{error: Error, action: string, again?: () => void}} props action is the action of the request, such as
 *   keyhold:Status
 */
export function Denied({ error, action, again }) {
  if (!/^AccessDenied/.test(error.name)) return html`<${Failure} error=${error} again=${again} />`;
  const statement = { Effect: "Allow", Action: action, Resource: "*" };
  return html`<div>
    <p><strong>You lack the permission <code>${action}</code>.</strong> An administrator of the deployment's account can
      add this statement to a policy of your user or role:</p>
    <${Code} text=${JSON.stringify(statement)} label="Copy the statement" />
    <${Failure} error=${error} again=${again} />
  </div>`;
}

/**
 * LoadFor is Load for a request that needs a permission.
 * @param {{of: ReturnType<typeof import("./parts.js").useLoad>, what: string, action: string,
 *   children: (value: any) => any}} props
 */
export function LoadFor({ of, what, action, children }) {
  if (of.error) return html`<${Denied} error=${of.error} action=${action} again=${of.again} />`;
  if (of.value === undefined) return html`<${Loading} what=${what} />`;
  return html`<div aria-busy=${of.loading}>${[children].flat()[0](of.value)}</div>`;
}
