// The pages. Each line has the path, the group of the navigation or -, the title, and the module. A module exports
// `default function Page({ route, api, session, settings })`.

const lines = `
                               | -              | Overview             | overview.js
keys                           | Keys           | Keys                 | keys.js
create                         | Keys           | Create a key         | create.js
import                         | Keys           | Import key material  | import.js
calendar                       | Keys           | Expiry calendar      | calendar.js
policy                         | Access         | Key policies         | policy.js
explain                        | Access         | Decisions            | explain.js
identities                     | Access         | Identities           | identities.js
audit                          | Operation      | Audit log            | audit.js
status                         | Operation      | Status               | status.js
import/:id                     | -              | Import key material  | import.js
keys/:id                       | -              | Key                  | key.js
keys/:id/material              | -              | Key material         | material.js
identity/:kind/new             | -              | New identity         | identity-new.js
identity/:kind/:account/:name  | -              | Identity             | identity.js
audit/:event                   | -              | Event                | event.js
`;

/** table has a row for each page: {path, group, title, load}. */
export const table = lines.trim().split("\n").map((line) => {
  const [path, group, title, module] = line.split("|").map((part) => part.trim());
  return { path, group, title, load: () => import("./" + module) };
});
