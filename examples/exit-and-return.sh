#!/usr/bin/env bash
# Leave a server, and return after it is lost. With your original key material,
# ciphertexts decrypt without a server, and on a new server too.
# usage: examples/exit-and-return.sh KEYHOLD
#
# KEYHOLD is the path of the program, such as bin/keyhold. The script runs it as two
# servers for production, one after the other, in a temporary folder. AWS names another
# aws, PYTHON another python3. Python needs the package cryptography.
set -euo pipefail

fail() {
	echo "$0: $*" >&2
	exit 1
}

[ $# -eq 1 ] || fail "usage: $0 KEYHOLD (the program: make build makes bin/keyhold)"
keyhold=$1
AWS=${AWS:-/usr/bin/aws}
PYTHON=${PYTHON:-python3}
examples=$(dirname "$0")
account=111122223333
export AWS_DEFAULT_REGION=us-east-1 AWS_PAGER=

# dd overwrites the material in its file. Removing the file would leave it on the disk.
work=$(mktemp -d)
server=
cleanup() {
	[ -z "$server" ] || kill -9 "$server" 2> /dev/null || true
	[ ! -e "$work/material" ] || dd if=/dev/zero of="$work/material" bs=32 count=1 conv=notrunc status=none
	rm -rf "$work"
}
trap cleanup EXIT

# start FOLDER: create a deployment in a folder and serve it. The banner names the endpoint.
start() {
	"$keyhold" init --data "$work/$1" --account $account > "$work/init"
	eval "$(grep -E '^ *export AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY)=' "$work/init")"
	mkfifo "$work/banner-$1"
	"$keyhold" serve --data "$work/$1" --addr 127.0.0.1:0 > "$work/banner-$1" &
	server=$!
	while read -r name endpoint; do [ "$name" != endpoint ] || break; done < "$work/banner-$1"
	[ -n "$endpoint" ] || fail "the server did not print its endpoint"
}

# lose FOLDER: remove a server without a shutdown or a backup.
lose() {
	kill -9 "$server"
	wait "$server" 2> /dev/null || true
	server=
	rm -rf "${work:?}/$1" "$work/$1.root-key"
}

kms() { "$AWS" --endpoint-url "$endpoint" kms "$@"; }
unbase64() { openssl base64 -d -A; }

# import FILE: download, wrap, import.
import() {
	kms get-parameters-for-import --key-id "$key" --wrapping-algorithm RSAES_OAEP_SHA_256 \
		--wrapping-key-spec RSA_2048 --query '[PublicKey,ImportToken]' --output text > "$work/params"
	cut -f 1 "$work/params" | unbase64 > "$work/public"
	cut -f 2 "$work/params" | unbase64 > "$work/token"
	openssl pkeyutl -encrypt -pubin -keyform DER -inkey "$work/public" -in "$1" -out "$work/wrapped" \
		-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256
	kms import-key-material --key-id "$key" --import-token "fileb://$work/token" \
		--encrypted-key-material "fileb://$work/wrapped" \
		--expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE > "$work/answer"
}

decrypt() {
	kms decrypt --ciphertext-blob "fileb://$work/ciphertext" "$@" --query Plaintext --output text
}

# expect_refused ERROR COMMAND...
expect_refused() {
	local name=$1
	shift
	if "$@" > "$work/none" 2> "$work/error"; then
		fail "expected $name, but it succeeded: $*"
	fi
	grep -q "($name)" "$work/error" || fail "expected $name, got: $(cat "$work/error")"
	echo "  refused: $name"
}

echo "Start a server, and import your own material into a key"
start first
key=$(kms create-key --origin EXTERNAL --query KeyMetadata.KeyId --output text)
openssl rand -out "$work/material" 32
import "$work/material"
echo "  key $key"
echo "the combination is 12-34-56" > "$work/plaintext"
kms encrypt --key-id "$key" --plaintext "fileb://$work/plaintext" --encryption-context room=archive \
	--query CiphertextBlob --output text | unbase64 > "$work/ciphertext"

echo "Lose the server, with its data and its root key"
lose first

echo "Exit: decrypt the ciphertext without a server"
"$PYTHON" "$examples/decrypt_offline.py" "$work/material" room=archive < "$work/ciphertext" > "$work/decrypted"
cmp "$work/plaintext" "$work/decrypted" || fail "the plaintext that was decrypted offline differs"
if "$PYTHON" "$examples/decrypt_offline.py" "$work/material" room=cellar < "$work/ciphertext" > "$work/none" 2>&1; then
	fail "the ciphertext decrypts in another encryption context"
fi
echo "  the ciphertext decrypts, and only in its encryption context"

echo "Return: start a new, empty server for the same account"
start second
expect_refused AccessDeniedException decrypt --encryption-context room=archive

echo "Recreate the key with its old ID, without material"
material_id=$("$PYTHON" "$examples/decrypt_offline.py" --id "$key" "$work/material")
"$keyhold" key recreate --endpoint-url "$endpoint" --id "$key" --account $account --region us-east-1 \
	--material-id "$material_id" > "$work/arn" 2> "$work/talk"
state=$(kms describe-key --key-id "$key" --query KeyMetadata.KeyState --output text)
[ "$state" = PendingImport ] || fail "the key should be PendingImport, and is $state"
openssl rand -out "$work/other" 32
expect_refused IncorrectKeyMaterialException import "$work/other"

echo "Import the original material, and decrypt the old ciphertext"
import "$work/material"
decrypt --encryption-context room=archive | unbase64 > "$work/decrypted"
cmp "$work/plaintext" "$work/decrypted" || fail "the decrypted plaintext differs"
expect_refused InvalidCiphertextException decrypt

lose second
echo ok
