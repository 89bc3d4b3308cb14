#!/usr/bin/env bash
# Who may: two accounts, users, a role and a grant, with the AWS CLI and boto3. A file
# declares the identities; what they may do, their policies, the key's policy and
# grants say, as in AWS.
# usage: examples/identities.sh ENDPOINT
#
# The credentials and the Region are those of the environment, and by default
# those of keyhold dev. KEYHOLD, AWS and PYTHON name other programs.
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

# The endpoint is given in every call, as old versions of the AWS CLI ignore those of
# the environment.
kms() { "$AWS" --endpoint-url "$endpoint" kms "$@"; }
sts() { "$AWS" --endpoint-url "$endpoint" sts "$@"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# as NAME COMMAND...: with the credentials of somebody, which are in a file of their
# own. What they may not do ends the script.
as() {
	local who=$1
	shift
	(
		. "$work/$who"
		"$@"
	)
}

# refused NAME COMMAND...: they may not, and are told so.
refused() {
	local answer
	if answer=$(as "$@" 2>&1 > /dev/null); then
		fail "$1 should be refused: ${*:2}"
	fi
	[[ $answer == *AccessDenied* ]] || fail "$1 was refused for another reason: $answer"
}

account=$(sts get-caller-identity --query Account --output text)
partner=444455556666

# 1. Alice and a role are of this account, Carol and Dave of another one. The role trusts
# Alice. Carol may use keys of other accounts, as far as their own policies let her;
# Dave has no policy at all.
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
# The secrets are made by the server and shown this once.
"$KEYHOLD" apply -f "$work/identities.toml" --endpoint-url "$endpoint" 2> "$work/changes" > "$work/keys" || fail "apply: $(cat "$work/changes")"
for who in alice carol dave; do
	grep -A 2 "user/$who," "$work/keys" | grep '^export ' > "$work/$who" || fail "$who has no access key: is this server new?"
done
as alice sts get-caller-identity --query Arn --output text

# 2. A key, whose policy lets the other account in for one use. Nobody else is let in,
# not even Alice: her account may, and no policy of the account's lets her.
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
[ "$(as carol decrypt)" = "$expected" ] || fail "carol decrypts something else"
refused carol kms encrypt --key-id "$key" --plaintext "fileb://$work/message"  # her policy does, the key's does not
refused dave decrypt                                                          # the key's policy does, none of his
refused alice decrypt

# 3. A role is assumed: it may nothing either, before a grant lets it.
as alice sts assume-role --role-arn "arn:aws:iam::$account:role/backup" --role-session-name nightly \
	--query Credentials.[AccessKeyId,SecretAccessKey,SessionToken] --output text |
	{
		read -r id secret token
		printf 'export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_SESSION_TOKEN=%s\n' "$id" "$secret" "$token"
	} > "$work/backup"
as backup sts get-caller-identity --query Arn --output text
refused carol sts assume-role --role-arn "arn:aws:iam::$account:role/backup" --role-session-name mine
refused backup decrypt

# 4. A grant: to decrypt what is of one tenant, and to give it back. It is used with
# boto3, and retired by whoever has it.
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
[ "$(as backup use 7)" = "$(cat "$work/message")" ] || fail "the role decrypts something else"
refused backup use 8                                                          # another tenant's
refused backup kms encrypt --key-id "$key" --plaintext "fileb://$work/message" # not among the operations
refused carol kms retire-grant --key-id "$key" --grant-id "$grant"
as backup kms retire-grant --key-id "$key" --grant-id "$grant"
refused backup decrypt

echo ok
