# Functions for the column "made by" of formats.txt. The folder has the keys that the test made: rsa.pem, ec.pem
# (P-256), p384.pem, k1.pem (secp256k1) in PKCS #8, bytes of 28 to 129 bytes as 32.bin, and so on. A passphrase is
# always secret12.
bom() { printf '\357\273\277'; cat "$1"; }
utf16() { iconv -f UTF-8 -t "$2" "$1"; }                              # UTF-16 writes the byte order mark, UTF-16LE does not
crlf() { sed 's/$/\r/' "$1"; }
der() { openssl pkcs8 -topk8 -nocrypt -in "$1" -outform DER; }
trad() { openssl pkey -provider legacy -provider default -in "$@" -traditional; }
enc() { k=$1; shift; openssl pkcs8 -provider legacy -provider default -topk8 -in "$k" "$@" -passout pass:secret12; }
scalar() { openssl ec -in "$1" -no_public -conv_form compressed -outform DER 2>/dev/null | tail -c +8 | head -c "$2"; }
b64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
cert() { openssl req -x509 -new -key "$1" -subj /CN=test "${@:2}"; }
csr() { openssl req -new -key "$1" -subj /CN=test "${@:2}"; }
p12() { cert "$1" > c.pem && openssl pkcs12 -export -inkey "$1" -in c.pem -passout pass:secret12 "${@:2}"; }
sshkey() { rm -f s s.pub; ssh-keygen -q -t $1 -N "$2" -C test -f s; }
ppk() { sshkey "$1" '' && puttygen s -O private -o s.ppk && cat s.ppk; }
json() { printf '{'; while [ $# -gt 1 ]; do printf '"%s": "%s"' "$1" "$2"; shift 2; [ $# -gt 1 ] && printf ', '; done; printf '}'; }
jwk() { "$PYTHON" jwk.py "$@"; }
ber() { "$PYTHON" ber.py "$@"; }
export GNUPGHOME=$PWD/gnupg
mkdir -p -m 700 gnupg
agekey() { rm -f i; age-keygen -o i 2>i.log || { cat i.log >&2; return 127; }; } # writes the identity i
gpgc() { echo pinentry-mode loopback > gnupg/gpg.conf; gpg --batch --quiet --pinentry-mode loopback --passphrase secret12 "$@"; }
