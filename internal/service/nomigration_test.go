package service

import (
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A deployment of a format from which no migration leads is refused. One of the newest format needs none.
func TestFormatsWithoutAMigration(t *testing.T) {
	s := openLike(t, func(*Config) {})
	if err := s.migrate(t.Context(), nil); err != nil {
		t.Errorf("the newest format: %v", err)
	}
	for _, f := range []records.Format{{Format: 1}, {Format: records.NewestFormat - 1}} {
		if err := s.store.Update(t.Context(), func(tx *store.Tx) error { return records.Formats.Put(tx, records.FormatPath, f) }); err != nil {
			t.Fatal(err)
		}
		if err := s.migrate(t.Context(), nil); err == nil || !strings.HasPrefix(err.Error(), "no migration leads from format ") {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// The Regions that have keys and are not served are listed in order, each once.
func TestUnservedRegionsAreSorted(t *testing.T) {
	s := openLike(t, func(*Config) {})
	err := s.store.Update(t.Context(), func(tx *store.Tx) error {
		for _, path := range []string{"111122223333/us-west-2", "111122223333/eu-west-2", "222222222222/ap-south-1", "222222222222/us-west-2", "333333333333/ca-west-1"} {
			account, region, _ := strings.Cut(path, "/")
			k := key.Key{ID: "1234abcd-12ab-34cd-56ef-1234567890ab", Account: account, Region: region, Policy: "{}"}
			if err := records.InsertKey(tx, k, records.NewestLevel); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ServeRegions(t.Context(), []string{"eu-west-2"}); err != nil {
		t.Fatal(err)
	}
	got, err := s.UnservedRegions(t.Context())
	if err != nil || strings.Join(got, " ") != "ap-south-1 ca-west-1 us-west-2" {
		t.Errorf("%v, %v", got, err)
	}
	for region, want := range map[string]bool{"eu-west-2": true, "us-west-2": false, "us-east-1": false} {
		if s.Serves(region) != want {
			t.Errorf("%s is served: %v", region, !want)
		}
	}
}
