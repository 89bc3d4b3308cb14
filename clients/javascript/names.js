// Aliases, tags and the key policy.

import { randomUUID } from 'node:crypto';
import { expect, refused } from './walk.js';

export default async function names(w) {
  await aliases(w, w.arns.symmetric);
  await tags(w, w.arns.symmetric);
  await w.call('GetKeyPolicy', async () => {
    const answer = await w.kms.getKeyPolicy({ KeyId: w.arns.symmetric });
    expect('the name', answer.PolicyName, 'default');
    expect('the number of statements', JSON.parse(answer.Policy).Statement.length, 1);
  });
}

async function aliases(w, arn) {
  const other = (await w.kms.createKey({})).KeyMetadata.Arn;
  const AliasName = `alias/archive-${randomUUID()}`;
  await w.call('CreateAlias', () => w.kms.createAlias({ AliasName, TargetKeyId: arn }));
  await w.call('CreateAlias of a name in use', () =>
    refused('AlreadyExistsException', w.kms.createAlias({ AliasName, TargetKeyId: other })));
  await w.call('DescribeKey by alias', async () => {
    expect('the key', (await w.describe(AliasName)).Arn, arn);
  });
  await w.call('ListAliases', async () => {
    const { Aliases } = await w.kms.listAliases({ KeyId: arn });
    const aliasArn = `${arn.slice(0, arn.lastIndexOf(':'))}:${AliasName}`;
    expect('the aliases', Aliases.map((a) => [a.AliasName, a.AliasArn]), [[AliasName, aliasArn]]);
  });
  await w.call('UpdateAlias', async () => {
    await w.kms.updateAlias({ AliasName, TargetKeyId: other });
    expect('the key', (await w.describe(AliasName)).Arn, other);
  });
  await w.call('DeleteAlias', async () => {
    await w.kms.deleteAlias({ AliasName });
    await refused('NotFoundException', w.describe(AliasName));
  });
}

async function tags(w, KeyId) {
  const both = [{ TagKey: 'floor', TagValue: '' }, { TagKey: 'room', TagValue: 'archive' }];
  await w.call('TagResource', () => w.kms.tagResource({ KeyId, Tags: both }));
  await w.call('ListResourceTags', async () => {
    const { Tags } = await w.kms.listResourceTags({ KeyId });
    expect('the tags', Tags.sort((a, b) => (a.TagKey < b.TagKey ? -1 : 1)), both);
  });
  await w.call('UntagResource', async () => {
    await w.kms.untagResource({ KeyId, TagKeys: ['floor'] });
    expect('the tags', (await w.kms.listResourceTags({ KeyId })).Tags, both.slice(1));
  });
}
