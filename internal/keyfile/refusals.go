package keyfile

import (
	"errors"
	"fmt"
	"strings"
)

// refusals has a row for each kind of file that is recognised and not read: its name in this package, its name
// for users, the advice, and the command for the advice. In a command, FILE is the file, and NEW is the file that
// the command writes. No command changes FILE, or lets others read NEW: a test executes all commands.
// docs/import-files.md has the same rows.
const refusals = `
empty            | an empty file | check how the file came here |
encoded          | text that is encoded more than twice | decode the file until a key is in it |

public key       | a public key | give the private key: it cannot be computed from the public one |
certificate      | a certificate, which holds a public key | give the private key of the certificate |
request          | a certificate signing request, which holds a public key | give the private key that signed the request |
CRL              | a certificate revocation list | give a private key |
PKCS #7          | a PKCS #7 or CMS message, which holds certificates or an encrypted message | give the private key itself |
SSH public key   | an SSH public key | give the private key: ssh-keygen writes it into the file without .pub |
JWK without d    | a JWK of a public key | give the private JWK, which has the member "d" |
PGP public key   | an OpenPGP public key | give a private key in PEM, DER or JWK |
parameters       | a file of EC or DH parameters, without a key | give the private key |

encryption       | a private key with an encryption that is not read here (%s) | write a copy with another one | openssl pkey -provider legacy -provider default -in FILE -aes256 -out NEW
OpenSSH          | a private key in the format of OpenSSH | write a copy in PEM | cp -p FILE NEW && ssh-keygen -p -m PKCS8 -f NEW
PuTTY            | a private key of PuTTY | write it in PEM | puttygen FILE -O private-openssh -o NEW
SSH.com          | a private key in the format of SSH.com | write it in PEM | puttygen FILE -O private-openssh -o NEW
PKCS #12         | a PKCS #12 archive (.p12 or .pfx) | write its private key in PEM | openssl pkcs12 -legacy -in FILE -nocerts -out NEW
JKS              | a Java keystore (JKS) | convert it to PKCS #12, and that to PEM | (umask 077; keytool -importkeystore -srckeystore FILE -destkeystore NEW.p12 -deststoretype PKCS12 && openssl pkcs12 -in NEW.p12 -nocerts -out NEW)
JCEKS            | a Java keystore (JCEKS) | convert it to PKCS #12, and that to PEM | (umask 077; keytool -importkeystore -srckeystore FILE -srcstoretype JCEKS -destkeystore NEW.p12 -deststoretype PKCS12 && openssl pkcs12 -in NEW.p12 -nocerts -out NEW)
BKS              | a keystore of Bouncy Castle (BKS) | convert it to PKCS #12 with keytool and the provider that wrote it, and that to PEM with openssl pkcs12 |
BCFKS            | a keystore of Bouncy Castle (BCFKS) | convert it to PKCS #12 with keytool and the provider that wrote it, and that to PEM with openssl pkcs12 |
explicit curve   | a private key that describes its curve by explicit parameters | write a copy that names the curve, if it is a known one | openssl pkey -in FILE -ec_param_enc named_curve -out NEW
several keys     | a PEM file of several private keys | write the first into a file of its own, or cut the file by hand | openssl pkey -in FILE -out NEW
PVK              | a private key in the PVK format of Windows | write it in PEM | openssl rsa -provider legacy -provider default -inform PVK -in FILE -out NEW
MSBLOB           | an RSA private key as a blob of Windows | write it in PEM | openssl rsa -inform MSBLOB -in FILE -out NEW
TPM              | a key that only its TPM can use | give a key that is not bound to a TPM: its TPM does not export this one |
algorithm        | a private key of the algorithm %s | give an RSA key or an EC key: no others are imported |
curve            | a private key on the curve %s | give an EC key on P-256, P-384, P-521 or secp256k1: no others are imported |
damaged PEM      | PEM that is damaged (%s) | check how the file came here |
damaged JSON     | JSON that is damaged | check how the file came here: jq . FILE shows the place |
ASN.1            | ASN.1 of an unknown structure | list its content with openssl asn1parse -inform DER -in FILE |

JWK set          | a JWK set of %d keys | choose one: 0 is the first | jq '.keys[0]' FILE | keyhold import KEY --from - --expires 90d
JWK set without  | a JWK set without a private or symmetric key | give a JWK that has the member "d" or "k" |
JWE              | an encrypted JWK (JWE) | decrypt it with the program that encrypted it |
JWT              | a signed token (JWT), which holds no key | give the key itself |
JWK type         | a JWK of the type %q on the curve %q | give an RSA key, an EC key on P-256, P-384, P-521 or secp256k1, or a symmetric one: no others are imported |
service account  | the key file of a service account, with a private key in PEM | take the key out | jq -r .private_key FILE | keyhold import KEY --from - --expires 90d
data key         | the answer of GenerateDataKey, with a key in base64 | take the key out | jq -r .Plaintext FILE | keyhold import KEY --from - --expires 90d
data key pair    | the answer of GenerateDataKeyPair, with a private key in base64 | take the key out | jq -r .PrivateKeyPlaintext FILE | keyhold import KEY --from - --expires 90d
ciphertext       | an answer of the KMS API, with a ciphertext and no key | give the key itself |
import answer    | the answer of GetParametersForImport | give it to keyhold wrap with --params, and the key material with --from |
import params    | a file of import parameters | give it to keyhold wrap with --params, and the key material with --from |
wrapped          | a file of wrapped material | give it to keyhold import with --wrapped |
manifest         | the manifest of an import, which has no key material | give the key material, and the manifest with --manifest |
wallet           | a key file of an Ethereum wallet with an encryption that is not read here (%s) | export the private key from the wallet as 64 hexadecimal digits |
Vault export     | an export of a transit key | take the key out, here its version 1 | jq -r '.data.keys."1"' FILE | keyhold import KEY --from - --expires 90d
SOPS             | a file that SOPS encrypted | decrypt it with sops |
Kubernetes       | a Kubernetes Secret | take the key out of its data, where each value is in base64 |
JSON             | JSON other than a JWK | take the key out of it, for example with jq -r |

PGP private key  | an OpenPGP private key | give a private key in PEM, DER or JWK: GnuPG exports none |
PGP message      | a file that OpenPGP encrypted | decrypt it on the way | gpg -d FILE | keyhold import KEY --from - --expires 90d
age              | a file that age encrypted | decrypt it on the way | age -d -i IDENTITY FILE | keyhold import KEY --from - --expires 90d
age identity     | an identity of age, which decrypts files | give the decrypted key |
openssl enc      | a file that openssl enc encrypted | decrypt it on the way, with the options that encrypted it | openssl enc -d -aes-256-cbc -pbkdf2 -in FILE | keyhold import KEY --from - --expires 90d
openssl enc -a   | a file that openssl enc -a encrypted | decrypt it on the way, with the options that encrypted it | openssl enc -d -a -aes-256-cbc -pbkdf2 -in FILE | keyhold import KEY --from - --expires 90d
Ansible vault    | a file that Ansible Vault encrypted | decrypt it with ansible-vault |
gzip             | a file that gzip compressed | decompress it on the way | gzip -dc FILE | keyhold import KEY --from - --expires 90d
bzip2            | a file that bzip2 compressed | decompress it on the way | bzip2 -dc FILE | keyhold import KEY --from - --expires 90d
xz               | a file that xz compressed | decompress it on the way | xz -dc FILE | keyhold import KEY --from - --expires 90d
zip              | a ZIP archive | take the key out, if it is the only file | unzip -p FILE | keyhold import KEY --from - --expires 90d
tar              | a tar archive | take the key out, if it is the only file | tar -xOf FILE | keyhold import KEY --from - --expires 90d

xxd              | a hexadecimal dump of xxd | reverse it on the way | xxd -r FILE | keyhold import KEY --from - --expires 90d
hexdump          | a hexadecimal dump with addresses | leave the addresses out on the way | sed 's/^[0-9a-f]*//; s/|.*//' FILE | keyhold import KEY --from - --expires 90d
word dump        | a hexadecimal dump in words, whose order of bytes depends on the machine | give the file itself, or write it with xxd -p |
openssl text     | the text that openssl -text prints | give the key in PEM, which openssl writes without -noout |
recovery phrase  | a recovery phrase of a wallet, of which many keys are derived | export the one private key from the wallet as 64 hexadecimal digits |
extended key     | an extended key of a wallet (BIP 32), of which many keys are derived | export the one private key from the wallet as 64 hexadecimal digits |
share            | a share of a secret | give it to keyhold import with --from-shares |
root key         | the root key file of a Keyhold server | keep it secret, and give the key material that is to be imported |
HTML             | an HTML page, which a web server may send instead of a file | sign in, and download the file again |
XML              | XML | give the key in PEM, DER or JWK |
PDF              | a PDF document | give the key in a file of its own |
`

// A NotRead is the error for a file that is recognised but not read. It says what the file is, and what its owner
// can do.
type NotRead struct {
	Kind    string // the name in the table of refusals
	What    string
	Do      string
	Command string // "" if there is no command
}

func (n *NotRead) Error() string {
	text := "it is " + n.What + ": " + n.Do
	if n.Command != "" {
		text += ": " + n.Command
	}
	return text
}

// refuse returns the error for a kind of file. The arguments fill the placeholders of the row.
func refuse(kind string, args ...any) error {
	for _, n := range parseRefusals() {
		if n.Kind == kind {
			n.What = fmt.Sprintf(n.What, args...)
			return &n
		}
	}
	panic("keyfile: no refusal of the kind " + kind)
}

// encodings are the commands that decode a file, by the form of its outermost encoding.
var encodings = map[string]string{
	"base64":      "(umask 077; base64 -d FILE > NEW)",
	"hexadecimal": "(umask 077; xxd -r -p FILE NEW)",
	walletHex:     "(umask 077; xxd -r -p FILE NEW)",
	"UTF-16":      "(umask 077; iconv -f UTF-16 -t UTF-8 FILE > NEW)",
}

// refuseWithin returns the error for an encoded file whose content is not read.
func refuseWithin(form string, err error) error {
	n, ok := errors.AsType[*NotRead](err)
	if !ok || n.Kind == "encoded" {
		return err
	}
	what := form + " of " + strings.TrimPrefix(n.What, form+" of ")
	return &NotRead{n.Kind, what, "decode the file first", encodings[form]}
}

// short returns the name of an algorithm in a file, or an ellipsis if the text is too long for a name, because
// errors contain nothing of a file's content.
func short(name string) string {
	if len(name) > 24 {
		return "…"
	}
	return name
}

func parseRefusals() (rows []NotRead) {
	for line := range strings.Lines(refusals) {
		f := strings.SplitN(line, "|", 4)
		if len(f) != 4 {
			continue
		}
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		rows = append(rows, NotRead{f[0], f[1], f[2], f[3]})
	}
	return rows
}
