package main

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/keyhold/keyhold/internal/doctor"
)

// pinVariable is the variable of the environment that has the value of --pin-sha256.
const pinVariable = "KEYHOLD_PIN_SHA256"

// mostPins limits the fingerprints of --pin-sha256.
const mostPins = 10

// fingerprint returns the SHA-256 fingerprint of a certificate in DER, as commands print it.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// pins returns the fingerprints by which a client recognises the server, or none.
func (o clientOptions) pins() (all []string, err error) {
	name, text := "--pin-sha256", o.pin
	if text == "" {
		name, text = pinVariable, os.Getenv(pinVariable)
	}
	if text == "" {
		return nil, nil
	}
	for one := range strings.SplitSeq(text, ",") {
		digits := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(one), ":", ""))
		if b, err := hex.DecodeString(digits); err != nil || len(b) != sha256.Size {
			return nil, usageError{fmt.Errorf(
				"%s: %q is not a SHA-256 fingerprint: give 64 hexadecimal digits, as keyhold init --tls-name prints them",
				name, one)}
		}
		all = append(all, digits)
	}
	if len(all) > mostPins {
		return nil, usageError{fmt.Errorf("%s: give at most %d fingerprints", name, mostPins)}
	}
	return all, nil
}

// pinned returns the HTTP client that accepts the server at an endpoint by its fingerprint alone, or nil without pins.
// Names and authorities of the certificate are not checked, but its dates are.
func (o clientOptions) pinned(endpoint string) (*awshttp.BuildableClient, error) {
	pins, err := o.pins()
	if err != nil || len(pins) == 0 {
		return nil, err
	}
	if !strings.HasPrefix(endpoint, "https://") {
		return nil, usageError{fmt.Errorf("a fingerprint is pinned, but %s is not an https endpoint: write the endpoint "+
			"with https://, or leave --pin-sha256 and %s out", endpoint, pinVariable)}
	}
	return awshttp.NewBuildableClient().WithTimeout(callTime).WithTransportOptions(func(t *http.Transport) {
		t.TLSClientConfig = &tls.Config{
			MinVersion:         tls.VersionTLS12,
			InsecureSkipVerify: true, // verifyPin verifies
			VerifyConnection:   func(s tls.ConnectionState) error { return verifyPin(s, pins, time.Now()) },
		}
	}), nil
}

// verifyPin accepts a server whose certificate has one of the fingerprints and is valid at a time.
func verifyPin(s tls.ConnectionState, pins []string, now time.Time) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server shows no certificate")
	}
	leaf := s.PeerCertificates[0]
	if got := fingerprint(leaf.Raw); !slices.Contains(pins, got) {
		return fmt.Errorf("the certificate of the server is not the pinned one: its SHA-256 fingerprint is %s", got)
	}
	if f := doctor.Certificate(leaf, now, 0); f.State == doctor.Bad {
		return errors.New(f.Fact)
	}
	return nil
}
