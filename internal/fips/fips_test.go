package fips

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/recipients"
)

func TestTableInTheDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/fips.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "```\n"+Table()+"\n```") {
		t.Error("docs/fips.md does not have the table of this package")
	}
}

// Each name is a name of the API or a kind of custody, and stands once in its kind.
func TestNamesOfTheTable(t *testing.T) {
	known := map[string][]string{
		"key spec": slices.Concat(api.Enum("KeySpec"), api.Enum("DataKeyPairSpec")),
		"data key": api.Enum("DataKeySpec"),
		"algorithm": slices.Concat(api.Enum("EncryptionAlgorithmSpec"), api.Enum("SigningAlgorithmSpec"),
			api.Enum("MacAlgorithmSpec"), api.Enum("KeyAgreementAlgorithmSpec"), api.Enum("EncapsulationAlgorithmSpec")),
	}
	known["recipient"], known["recovery"] = recipients.Kinds(), []string{"MLKEM768-P256"}
	for kind, names := range allowed {
		for i, name := range names {
			spec, _ := custody.Parse(name + ":x")
			isKnown := slices.Contains(known[kind], name) || kind == "custody" && spec.Kind == name
			if !isKnown || slices.Contains(names[:i], name) {
				t.Errorf("%s %s is not a name, or stands twice", kind, name)
			}
		}
	}
}

func TestMalformedTables(t *testing.T) {
	for _, line := range []string{"key spec", "key spec XXNAME   FIPS", "key spec   A_LONG_NAME  FIPS"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q is accepted", line)
				}
			}()
			parse("kind       name   standard\n" + line)
		}()
	}
}

func TestRefusals(t *testing.T) {
	for _, name := range []string{"", "ECC_SECG_P256K1", "ML_KEM_512", "ML_DSA_44", "RSAES_OAEP_SHA_1", "SM2", "key-file", "rsa_2048"} {
		if Algorithm(name) {
			t.Errorf("%q is allowed", name)
		}
	}
	if err := CheckCustody("key-file"); err != nil {
		t.Error(err)
	}
	for _, kind := range []string{"", "RSA_2048", "tpm"} {
		if err := CheckCustody(kind); err == nil || !strings.Contains(err.Error(), "take one of key-file, passphrase, awskms") {
			t.Errorf("%q: %v", kind, err)
		}
	}
}
