#!/usr/bin/env bash
# Permissions of two accounts, users and a role, with the AWS CLI and boto3. A file
# declares the identities. Their policies, the key policy and grants decide what they may
# do, as in AWS.
# usage: examples/identities.sh ENDPOINT
#
# The credentials and the Region come from the environment. The default is keyhold dev's.
# KEYHOLD, AWS and PYTHON name other programs.
set -euo pipefail

fail() {
	echo "$0: $*" >&2
	exit 1
}

[ $# -eq 1 ] || fail "usage: $0 ENDPOINT (keyhold dev names it in its banner)"
endpoint=$1
KEYHOLD=${KEYHOLD:-bin/keyhold} AWS=${AWS:-/usr/bin/aws} PYTHON=${PYTHON:-python3}
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}
export AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-us-east-1} AWS_PAGER=

# Every call names the endpoint, because old versions of the AWS CLI ignore endpoints in
# the environment.
kms() { "$AWS" --endpoint-url "$endpoint" kms "$@"; }
sts() { "$AWS" --endpoint-url "$endpoint" sts "$@"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# as NAME COMMAND...: run a command with the credentials in the file of this name. A
# refusal ends the script.
as() {
	local who=$1
	shift
	(
		. "$work/$who"
		"$@"
	)
}

# refused NAME COMMAND...: run a command that must be refused with AccessDenied.
refused() {
	local answer
	if answer=$(as "$@" 2>&1 > /dev/null); then
		fail "$1 should be refused: ${*:2}"
	fi
	[[ $answer == *AccessDenied* ]] || fail "$1 was refused for another reason: $answer"
}

account=$(sts get-caller-identity --query Account --output text)
partner=444455556666

# 1. Alice and a role belong to this account, Carol and Dave to another one. The role
# trusts Alice. Carol may use keys of other accounts if the key policies allow it. Dave has
# no policy.
cat > "$work/identities.toml" <<-TOML
	[[account]]
	id = "$partner"
	name = "partner"

	[[user]]
	name = "alice"
	access_keys = 1

	[[role]]
	name = "backup"
	trust = '''{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::$account:user/alice"}, "Action": "sts:AssumeRole"}}'''

	[[user]]
	name = "carol"
	account = "$partner"
	access_keys = 1
	[[user.policy]]
	name = "keys"
	document = '''{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*"}}'''

	[[user]]
	name = "dave"
	account = "$partner"
	access_keys = 1
TOML
# The server makes the secrets and shows them only once.
"$KEYHOLD" apply -f "$work/identities.toml" --endpoint-url "$endpoint" 2> "$work/changes" > "$work/keys" || fail "apply: $(cat "$work/changes")"
for who in alice carol dave; do
	grep -A 2 "user/$who," "$work/keys" | grep '^export ' > "$work/$who" || fail "$who has no access key: is this server new?"
done
as alice sts get-caller-identity --query Arn --output text

# 2. A key whose policy allows the other account one operation. The policy also allows
# everything to this account, but no policy of the account allows anything to Alice.
cat > "$work/policy.json" <<-JSON
	{"Version": "2012-10-17", "Statement": [
	  {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::$account:root"}, "Action": "kms:*", "Resource": "*"},
	  {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::$partner:root"}, "Action": "kms:Decrypt", "Resource": "*"}]}
JSON
key=$(kms create-key --policy "file://$work/policy.json" --query KeyMetadata.Arn --output text)
printf 'for the partner' > "$work/message"
kms encrypt --key-id "$key" --plaintext "fileb://$work/message" --encryption-context tenant=7 --query CiphertextBlob --output text | openssl base64 -d -A > "$work/blob"

decrypt() { kms decrypt --key-id "$key" --ciphertext-blob "fileb://$work/blob" --encryption-context tenant=7 --query Plaintext --output text; }
expected=$(openssl base64 -A -in "$work/message")
[ "$(as carol decrypt)" = "$expected" ] || fail "carol gets another plaintext"
refused carol kms encrypt --key-id "$key" --plaintext "fileb://$work/message"  # her policy does, the key's does not
refused dave decrypt                                                          # the key's policy does, none of his
refused alice decrypt

# 3. Alice assumes the role. It may do nothing either, before a grant allows it.
as alice sts assume-role --role-arn "arn:aws:iam::$account:role/backup" --role-session-name nightly \
	--query Credentials.[AccessKeyId,SecretAccessKey,SessionToken] --output text |
	{
		read -r id secret token
		printf 'export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_SESSION_TOKEN=%s\n' "$id" "$secret" "$token"
	} > "$work/backup"
as backup sts get-caller-identity --query Arn --output text
refused carol sts assume-role --role-arn "arn:aws:iam::$account:role/backup" --role-session-name mine
refused backup decrypt

# 4. A grant allows the role to decrypt the ciphertexts of one tenant, and to retire the
# grant. boto3 uses the grant, and the role retires it.
kms create-grant --key-id "$key" --grantee-principal "arn:aws:iam::$account:role/backup" --operations Decrypt RetireGrant \
	--constraints EncryptionContextSubset={tenant=7} --query [GrantId,GrantToken] --output text > "$work/grant"
read -r grant token < "$work/grant"
cat > "$work/use.py" <<-'PYTHON'
	import sys

	import boto3

	endpoint, key, blob, tenant, token = sys.argv[1:]
	kms = boto3.client("kms", endpoint_url=endpoint)
	with open(blob, "rb") as f:
	    answer = kms.decrypt(KeyId=key, CiphertextBlob=f.read(), EncryptionContext={"tenant": tenant}, GrantTokens=[token])
	print(answer["Plaintext"].decode())
PYTHON
use() { "$PYTHON" "$work/use.py" "$endpoint" "$key" "$work/blob" "$1" "$token"; }
[ "$(as backup use 7)" = "$(cat "$work/message")" ] || fail "the role gets another plaintext"
refused backup use 8                                                          # another tenant's
refused backup kms encrypt --key-id "$key" --plaintext "fileb://$work/message" # not among the operations
refused carol kms retire-grant --key-id "$key" --grant-id "$grant"
as backup kms retire-grant --key-id "$key" --grant-id "$grant"
refused backup decrypt

echo ok
