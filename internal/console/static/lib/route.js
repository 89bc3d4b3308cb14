// Routes: the part of the address after #. It never reaches the server.

/**
 * @typedef {object} Route
 * @property {string} path as "keys/1234"
 * @property {Record<string, string>} params the parts of the path that the table names, as {id: "1234"}
 * @property {URLSearchParams} query what follows ? in the path
 */

/**
 * parse returns the row of the table of pages that an address belongs to, and the route.
 * @param {string} hash as "#/keys/1234?tab=tags"
 * @param {{path: string}[]} table
 * @returns {{row: object|undefined, route: Route}}
 */
export function parse(hash, table) {
  const [path, query = ""] = split(hash.replace(/^#?\/?/, ""), "?");
  const route = { path, params: {}, query: new URLSearchParams(query) };
  for (const row of table) {
    const params = matches(row.path, path);
    if (params) return { row, route: { ...route, params } };
  }
  return { row: undefined, route };
}

/**
 * link returns the address of a page: link("keys", id) is "#/keys/ID". Parts are encoded.
 * @param {...string} parts
 */
export function link(...parts) {
  return "#/" + parts.map(encodeURIComponent).join("/");
}

function split(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function matches(pattern, path) {
  const want = pattern.split("/");
  const got = path.split("/");
  if (want.length !== got.length) return null;
  const params = {};
  for (const [i, part] of want.entries()) {
    if (part.startsWith(":")) params[part.slice(1)] = decode(got[i]);
    else if (part !== got[i]) return null;
  }
  return params;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
