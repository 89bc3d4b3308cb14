package keyfile

import (
	"bytes"
	"encoding/hex"
	"os"
	"testing"
)

// The test vectors of Web3 Secret Storage give the key in the specification.
func TestWallet(t *testing.T) {
	want, err := hex.DecodeString("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d")
	if err != nil {
		t.Fatal(err)
	}
	k, err := fromScalar("ECC_SECG_P256K1", want)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"ethereum-pbkdf2.json", "ethereum-scrypt.json"} {
		content, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(content, func() ([]byte, error) { return []byte("testpassword"), nil })
		if err != nil || !bytes.Equal(f.key.PKCS8, k.PKCS8) {
			t.Errorf("%s: %v", file, err)
		}
		if _, err := Read(content, func() ([]byte, error) { return []byte("testpassworD"), nil }); err != ErrPassphrase {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// The example of the wallet import format gives its key. With one character changed, the text is
// not in this format.
func TestWIF(t *testing.T) {
	const text = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"
	want, err := hex.DecodeString("0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := new(reader).fromWIF([]byte(text)); !ok || !bytes.Equal(got, want) {
		t.Errorf("%x, %v", got, ok)
	}
	for i := range text {
		changed := []byte(text)
		if changed[i] = 'z'; text[i] == 'z' {
			changed[i] = 'y'
		}
		if got, ok := new(reader).fromWIF(changed); ok {
			t.Errorf("%s: %x", changed, got)
		}
	}
}
