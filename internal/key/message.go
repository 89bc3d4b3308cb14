package key

import (
	"fmt"
	"strconv"
	"strings"
)

// messageTable lists what each signing algorithm signs by message type: "any" is a message of up to 4096 bytes,
// a number is the exact size in bytes of a digest or of the message representative μ. Source: MessageType of
// Sign in the API reference.
const messageTable = `
algorithm                  RAW  DIGEST  EXTERNAL_MU
RSASSA_PKCS1_V1_5_SHA_256  any  32      no
RSASSA_PKCS1_V1_5_SHA_384  any  48      no
RSASSA_PKCS1_V1_5_SHA_512  any  64      no
RSASSA_PSS_SHA_256         any  32      no
RSASSA_PSS_SHA_384         any  48      no
RSASSA_PSS_SHA_512         any  64      no
ECDSA_SHA_256              any  32      no
ECDSA_SHA_384              any  48      no
ECDSA_SHA_512              any  64      no
ED25519_SHA_512            any  no      no
ED25519_PH_SHA_512         no   64      no
ML_DSA_SHAKE_256           any  no      64
`

// A form is a signing algorithm together with a message type.
type form struct{ algorithm, messageType string }

// messages is messageTable, parsed. Nothing writes to it.
var messages = parseMessages(messageTable)

// parseMessages parses a message table. It panics if the table is malformed.
func parseMessages(table string) map[form]string {
	cells := map[form]string{}
	lines := strings.Split(strings.TrimSpace(table), "\n")
	types := strings.Fields(lines[0])[1:]
	for _, line := range lines[1:] {
		f := strings.Fields(line)
		if len(f) != 1+len(types) {
			panic(fmt.Sprintf("key: not a line of the table of messages: %q", line))
		}
		for i, word := range f[1:] {
			if _, err := strconv.Atoi(word); err != nil && word != "any" && word != "no" {
				panic(fmt.Sprintf("key: the table of messages has the unknown word %q", word))
			}
			cells[form{f[0], types[i]}] = word
		}
	}
	return cells
}

// CheckMessage returns a ValidationException unless the algorithm can sign a message of this type and size in
// bytes.
func CheckMessage(algorithm, messageType string, size int) error {
	word, ok := messages[form{algorithm, messageType}]
	switch {
	case !ok || word == "no":
		return Errorf(KindValidation, "MessageType %s is not valid for the signing algorithm %s.", messageType, algorithm)
	case word == "any" || word == strconv.Itoa(size):
		return nil
	case messageType == "DIGEST":
		return Errorf(KindValidation, "Digest is invalid length for algorithm %s.", algorithm)
	}
	return Errorf(KindValidation, "A Message of the type %s must have a length of %s bytes.", messageType, word)
}
