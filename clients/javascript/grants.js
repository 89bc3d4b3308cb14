// Creation, use and end of grants.

import { randomUUID } from 'node:crypto';
import { CONTEXT, PLAINTEXT, expect, near, refused } from './walk.js';

export default async function grants(w) {
  const KeyId = w.arns.symmetric;
  const account = KeyId.split(':')[4];
  const members = {
    KeyId,
    GranteePrincipal: `arn:aws:iam::${account}:role/archivist`,
    RetiringPrincipal: `arn:aws:iam::${account}:user/auditor-${randomUUID()}`,
    Operations: ['Decrypt', 'Encrypt'],
    Constraints: { EncryptionContextSubset: CONTEXT },
  };
  const grant = await creation(w, members);
  await listing(w, members, grant.GrantId);
  await tokens(w, KeyId, grant.GrantToken);
  await ends(w, members, grant.GrantToken);
}

async function creation(w, members) {
  let grant;
  await w.call('CreateGrant', async () => {
    grant = await w.kms.createGrant({ ...members, Name: 'archive' });
    expect('an ID and a token', [grant.GrantId.length > 0, grant.GrantToken.length > 0], [true, true]);
  });
  await w.call('CreateGrant of the same name', async () => {
    const again = await w.kms.createGrant({ ...members, Name: 'archive' });
    expect('the grant', again.GrantId, grant.GrantId);
    expect('the same token', again.GrantToken === grant.GrantToken, false);
  });
  return grant;
}

async function listing(w, members, grantId) {
  await w.call('ListGrants', async () => {
    const { Grants } = await w.kms.listGrants({ KeyId: members.KeyId });
    expect('the grants', ids(Grants), [grantId]);
    const { Name, CreationDate, Operations, ...others } = Grants[0];
    expect('the name', Name, 'archive');
    expect('new', near(CreationDate, 0), true);
    expect('the operations', Operations.sort(), members.Operations);
    for (const member of ['KeyId', 'GranteePrincipal', 'RetiringPrincipal', 'Constraints']) {
      expect(member, others[member], members[member]);
    }
  });
  await w.call('ListRetirableGrants', async () => {
    const { Grants } = await w.kms.listRetirableGrants({ RetiringPrincipal: members.RetiringPrincipal });
    expect('the grants', ids(Grants), [grantId]);
  });
}

async function tokens(w, KeyId, token) {
  await w.call('Encrypt with a grant token', async () => {
    const { CiphertextBlob } = await encrypt(w, KeyId, token);
    const opened = await w.kms.decrypt({ CiphertextBlob, EncryptionContext: CONTEXT, GrantTokens: [token] });
    expect('the plaintext', opened.Plaintext, PLAINTEXT);
    expect('the key', opened.KeyId, KeyId);
  });
  await w.call('Encrypt with a token of no grant', () =>
    refused('InvalidGrantTokenException', encrypt(w, KeyId, 'made-up')));
}

function encrypt(w, KeyId, token) {
  return w.kms.encrypt({ KeyId, Plaintext: PLAINTEXT, EncryptionContext: CONTEXT, GrantTokens: [token] });
}

async function ends(w, members, token) {
  const { KeyId } = members;
  let GrantId;
  await w.call('RetireGrant by its token', async () => {
    await w.kms.retireGrant({ GrantToken: token });
    await noneLeft(w, KeyId);
  });
  await w.call('Encrypt with the token of a retired grant', () =>
    refused('InvalidGrantTokenException', encrypt(w, KeyId, token)));
  await w.call('RetireGrant by its ID', async () => {
    ({ GrantId } = await w.kms.createGrant(members));
    await w.kms.retireGrant({ KeyId, GrantId });
    await noneLeft(w, KeyId);
  });
  await w.call('RevokeGrant', async () => {
    ({ GrantId } = await w.kms.createGrant(members));
    await w.kms.revokeGrant({ KeyId, GrantId });
    await noneLeft(w, KeyId);
  });
  await w.call('RevokeGrant of no grant', () =>
    refused('NotFoundException', w.kms.revokeGrant({ KeyId, GrantId })));
}

async function noneLeft(w, KeyId) {
  expect('the grants', ids((await w.kms.listGrants({ KeyId })).Grants), []);
}

function ids(grants) {
  return grants.map((g) => g.GrantId);
}
