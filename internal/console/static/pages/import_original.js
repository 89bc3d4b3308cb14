// The original of generated key material: the owner saves it once, and the page insists on a readable file.

import { download, html, useState } from "../lib/dom.js";
import { Button, Failure, Field } from "../lib/parts.js";
import { equal, wipe } from "../lib/bytes.js";
import { parse } from "../material/parse.js";

/** @param {{held: import("../material/held.js").Held, name: string, spec: string, onKept: () => void}} props */
export default function Original({ held, name, spec, onKept }) {
  const [file, setFile] = useState("");
  const [error, setError] = useState(null);
  const save = () => {
    const { content, ending } = held.original();
    download(`${name}.${ending}`, content);
    wipe(content);
    setFile(`${name}.${ending}`);
  };
  const check = async (event) => {
    const input = event.target;
    if (!input.files[0]) return;
    try {
      await compare(input.files[0], held, spec);
      onKept();
    } catch (failure) {
      setError(failure);
    }
    input.value = "";
  };
  return html`<h3>The original</h3>
    <p>You remain responsible for the key material: if it expires, is deleted or is lost on the server, only the
      original brings the key back. Save it now, because the page forgets it after the import.</p>
    <div class="actions"><${Button} disabled=${Boolean(file)} onClick=${save}>Save the original<//></div>
    ${file && html`<p class="notice" role="status">The browser saves ${file}. Move the file to a safe place, and choose
      it here: the import continues when the page has read the same key material from it.</p>
      <${Field} label="Check the saved file" type="file" onChange=${check} />`}
    ${error && html`<${Failure} error=${error} />`}`;
}

/** compare reads the saved file, and requires the key material of the page. */
async function compare(file, held, spec) {
  const content = new Uint8Array(await file.arrayBuffer());
  let saved;
  try {
    saved = await parse(content, spec);
    if (!held.use((bytes) => equal(bytes, saved.bytes)))
      throw new Error("This file holds other key material. Choose the file that you just saved.");
  } finally {
    wipe(content, saved?.bytes);
  }
}
