// Calls, their labels, and comparisons of their results.

import { inspect, isDeepStrictEqual } from 'node:util';
import * as sdk from '@aws-sdk/client-kms';

export const HOME = 'us-east-1';
export const ABROAD = 'eu-west-2';
export const CONTEXT = { room: 'archive' };
export const PLAINTEXT = Buffer.from('the combination is 12-34-56');
export const DAY = 24 * 60 * 60 * 1000;

// A Walk has the clients of two Regions, the number of calls, and the ARNs of the keys by purpose.
export class Walk {
  calls = 0;
  arns = {};

  constructor(kms, abroad) {
    this.kms = kms;
    this.abroad = abroad;
  }

  // call runs the step and prints its label, or names the step that failed.
  async call(label, step) {
    try {
      await step();
    } catch (error) {
      throw new Error(`${label}: ${error.message}`, { cause: error });
    }
    this.calls++;
    console.log(label);
  }

  async describe(KeyId) {
    return (await this.kms.describeKey({ KeyId })).KeyMetadata;
  }
}

// refused checks that the call fails with the SDK's own exception, or with its general exception for this code.
export async function refused(name, request) {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof (sdk[name] ?? sdk.KMSServiceException)) || error.name !== name) {
      throw new Error(`expected ${name}, got ${error.name}: ${error.message}`, { cause: error });
    }
    expect('the status', error.$metadata.httpStatusCode, 400);
    return;
  }
  throw new Error(`expected ${name}, but it succeeded`);
}

export function expect(what, got, want) {
  [got, want] = [got, want].map((v) => (v instanceof Uint8Array ? Buffer.from(v).toString('hex') : v));
  if (!isDeepStrictEqual(got, want)) {
    throw new Error(`${what}: expected ${inspect(want)}, got ${inspect(got)}`);
  }
}

// near reports whether a date is this many days away, give or take an hour.
export function near(date, days) {
  return Math.abs(date - Date.now() - days * DAY) < DAY / 24;
}
