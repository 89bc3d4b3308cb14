package custody

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/keyhold/keyhold/internal/seal"
)

// shortestTPMAuth is the minimum size in bytes of an authorisation value. The TPM limits how often it can be guessed.
const shortestTPMAuth = 8

// mostPCRs is the number of PCRs of a TPM.
const mostPCRs = 24

// A tpmCustody seals to a TPM 2.0, to the values of some PCRs, and to an authorisation value.
type tpmCustody struct {
	path    string // of a device or a socket
	pcrs    []uint // in ascending order
	auth    []byte // of tpmAuth
	srk     []byte // name of the storage root key, which identifies the TPM
	values  [][]byte
	turn    chan struct{}         // has a place for the one call that runs
	refused atomic.Pointer[error] // the TPM refused the authorisation value: more tries would lock the TPM
}

// createTPM returns the Root of a TPM. It keeps nothing in the TPM.
func createTPM(argument string, p Prompt) (seal.Root, error) {
	return newTPM(argument, func(place string) ([]byte, error) {
		return readNewLine("the authorisation value", place, p, "New authorisation value for the TPM: ", shortestTPMAuth)
	})
}

// openTPM returns the Root of a TPM.
func openTPM(argument string, p Prompt) (seal.Root, error) {
	return newTPM(argument, func(place string) ([]byte, error) {
		return readLine("the authorisation value", place, p, "Authorisation value for the TPM: ")
	})
}

func newTPM(argument string, read func(place string) ([]byte, error)) (seal.Root, error) {
	k, place, err := parseTPM(argument)
	if err != nil {
		return nil, err
	}
	secret, err := read(place)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	k.auth = tpmAuth(secret)
	ctx, cancel := context.WithTimeout(context.Background(), proofLimit)
	defer cancel()
	return envelope{k}, k.use(ctx, func(t transport.TPM, srk storageKey) error {
		k.srk = srk.name.Buffer
		k.values, err = readPCRs(t, k.pcrs)
		return err
	})
}

// tpmAuth derives an authorisation value of 32 bytes from a secret of any size. The bytes are hexadecimal digits: a TPM
// ignores zero bytes at the end, and go-tpm 0.9.8 ignores all bytes after the first zero.
func tpmAuth(secret []byte) []byte {
	h := sha256.New()
	h.Write([]byte("keyhold tpm auth v1\x00"))
	h.Write(secret)
	return hex.AppendEncode(nil, h.Sum(nil)[:16])
}

// parseTPM reads PATH?pcrs=NUMBERS&auth=PLACE.
func parseTPM(argument string) (k *tpmCustody, place string, err error) {
	path, query, _ := strings.Cut(argument, "?")
	values, err := url.ParseQuery(query)
	k = &tpmCustody{path: path, turn: make(chan struct{}, 1)}
	if err == nil {
		k.pcrs, err = parsePCRs(values.Get("pcrs"))
	}
	place = values.Get("auth")
	switch {
	case err != nil:
	case path == "" || place == "":
		err = errors.New("path, pcrs= and auth= are all needed")
	case len(values) != 2 || len(values["pcrs"]) != 1 || len(values["auth"]) != 1:
		err = errors.New("it has an unknown parameter, or has one twice")
	}
	if err != nil {
		err = fmt.Errorf("tpm:%s: %w: give tpm:%s", path, err, tpmForm)
	}
	return k, place, err
}

const tpmForm = "/dev/tpmrm0?pcrs=0,7&auth=" + secretPlaces + "|prompt"

func parsePCRs(text string) (pcrs []uint, err error) {
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || n >= mostPCRs || slices.Contains(pcrs, uint(n)) {
			return nil, fmt.Errorf("pcrs=%s is not a list of different numbers from 0 to %d", text, mostPCRs-1)
		}
		pcrs = append(pcrs, uint(n))
	}
	slices.Sort(pcrs)
	return pcrs, nil
}

// ID has 64 bits of the name of the TPM's storage root key.
func (k *tpmCustody) ID() string {
	const algorithm = 2 // a name begins with its hash algorithm, in two bytes
	if len(k.srk) < algorithm+8 {
		return "tpm:unknown"
	}
	return "tpm:" + hex.EncodeToString(k.srk[algorithm:algorithm+8])
}

// use runs f on the TPM, one call at a time.
func (k *tpmCustody) use(ctx context.Context, f func(t transport.TPM, srk storageKey) error) (err error) {
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-k.turn }()
	if refused := k.refused.Load(); refused != nil {
		return *refused
	}
	t, hangUp, err := dialTPM(ctx, k.path)
	if err != nil {
		return fmt.Errorf("the TPM %s: %w: %s", k.path, err, checkTheTPM)
	}
	defer hangUp()
	srk, err := loadStorageKey(t)
	if err != nil {
		return k.explain(err)
	}
	defer func() {
		if e := flush(t, srk.handle); err == nil {
			err = k.explain(e)
		}
	}()
	if k.srk != nil && !bytes.Equal(srk.name.Buffer, k.srk) {
		return fmt.Errorf("%s is another TPM now, or was cleared: put the TPM back, or open the deployment with another "+
			"custody", k.path)
	}
	if err = k.explain(f(t, srk)); errors.Is(err, errTPMAuth) {
		k.refused.Store(&err)
	}
	return err
}

func (k *tpmCustody) wrapKey(ctx context.Context, key []byte, _ string) (wrapped []byte, err error) {
	return wrapped, k.use(ctx, func(t transport.TPM, srk storageKey) error {
		now, err := readPCRs(t, k.pcrs)
		if err != nil {
			return err
		}
		if err := compare(k.pcrs, k.values, now); err != nil {
			return err // a new seal would not open after the next start
		}
		wrapped, err = sealTo(t, srk, k.pcrs, k.values, k.auth, key)
		return err
	})
}

func (k *tpmCustody) unwrapKey(ctx context.Context, wrapped []byte, _ string) (key []byte, err error) {
	blob, ok := parseTPMBlob(wrapped)
	if !ok {
		return nil, seal.ErrOpen
	}
	return key, k.use(ctx, func(t transport.TPM, srk storageKey) error {
		if err := checkTries(t); err != nil {
			return err
		}
		key, err = blob.unseal(t, srk, k.auth)
		if !errors.Is(err, tpm2.TPMRCPolicyFail) {
			return err
		}
		now, err := readPCRs(t, blob.pcrs)
		if err != nil {
			return err
		}
		return errors.Join(compare(blob.pcrs, blob.values, now), errSealedPCRs)
	})
}

// compare names the PCRs whose values differ.
func compare(pcrs []uint, sealed, now [][]byte) error {
	var changed []string
	for i, pcr := range pcrs {
		if !bytes.Equal(sealed[i], now[i]) {
			changed = append(changed, strconv.Itoa(int(pcr)))
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return fmt.Errorf("%w: PCR %s", errPCRs, strings.Join(changed, ", "))
}
