// Step 2 of an import: download the wrapping public key and the import token.

import { html, useState } from "../lib/dom.js";
import { Button, Code, Facts, Failure, Select, Time } from "../lib/parts.js";
import { fromBase64 } from "../lib/bytes.js";
import { fingerprint } from "../material/ids.js";
import { wrappingKeySpecs } from "../material/specs.js";
import { algorithmsFor, notInPages } from "../material/wrap.js";

/**
 * Parameters asks the server for a wrapping public key and an import token.
 * @param {{metadata: object, api: object, onDone: (parameters: {answer: object, algorithm: string,
 *   wrappingKeySpec: string, fingerprint: string}) => void}} props
 */
export default function Parameters({ metadata, api, onDone }) {
  const [wrappingKeySpec, setSpec] = useState(wrappingKeySpecs[0]);
  const [state, setState] = useState({});
  const algorithms = algorithmsFor(metadata.KeySpec, wrappingKeySpec);
  const [chosen, setAlgorithm] = useState(algorithms[0]);
  const algorithm = algorithms.includes(chosen) ? chosen : algorithms[0];
  const download = async () => {
    setState({ busy: true });
    try {
      onDone(await get(api, metadata, algorithm, wrappingKeySpec));
    } catch (error) {
      setState({ error });
    }
  };
  return html`<p>The server makes a pair of RSA keys for this import. The public key wraps the key material, and only
      the server can unwrap it. Both are valid for 24 hours.</p>
    <${Select} label="Wrapping key spec" value=${wrappingKeySpec} options=${wrappingKeySpecs}
      onChange=${(e) => setSpec(e.target.value)}
      hint="All are safe. Choose a smaller one only for a device that needs it." />
    <${Select} label="Wrapping algorithm" value=${algorithm} options=${algorithms}
      onChange=${(e) => setAlgorithm(e.target.value)}
      hint="The list has the algorithms that wrap key material of this key spec." />
    <details><summary>Algorithms that a page cannot compute</summary><ul>${Object.entries(notInPages).map(
      ([name, why]) => html`<li><code>${name}</code>: ${why}.</li>`,
    )}</ul></details>
    ${state.error && html`<${Failure} error=${state.error} />`}
    <div class="actions"><${Button} kind="primary" busy=${state.busy} onClick=${download}>
      Download the public key and import token<//></div>`;
}

async function get(api, { Arn }, algorithm, wrappingKeySpec) {
  const body = { KeyId: Arn, WrappingAlgorithm: algorithm, WrappingKeySpec: wrappingKeySpec };
  const answer = await api.call("GetParametersForImport", body);
  return { answer, algorithm, wrappingKeySpec, fingerprint: await fingerprint(fromBase64(answer.PublicKey)) };
}

/** Received shows what was downloaded. @param {{parameters: object}} props */
export function Received({ parameters }) {
  return html`<${Facts} of=${[
    ["Wrapping", `${parameters.algorithm} under ${parameters.wrappingKeySpec}`],
    ["Valid until", html`<${Time} at=${parameters.answer.ParametersValidTo} />`],
  ]} />
  <h3>Fingerprint of the wrapping public key</h3>
  <${Code} text=${parameters.fingerprint} label="Copy the fingerprint" />
  <p class="note">Compare the fingerprint wherever you see it again: anybody who replaced the public key can read the
    key material that is wrapped under it.</p>`;
}
