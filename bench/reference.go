package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// serveReference serves as bare or floor and returns the error that ended it.
func serveReference(name string) error {
	handlers := map[string]http.Handler{"bare": http.HandlerFunc(bare), "floor": &floor{}}
	if handlers[name] == nil {
		return fmt.Errorf("there is no server %q", name)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("endpoint http://%s\n", listener.Addr())
	s := &http.Server{Handler: handlers[name], ReadHeaderTimeout: 5 * time.Second}
	return s.Serve(listener)
}

const (
	mediaType = "application/x-amz-json-1.1"
	floorKey  = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// bare answers with as many bytes as a Decrypt, and does nothing else.
func bare(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", mediaType)
	fmt.Fprintf(w, `{"KeyId":%q,"Plaintext":"%088d","EncryptionAlgorithm":"SYMMETRIC_DEFAULT","KeyMaterialId":"%064d"}`,
		floorKey, 0, 0)
}

// A floor verifies Signature Version 4 with a cached signing key, decodes and encodes JSON, and for each
// message derives a key and encrypts or decrypts with AES-256-GCM. It does not sign or compute MACs, but
// answers with the same number of bytes. It makes no other checks, has only one key, and keeps no log.
type floor struct {
	signingKeys sync.Map // by scope
}

// A floorRequest has the members of all requests, and of all responses.
type floorRequest struct {
	KeyId             string            `json:",omitempty"`
	Plaintext         []byte            `json:",omitempty"`
	CiphertextBlob    []byte            `json:",omitempty"`
	EncryptionContext map[string]string `json:",omitempty"`
	Message           []byte            `json:",omitempty"`
	SigningAlgorithm  string            `json:",omitempty"`
	Signature         []byte            `json:",omitempty"`
	MacAlgorithm      string            `json:",omitempty"`
	Mac               []byte            `json:",omitempty"`
}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = f.verify(r, body)
	}
	var in floorRequest
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	var out any
	if err == nil {
		out, err = f.answer(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService."), in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text, _ := json.Marshal(out)
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(text))) // net/http sets it for short answers only
	w.Write(text)
}

func (f *floor) answer(operation string, in floorRequest) (any, error) {
	ad := floorContext(in.EncryptionContext)
	switch operation {
	case "CreateKey":
		return map[string]any{"KeyMetadata": map[string]string{"KeyId": floorKey}}, nil
	case "Encrypt":
		return floorRequest{KeyId: floorKey, CiphertextBlob: floorSeal(in.Plaintext, ad)}, nil
	case "GenerateDataKey":
		dataKey := make([]byte, 32)
		return floorRequest{KeyId: floorKey, Plaintext: dataKey, CiphertextBlob: floorSeal(dataKey, ad)}, nil
	case "Decrypt":
		plaintext, err := floorOpen(in.CiphertextBlob, ad)
		return floorRequest{KeyId: floorKey, Plaintext: plaintext}, err
	case "Sign":
		return floorRequest{KeyId: floorKey, Signature: noSignature[:signatureSize(in.SigningAlgorithm)],
			SigningAlgorithm: in.SigningAlgorithm}, nil
	case "GenerateMac":
		return floorRequest{KeyId: floorKey, Mac: noSignature[:signatureSize(in.MacAlgorithm)],
			MacAlgorithm: in.MacAlgorithm}, nil
	}
	return floorRequest{KeyId: floorKey}, nil
}

// noSignature replaces signatures and MACs, which the floor does not compute.
var noSignature [4 << 10]byte

func signatureSize(algorithm string) int {
	for _, a := range algorithms {
		if a.name == algorithm {
			return a.size
		}
	}
	return 0
}

// floorCipher derives the key of a message with one HMAC over its salt.
func floorCipher(salt []byte) cipher.AEAD {
	kdf := hmac.New(sha256.New, make([]byte, 32))
	kdf.Write(salt)
	block, _ := aes.NewCipher(kdf.Sum(nil))
	aead, _ := cipher.NewGCMWithRandomNonce(block)
	return aead
}

func floorSeal(plaintext, ad []byte) []byte {
	salt := make([]byte, 32)
	return floorCipher(salt).Seal(salt, nil, plaintext, ad)
}

func floorOpen(blob, ad []byte) ([]byte, error) {
	if len(blob) < 32 {
		return nil, errors.New("no ciphertext")
	}
	return floorCipher(blob[:32]).Open(nil, nil, blob[32:], ad)
}

func floorContext(context map[string]string) (ad []byte) {
	names := make([]string, 0, len(context))
	for name := range context {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		ad = append(append(append(append(ad, name...), 0), context[name]...), 0)
	}
	return ad
}

// verify verifies the signature ("Signature Version 4 signing process" in the IAM User Guide) with the only
// secret.
func (f *floor) verify(r *http.Request, body []byte) error {
	var credential, signed, signature string
	for part := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "), ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			signed = value
		case "Signature":
			signature = value
		}
	}
	_, scope, _ := strings.Cut(credential, "/")
	date := r.Header.Get("X-Amz-Date")
	t, err := time.Parse("20060102T150405Z", date)
	if age := time.Since(t); err != nil || age.Abs() > 5*time.Minute {
		return errors.New("the date of the request is wrong")
	}
	canonical := append(make([]byte, 0, 1024), r.Method+"\n/\n\n"...)
	for name := range strings.SplitSeq(signed, ";") {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		canonical = append(append(append(append(canonical, name...), ':'), value...), '\n')
	}
	payload := sha256.Sum256(body)
	canonical = hex.AppendEncode(append(append(append(canonical, '\n'), signed...), '\n'), payload[:])
	hash := sha256.Sum256(canonical)
	text := hex.AppendEncode([]byte("AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"), hash[:])
	if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(floorMAC(f.signingKey(scope), text))),
		[]byte(signature)) != 1 {
		return errors.New("the signature is wrong")
	}
	return nil
}

func (f *floor) signingKey(scope string) []byte {
	if key, ok := f.signingKeys.Load(scope); ok {
		return key.([]byte)
	}
	key := []byte("AWS4test")
	for part := range strings.SplitSeq(scope, "/") {
		key = floorMAC(key, []byte(part))
	}
	f.signingKeys.Store(strings.Clone(scope), key)
	return key
}

func floorMAC(key, message []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return mac.Sum(nil)
}
