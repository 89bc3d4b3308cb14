package service_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

// While material is imported, deleted and imported again, Decrypt returns the plaintext or the
// error that the key is pending import.
func TestDecryptWhileMaterialChanges(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	in := oaep256(t, s, id).request(t, newMaterial())
	must[*kms.ImportKeyMaterialOutput](t)(s.Client.ImportKeyMaterial(t.Context(), in))
	blob := encrypt(t, s, id, "hello")
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				out, err := s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob}, func(o *kms.Options) { o.RetryMaxAttempts = 1 })
				var pending *types.KMSInvalidStateException
				if err == nil && string(out.Plaintext) != "hello" || err != nil && !errors.As(err, &pending) {
					t.Errorf("Decrypt: %v", err)
					return
				}
			}
		})
	}
	for i := range 60 {
		if i%3 == 2 {
			must[*kms.DeleteImportedKeyMaterialOutput](t)(s.Client.DeleteImportedKeyMaterial(t.Context(), &kms.DeleteImportedKeyMaterialInput{KeyId: id}))
		}
		must[*kms.ImportKeyMaterialOutput](t)(s.Client.ImportKeyMaterial(t.Context(), in))
	}
	close(done)
	wg.Wait()
}
