// The calls of clients/README.md through @aws-sdk/client-kms, against the server at ENDPOINT.
//
// usage: node main.js ENDPOINT

import { KMS } from '@aws-sdk/client-kms';
import agreement from './agreement.js';
import grants from './grants.js';
import imports from './imports.js';
import keys from './keys.js';
import life from './life.js';
import names from './names.js';
import regions from './regions.js';
import signatures from './signatures.js';
import symmetric from './symmetric.js';
import { ABROAD, HOME, Walk } from './walk.js';

function connect(endpoint, region) {
  return new KMS({
    endpoint,
    region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
}

async function main(endpoint) {
  const w = new Walk(connect(endpoint, HOME), connect(endpoint, ABROAD));
  for (const part of [keys, names, symmetric, imports, signatures, agreement, grants, regions, life]) {
    await part(w);
  }
  console.log(`ok ${w.calls} calls`);
}

if (process.argv.length !== 3) {
  console.error('usage: node main.js ENDPOINT');
  process.exit(2);
}
try {
  await main(process.argv[2]);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
