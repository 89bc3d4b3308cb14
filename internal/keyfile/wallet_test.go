package keyfile

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
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
		capital := bytes.Replace(content, []byte(`"crypto"`), []byte(`"Crypto"`), 1) // as some wallets write it
		f, err = Read(capital, func() ([]byte, error) { return []byte("testpassword"), nil })
		if bytes.Equal(content, capital) || err != nil || !bytes.Equal(f.key.PKCS8, k.PKCS8) {
			t.Errorf("%s with a capital letter: %v", file, err)
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

// A wallet whose key derivation takes more work or memory than others do is refused before any work.
func TestBoundsOfWallets(t *testing.T) {
	for text, want := range map[string]bool{
		`{"kdf":"scrypt","kdfparams":{"dklen":32,"n":1048576,"r":8,"p":16}}`:                    true,
		`{"kdf":"scrypt","kdfparams":{"dklen":32,"n":1048577,"r":8,"p":16}}`:                    false,
		`{"kdf":"scrypt","kdfparams":{"dklen":32,"n":1048576,"r":9,"p":16}}`:                    false,
		`{"kdf":"scrypt","kdfparams":{"dklen":32,"n":1048576,"r":8,"p":17}}`:                    false,
		`{"kdf":"scrypt","kdfparams":{"dklen":31,"n":1048576,"r":8,"p":16}}`:                    false,
		`{"kdf":"pbkdf2","kdfparams":{"dklen":32,"c":100000000,"prf":"hmac-sha256"}}`:           true,
		`{"kdf":"pbkdf2","kdfparams":{"dklen":32,"c":1,"prf":"hmac-sha256"}}`:                   true,
		`{"kdf":"pbkdf2","kdfparams":{"dklen":32,"c":0,"prf":"hmac-sha256"}}`:                   false,
		`{"kdf":"pbkdf2","kdfparams":{"dklen":32,"c":100000001,"prf":"hmac-sha256"}}`:           false,
		`{"kdf":"pbkdf2","kdfparams":{"dklen":33,"c":1,"prf":"hmac-sha256"}}`:                   false,
		`{"kdf":"pbkdf2","kdfparams":{"dklen":32,"c":1,"prf":"hmac-sha1"}}`:                     false,
		`{"kdf":"argon2","kdfparams":{"dklen":32,"n":1,"r":1,"p":1,"c":1,"prf":"hmac-sha256"}}`: false,
	} {
		var w wallet
		if err := json.Unmarshal([]byte(text), &w); err != nil {
			t.Fatal(err)
		}
		if w.bounded() != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}
