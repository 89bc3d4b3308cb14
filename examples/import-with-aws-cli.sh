#!/usr/bin/env bash
# Bring your own key with only the AWS CLI and OpenSSL: the four steps of an import, the
# deletion of the material, and a second import of the same material.
# usage: examples/import-with-aws-cli.sh ENDPOINT
#
# The credentials and the Region come from the environment. The default is keyhold dev's.
# AWS names another aws.
set -euo pipefail

fail() {
	echo "$0: $*" >&2
	exit 1
}

[ $# -eq 1 ] || fail "usage: $0 ENDPOINT (keyhold dev names it in its banner)"
endpoint=$1
AWS=${AWS:-/usr/bin/aws}
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}
export AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-us-east-1} AWS_PAGER=

# Every call names the endpoint. Old versions of the AWS CLI, such as 2.9 of Debian 12,
# silently ignore AWS_ENDPOINT_URL_KMS and would send the requests to AWS.
kms() { "$AWS" --endpoint-url "$endpoint" kms "$@"; }

# dd overwrites the material in its file. Removing the file would leave it on the disk.
work=$(mktemp -d)
cleanup() {
	[ ! -e "$work/material" ] || dd if=/dev/zero of="$work/material" bs=32 count=1 conv=notrunc status=none
	rm -rf "$work"
}
trap cleanup EXIT

unbase64() { openssl base64 -d -A; }

# 2. Download the public key and the import token. They are valid for 24 hours.
download() {
	kms get-parameters-for-import --key-id "$key" --wrapping-algorithm RSAES_OAEP_SHA_256 \
		--wrapping-key-spec RSA_2048 --query '[PublicKey,ImportToken]' --output text > "$work/params"
	cut -f 1 "$work/params" | unbase64 > "$work/public"
	cut -f 2 "$work/params" | unbase64 > "$work/token"
}

# 3. Encrypt the key material. SHA-256 must be named twice, for OAEP and MGF1.
wrap() {
	openssl pkeyutl -encrypt -pubin -keyform DER -inkey "$work/public" -in "$work/material" -out "$work/wrapped" \
		-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256
}

# 4. Import the material for 90 days.
import() {
	kms import-key-material --key-id "$key" --import-token "fileb://$work/token" \
		--encrypted-key-material "fileb://$work/wrapped" \
		--expiration-model KEY_MATERIAL_EXPIRES --valid-to $(($(date +%s) + 90 * 24 * 3600)) > "$work/answer"
}

# expect_state STATE
expect_state() {
	local state
	state=$(kms describe-key --key-id "$key" --query KeyMetadata.KeyState --output text)
	[ "$state" = "$1" ] || fail "the key should be $1, and is $state"
	echo "  the key is $state"
}

# encrypt KEY > ciphertext
encrypt() {
	kms encrypt --key-id "$1" --plaintext "fileb://$work/plaintext" --encryption-context room=archive \
		--query CiphertextBlob --output text | unbase64
}

# expect_decrypts CIPHERTEXT
expect_decrypts() {
	kms decrypt --ciphertext-blob "fileb://$1" --encryption-context room=archive \
		--query Plaintext --output text | unbase64 > "$work/decrypted"
	cmp "$work/plaintext" "$work/decrypted" || fail "the decrypted plaintext differs"
	echo "  the ciphertext decrypts"
}

echo "1. Create a key without key material"
key=$(kms create-key --origin EXTERNAL --query KeyMetadata.KeyId --output text)
echo "  key $key"
expect_state PendingImport

echo "2. Download the public key and the import token"
download

echo "3. Encrypt the key material"
openssl rand -out "$work/material" 32
wrap

echo "4. Import the key material"
import
expect_state Enabled

echo "Use it"
echo "the combination is 12-34-56" > "$work/plaintext"
encrypt "$key" > "$work/old"
expect_decrypts "$work/old"

echo "Delete the key material, not the key"
kms delete-imported-key-material --key-id "$key" > "$work/answer"
expect_state PendingImport
if encrypt "$key" > "$work/none" 2> "$work/error"; then
	fail "the key encrypts without material"
fi
grep -q '(KMSInvalidStateException)' "$work/error" || fail "expected KMSInvalidStateException, got: $(cat "$work/error")"
echo "  encrypt is refused with KMSInvalidStateException"

echo "Import the same material again"
download
wrap
import
expect_state Enabled
expect_decrypts "$work/old"

echo "Use the key by another name"
alias=alias/imported-$key
kms create-alias --alias-name "$alias" --target-key-id "$key"
encrypt "$alias" > "$work/new"
expect_decrypts "$work/new"

echo ok
