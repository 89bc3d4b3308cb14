#!/usr/bin/env bash
# Bring your own key in one command: import the material with a proof, use the key, delete
# the material from the server, import it again, and decrypt without a server.
# usage: examples/one-command-import.sh ENDPOINT
#
# The credentials and the Region come from the environment. The default is keyhold dev's.
# KEYHOLD names another keyhold, AWS another aws.
set -euo pipefail

fail() {
	echo "$0: $*" >&2
	exit 1
}

[ $# -eq 1 ] || fail "usage: $0 ENDPOINT (keyhold dev names it in its banner)"
endpoint=$1
KEYHOLD=${KEYHOLD:-bin/keyhold} AWS=${AWS:-/usr/bin/aws}
export AWS_ENDPOINT_URL_KMS=$endpoint AWS_REGION=${AWS_REGION:-us-east-1} AWS_PAGER=
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}
export AWS_DEFAULT_REGION=$AWS_REGION

# Old versions of the AWS CLI ignore AWS_ENDPOINT_URL_KMS, so a flag names the endpoint too.
kms() { "$AWS" --endpoint-url "$endpoint" kms "$@"; }

# dd overwrites the material in its file. Removing the file would leave it on the disk.
work=$(mktemp -d)
cleanup() {
	[ ! -e "$work/own.key" ] || dd if=/dev/zero of="$work/own.key" bs=32 count=1 conv=notrunc status=none
	rm -rf "$work"
}
trap cleanup EXIT

# expect_state STATE
expect_state() {
	local state
	state=$(kms describe-key --key-id "$key" --query KeyMetadata.KeyState --output text)
	[ "$state" = "$1" ] || fail "the key should be $1, and is $state"
	echo "  the key is $state"
}

alias=alias/one-command-$$

echo "Make key material and a key, and import the material for 90 days"
key=$("$KEYHOLD" import "$alias" --create --generate "$work/own.key" --expires 90d)
expect_state Enabled

echo "Use it"
echo "the combination is 12-34-56" > "$work/plaintext"
kms encrypt --key-id "$alias" --plaintext "fileb://$work/plaintext" --encryption-context room=archive \
	--query CiphertextBlob --output text > "$work/ciphertext"

echo "Delete the key material, not the key"
kms delete-imported-key-material --key-id "$key" > "$work/answer"
expect_state PendingImport

echo "Import the same material again"
again=$("$KEYHOLD" import "$alias" --from "$work/own.key" --no-expiry)
[ "$again" = "$key" ] || fail "the material was imported into $again, not into $key"
expect_state Enabled

echo "Decrypt with only the original material"
"$KEYHOLD" decrypt-offline --material "$work/own.key" --context room=archive < "$work/ciphertext" > "$work/opened"
cmp "$work/plaintext" "$work/opened" || fail "the decrypted plaintext differs"

echo ok
