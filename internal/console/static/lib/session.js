// Sessions: temporary credentials in memory. No secret is written to a storage of the browser.

import { amzDate, signingKey } from "./sign.js";

const hour = 3600;
const day = 24 * hour * 1000;

/**
 * A Session has temporary credentials. It keeps no secret access key: it derives the signing keys that it needs until
 * its end when it begins, and no script can export them.
 */
export class Session {
  #keys;

  /**
   * @param {{accessKeyId: string, sessionToken: string, keys: Map<string, CryptoKey>, region: string,
   *   regions: string[], account: string, arn: string, ends: number, from?: Session}} s ends is in milliseconds, by
   *   the clock of the browser; from is the session that assumed the role
   */
  constructor({ keys, ...s }) {
    Object.assign(this, s);
    this.#keys = keys;
  }

  /** key returns the signing key for a date, a Region and a service. See Signer in sign.js. */
  async key(date, region, service) {
    const key = this.#keys.get([date, region, service].join("/"));
    if (!key) throw new Error(`The session has no signing key for ${region} on ${date}. Sign in again.`);
    return key;
  }

  /**
   * left returns how many seconds the session lasts.
   * @param {number} now in milliseconds
   */
  left(now = Date.now()) {
    return Math.max(0, Math.ceil((this.ends - now) / 1000));
  }

  /** inRegion returns the same session, whose requests go to another Region. */
  inRegion(region) {
    return new Session({ ...this, keys: this.#keys, region });
  }

  /** end forgets the signing keys. */
  end() {
    this.#keys.clear();
    this.from?.end();
  }
}

/**
 * begin returns a session with credentials of STS.
 * @param {{AccessKeyId: string, SecretAccessKey: string, SessionToken: string}} credentials
 * @param {{region: string, regions: string[], account: string, arn: string, seconds?: number, now: number,
 *   from?: Session}} s now is the time of the server in milliseconds; regions are all Regions that it may be used in
 */
export async function begin(credentials, { seconds = hour, now, ...s }) {
  const keys = new Map();
  const regions = [...new Set([s.region, ...s.regions])];
  const last = now + seconds * 1000;
  for (let time = now; amzDate(new Date(time)).slice(0, 8) <= amzDate(new Date(last)).slice(0, 8); time += day) {
    const date = amzDate(new Date(time)).slice(0, 8);
    for (const region of regions) {
      for (const service of ["kms", "sts"]) {
        keys.set([date, region, service].join("/"),
          await signingKey(credentials.SecretAccessKey, date, region, service));
      }
    }
  }
  return new Session({
    ...s, regions, keys, accessKeyId: credentials.AccessKeyId, sessionToken: credentials.SessionToken,
    ends: Date.now() + seconds * 1000,
  });
}

/** longTerm returns a signer with a secret that is used once, to begin a session. */
export function longTerm(accessKeyId, secret) {
  return { accessKeyId, key: (date, region, service) => signingKey(secret, date, region, service) };
}
