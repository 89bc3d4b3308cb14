package crypt

// HMAC with keys of every size, as in RFC 2104. The API has one size for each hash, which
// TestMaterialOfEachSpec checks, and no truncated codes.
func runHMAC(r *vectorRun, text []byte) {
	type group struct {
		KeySize, TagSize int
		Tests            []struct {
			vector
			Key, Msg, Tag hexBytes
		}
	}
	spec := map[string]string{
		"hmac_sha224_test.json": "HMAC_224", "hmac_sha256_test.json": "HMAC_256", "hmac_sha384_test.json": "HMAC_384", "hmac_sha512_test.json": "HMAC_512",
	}[r.file]
	newHash, _ := hmacHash(spec)
	for _, g := range groups[group](r, text) {
		for _, test := range g.Tests {
			k := newHMACKey(newHash, test.Key)
			if g.TagSize != 8*newHash().Size() {
				test.Result = "invalid"
			}
			for range 2 { // the second time with a reused state
				r.holds(test.vector, EqualMAC(k.MAC(test.Msg), test.Tag))
			}
			r.ran--
			k.Destroy()
		}
	}
}
