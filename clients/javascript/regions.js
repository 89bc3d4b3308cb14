// A multi-Region key, from its creation to its deletion.

import { ABROAD, HOME, PLAINTEXT, expect, near, refused } from './walk.js';

export default async function regions(w) {
  let KeyId, here, there;
  await w.call('CreateKey of a multi-Region key', async () => {
    const key = (await w.kms.createKey({ MultiRegion: true })).KeyMetadata;
    ({ KeyId, Arn: here } = key);
    there = here.replace(`:${HOME}:`, `:${ABROAD}:`);
    expect('a multi-Region key', key.MultiRegion, true);
    expect('an ID of one', /^mrk-[0-9a-f]{32}$/.test(KeyId), true);
    const want = { MultiRegionKeyType: 'PRIMARY', PrimaryKey: located(here), ReplicaKeys: [] };
    expect('the Regions', key.MultiRegionConfiguration, want);
  });
  await replication(w, KeyId, there);
  await w.call('DescribeKey in both Regions', () => primaryIs(w, KeyId, here, there));
  await w.call('Decrypt in the other Region', async () => {
    await travels(w.kms, w.abroad, KeyId, there);
    await travels(w.abroad, w.kms, KeyId, here);
  });
  await w.call('UpdatePrimaryRegion', async () => {
    await w.kms.updatePrimaryRegion({ KeyId, PrimaryRegion: ABROAD });
    await primaryIs(w, KeyId, there, here);
  });
  await w.call('UpdatePrimaryRegion where no replica is', () =>
    refused('NotFoundException', w.abroad.updatePrimaryRegion({ KeyId, PrimaryRegion: 'ap-south-1' })));
  await deletion(w, KeyId);
}

async function replication(w, KeyId, there) {
  const replicate = (id) => w.kms.replicateKey({ KeyId: id, ReplicaRegion: ABROAD });
  await w.call('ReplicateKey', async () => {
    const { Arn, KeyState } = (await replicate(KeyId)).ReplicaKeyMetadata;
    expect('the ARN and the state', [Arn, KeyState], [there, 'Enabled']);
  });
  await w.call('ReplicateKey where a replica is', () => refused('AlreadyExistsException', replicate(KeyId)));
  await w.call('ReplicateKey of a single-Region key', () =>
    refused('UnsupportedOperationException', replicate(w.arns.symmetric)));
}

// primaryIs checks that both Regions agree on the primary key, and that each names its own key.
async function primaryIs(w, KeyId, primary, replica) {
  for (const [client, region] of [[w.kms, HOME], [w.abroad, ABROAD]]) {
    const key = (await client.describeKey({ KeyId })).KeyMetadata;
    const own = [primary, replica].find((arn) => located(arn).Region === region);
    expect('the ARN', key.Arn, own);
    expect('the Regions', key.MultiRegionConfiguration, {
      MultiRegionKeyType: own === primary ? 'PRIMARY' : 'REPLICA',
      PrimaryKey: located(primary),
      ReplicaKeys: [located(replica)],
    });
  }
}

function located(Arn) {
  return { Arn, Region: Arn.split(':')[3] };
}

// travels checks that a ciphertext of one Region decrypts in the other, under the ARN in that Region.
async function travels(from, to, KeyId, arn) {
  const { CiphertextBlob } = await from.encrypt({ KeyId, Plaintext: PLAINTEXT });
  const opened = await to.decrypt({ CiphertextBlob });
  expect('the key', opened.KeyId, arn);
  expect('the plaintext', opened.Plaintext, PLAINTEXT);
}

// deletion deletes the primary key, which is in the other Region by now and waits for its replica.
async function deletion(w, KeyId) {
  await w.call('ScheduleKeyDeletion of a primary key', async () => {
    const answer = await w.abroad.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    const got = [answer.KeyState, answer.PendingWindowInDays, answer.DeletionDate];
    expect('the state, the days, and no date', got, ['PendingReplicaDeletion', 7, undefined]);
  });
  await w.call('Encrypt with a key pending replica deletion', () =>
    refused('KMSInvalidStateException', w.abroad.encrypt({ KeyId, Plaintext: PLAINTEXT })));
  await w.call('ScheduleKeyDeletion of a replica key', async () => {
    const answer = await w.kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    expect('the state', answer.KeyState, 'PendingDeletion');
    expect('the date', near(answer.DeletionDate, 7), true);
  });
}
