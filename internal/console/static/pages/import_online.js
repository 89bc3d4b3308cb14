// Steps 2 to 4 of an import in the page.

import { html, useEffect, useRef, useState } from "../lib/dom.js";
import { Held } from "../material/held.js";
import Done from "./import_done.js";
import Encrypt from "./import_encrypt.js";
import Parameters from "./import_parameters.js";
import Send from "./import_send.js";
import Steps from "./import_steps.js";

/** useHeld returns the key material of the page, which is overwritten when the page is left. */
function useHeld() {
  const held = useRef(null);
  held.current ??= new Held();
  useEffect(() => {
    const wipe = () => held.current.wipe();
    addEventListener("pagehide", wipe);
    return () => {
      removeEventListener("pagehide", wipe);
      wipe();
    };
  }, []);
  return held.current;
}

/** @param {{target: object, kind: "first"|"again"|"new", api: object}} props */
export default function Online({ target, kind, api }) {
  const held = useHeld();
  const [parameters, setParameters] = useState(null);
  const [material, setMaterial] = useState(null); // a Description
  const [wrapped, setWrapped] = useState(null); // EncryptedKeyMaterial in base64
  const [done, setDone] = useState(null);
  const { metadata } = target;
  const restart = () => {
    setWrapped(null);
    setParameters(null);
  };
  if (done) return html`<${Done} done=${done} target=${target} held=${held} api=${api} />`;
  const step = wrapped ? 4 : parameters ? 3 : 2;
  return html`<${Steps} current=${step} />
    ${step === 2 && html`<${Parameters} metadata=${metadata} api=${api} onDone=${setParameters} />`}
    ${
      step === 3 &&
      html`<${Encrypt} target=${target} kind=${kind} held=${held} parameters=${parameters}
      material=${material} onMaterial=${setMaterial} onDone=${setWrapped} onBack=${restart} />`
    }
    ${
      step === 4 &&
      html`<${Send} target=${target} kind=${kind} held=${held} api=${api} onBack=${restart} onDone=${setDone}
      sealed=${{
        material: wrapped,
        token: parameters.answer.ImportToken,
        id: material.id,
        publicKey: material.publicKey,
        fingerprint: parameters.fingerprint,
        validTo: parameters.answer.ParametersValidTo,
      }} />`
    }`;
}
