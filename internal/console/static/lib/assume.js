// Switch to a role, and return from it.

import { html, useState } from "./dom.js";
import { Button, Dialog, Failure, Field, useAction } from "./parts.js";
import { begin } from "./session.js";

/** @param {{session: object, api: object, onSession: (session) => void}} props */
export function SwitchRole({ session, api, onSession }) {
  const [open, setOpen] = useState(false);
  const action = useAction();
  const submit = (event) => {
    event.preventDefault();
    const { role, name } = event.target.elements;
    action.run(async () => onSession(await assume(api, session, role.value.trim(), name.value.trim())));
  };
  return html`<${Button} onClick=${() => setOpen(true)}>Switch role<//>
    <${Dialog} title="Switch to a role" open=${open} onClose=${() => setOpen(false)}>
      <p>The page assumes the role for at most one hour. You can return to the present session.</p>
      <form onSubmit=${submit}>
        <${Field} label="ARN of the role" name="role" required placeholder=${`arn:aws:iam::${session.account}:role/NAME`} />
        <${Field} label="Name of the session" name="name" required minlength="2" maxlength="64" defaultValue="console"
          hint="The audit log shows this name." />
        ${action.error && html`<${Failure} error=${action.error} />`}
        <div class="actions"><${Button} kind="primary" type="submit" busy=${action.busy}>Switch<//>
          <${Button} onClick=${() => setOpen(false)}>Cancel<//></div>
      </form><//>`;
}

/** assume returns a session of a role, which ends with the session that it came from at the latest. */
async function assume(api, session, RoleArn, RoleSessionName) {
  const answer = await api.sts("AssumeRole", { RoleArn, RoleSessionName, DurationSeconds: "3600" });
  const made = await begin(answer, {
    region: session.region, regions: session.regions, now: api.now().getTime(), account: answer.Arn.split(":")[4],
    arn: answer.Arn, from: session,
  });
  made.ends = Math.min(made.ends, session.ends);
  return made;
}
