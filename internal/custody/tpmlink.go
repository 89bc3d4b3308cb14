package custody

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/keyhold/keyhold/internal/seal"
)

// dialTPM opens a device, such as /dev/tpmrm0, or the socket of a software TPM. Calls end with ctx.
func dialTPM(ctx context.Context, path string) (t transport.TPM, hangUp func(), err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	var link interface {
		Read([]byte) (int, error)
		Write([]byte) (int, error)
		Close() error
		SetDeadline(time.Time) error
	}
	if info.Mode()&fs.ModeSocket != 0 {
		link, err = new(net.Dialer).DialContext(ctx, "unix", path)
	} else {
		link, err = os.OpenFile(path, os.O_RDWR, 0)
	}
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = link.SetDeadline(time.Unix(1, 0)) })
	return transport.FromReadWriter(link), func() {
		stop()
		_ = link.Close() // nothing is buffered
	}, nil
}

// These errors of a TPM have a remedy.
var (
	errTPMAuth = errors.New("the TPM refused the authorisation value: give the right one and start again; Keyhold does " +
		"not send it again")
	errLastTry = errors.New("the TPM has one try left before it locks itself, so the authorisation value was not sent: " +
		"wait until the TPM forgets the wrong tries, or run tpm2_dictionarylockout --clear-lockout")
	errLockout = errors.New("the TPM is locked after wrong authorisation values: wait until it unlocks itself, or run " +
		"tpm2_dictionarylockout --clear-lockout")
	errPCRs = errors.New("the PCRs of the TPM have other values than when the root key was sealed")

	errSealedPCRs = errors.New("the machine started with other firmware, settings or programs: start it as before, or " +
		"open the deployment with another custody, and seal the root key to this TPM again")
	errNoBank = errors.New("the TPM has no SHA-256 bank of PCRs: switch it on in the firmware")
)

const checkTheTPM = "check that the machine has a TPM 2.0, that it is switched on, and that this user may open it " +
	"(group tss)"

// explain adds the remedy to an error of the TPM, or of the way to it.
func (k *tpmCustody) explain(err error) error {
	switch {
	case err == nil, err == seal.ErrOpen:
		return err
	case errors.Is(err, tpm2.TPMRCAuthFail), errors.Is(err, tpm2.TPMRCBadAuth):
		err = errTPMAuth
	case errors.Is(err, tpm2.TPMRCLockout):
		err = errLockout
	case errors.Is(err, errLastTry), errors.Is(err, errLockout), errors.Is(err, errPCRs), errors.Is(err, errSealedPCRs),
		errors.Is(err, errNoBank):
	default:
		err = fmt.Errorf("%w: %s", err, checkTheTPM)
	}
	return fmt.Errorf("the TPM %s: %w", k.path, err)
}

// damaged returns seal.ErrOpen for the errors of a TPM that does not load an object, and other errors as they are.
func damaged(err error) error {
	for _, busy := range []tpm2.TPMRC{
		tpm2.TPMRCRetry, tpm2.TPMRCYielded, tpm2.TPMRCTesting, tpm2.TPMRCObjectMemory, tpm2.TPMRCLockout, tpm2.TPMRCFailure,
		tpm2.TPMRCAuthFail, tpm2.TPMRCBadAuth,
	} {
		if errors.Is(err, busy) {
			return err
		}
	}
	if _, ok := errors.AsType[tpm2.TPMRC](err); ok {
		return seal.ErrOpen
	}
	return err
}

// checkTries refuses to send an authorisation value that could be the last before the TPM locks itself.
func checkTries(t transport.TPM) error {
	counter, err := property(t, tpm2.TPMPTLockoutCounter)
	if err != nil {
		return err
	}
	most, err := property(t, tpm2.TPMPTMaxAuthFail)
	switch {
	case err != nil:
		return err
	case counter >= most:
		return errLockout
	case counter+1 >= most && counter > 0:
		return errLastTry
	}
	return nil
}

func property(t transport.TPM, name tpm2.TPMPT) (uint32, error) {
	out, err := tpm2.GetCapability{
		Capability: tpm2.TPMCapTPMProperties, Property: uint32(name), PropertyCount: 1,
	}.Execute(t)
	if err != nil {
		return 0, err
	}
	all, err := out.CapabilityData.Data.TPMProperties()
	if err != nil || len(all.TPMProperty) != 1 || all.TPMProperty[0].Property != name {
		return 0, fmt.Errorf("the TPM does not report its property %x: %w", uint32(name), err)
	}
	return all.TPMProperty[0].Value, nil
}
