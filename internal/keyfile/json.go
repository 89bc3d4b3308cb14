package keyfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// An object is a JSON object. Its members are kept as the bytes of the file, because bytes can be cleared and
// strings cannot.
type object map[string]json.RawMessage

// errNotJSON is the error for text that is not a JSON object.
var errNotJSON = errors.New("keyfile: not a JSON object")

// parseObject reads a JSON object with each member once.
func (r *reader) parseObject(text []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotJSON
	}
	o := object{}
	for d.More() {
		t, _ := d.Token() // nil after an error
		name, ok := t.(string)
		if !ok {
			return nil, errNotJSON
		}
		if o[name] != nil {
			return nil, fmt.Errorf("the JSON has the member %q twice", short(name))
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errNotJSON
		}
		o[name] = r.keep(value)
	}
	if _, err := d.Token(); err != nil {
		return nil, errNotJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON object")
	}
	return o, nil
}

// text returns a member that is text without escapes. It must not be used for secrets, because it returns a
// string.
func (o object) text(name string) string {
	var s string
	if json.Unmarshal(o[name], &s) != nil {
		return ""
	}
	return s
}

// jsonKinds are the kinds of objects that are not read, by their members. The first kind that fits counts.
var jsonKinds = []struct {
	kind    string
	members []string
}{
	{"SOPS", []string{"sops"}},
	{"service account", []string{"private_key", "client_email"}},
	{"import params", []string{"Format", "ImportToken", "WrappingAlgorithm"}},
	{"wrapped", []string{"Format", "EncryptedKeyMaterial"}},
	{"manifest", []string{"Format", "MaterialFingerprint"}},
	{"import answer", []string{"ImportToken", "PublicKey"}},
	{"data key", []string{"CiphertextBlob", "Plaintext"}},
	{"data key pair", []string{"PrivateKeyCiphertextBlob", "PrivateKeyPlaintext"}},
	{"ciphertext", []string{"CiphertextBlob"}},
	{"JWE", []string{"ciphertext", "iv", "tag"}},
	{"Kubernetes", []string{"apiVersion", "kind", "data"}},
	{"Vault export", []string{"data", "request_id"}},
}

// readJSON reads a JWK (RFC 7517) or a set of JWKs. It recognises other JSON by its members.
func (r *reader) readJSON(text []byte) (*File, error) {
	o, err := r.parseObject(text)
	switch {
	case err == errNotJSON && json.Valid(text):
		return nil, refuse("JSON")
	case err == errNotJSON:
		return nil, refuse("damaged JSON")
	case err != nil:
		return nil, err
	case o["kty"] != nil:
		return r.readJWK(o)
	case o["keys"] != nil:
		return r.readJWKSet(o["keys"])
	case o.text("key") == "" && bytes.HasPrefix(o["key"], []byte("{")): // as Azure Key Vault shows a key
		return r.read(o["key"])
	}
	if o["version"] != nil && (o["crypto"] != nil || o["Crypto"] != nil) {
		return r.readWallet(o)
	}
	for _, k := range jsonKinds {
		if o.has(k.members) {
			return nil, refuse(k.kind)
		}
	}
	return nil, refuse("JSON")
}

func (o object) has(members []string) bool {
	for _, name := range members {
		if o[name] == nil {
			return false
		}
	}
	return true
}

// readJWKSet reads the only JWK of a set that has a secret (RFC 7517, section 5).
func (r *reader) readJWKSet(text []byte) (*File, error) {
	var keys []json.RawMessage
	if json.Unmarshal(text, &keys) != nil {
		return nil, refuse("JSON")
	}
	var secret []object
	for _, key := range keys {
		o, err := r.parseObject(r.keep(key))
		if err == nil && (o["d"] != nil || o["k"] != nil) {
			secret = append(secret, o)
		}
	}
	switch len(secret) {
	case 0:
		return nil, refuse("JWK set without")
	case 1:
		f, err := r.readJWK(secret[0])
		if err == nil {
			f.within("JWK set")
		}
		return f, err
	}
	return nil, refuse("JWK set", len(keys))
}
