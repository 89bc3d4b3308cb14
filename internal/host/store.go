package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/etcd"
	"github.com/keyhold/keyhold/internal/store/local"
	"github.com/keyhold/keyhold/internal/store/postgres"
)

// A Store has the records and the slots of a deployment. Its place is a data folder, or the URL of a store that several
// nodes share.
type Store struct {
	Backend store.Backend
	Slots   store.Slots
	Shared  bool
}

// IsShared reports whether a place is the URL of a store that several nodes share.
func IsShared(place string) bool {
	return strings.HasPrefix(place, etcd.Scheme) || postgres.IsURL(place)
}

// PartName returns the noun for the part of a URL that tells several deployments on one engine apart.
func PartName(url string) string {
	if postgres.IsURL(url) {
		return "schema"
	}
	return "prefix"
}

// OpenStore opens or creates the store at a place. It calls fail when a folder can no longer keep its promises. The
// caller must close the Store, even after an error.
func OpenStore(ctx context.Context, place string, fail func(error)) (s Store, err error) {
	if IsShared(place) {
		return openShared(ctx, place, opener{create: true})
	}
	if err := CheckFolder(place); err != nil {
		return s, err
	}
	lost := checkSlots(place)
	if s.Backend, err = as[store.Backend](local.Open(place, local.Options{Failed: fail})); err != nil {
		return s, err
	}
	if lost != nil {
		if empty, err := records.IsEmpty(ctx, s.Backend); err != nil || !empty { // a kill leaves an empty database
			return s, lost
		}
	}
	s.Slots, err = as[store.Slots](local.OpenSlots(place, fail))
	return s, err
}

// ReadStore opens the store at a place for reading. Nothing is written to a folder, and no server can open the folder
// meanwhile. The caller must close the Store, even after an error.
func ReadStore(ctx context.Context, place string) (s Store, err error) {
	if IsShared(place) {
		return openShared(ctx, place, opener{})
	}
	if s.Backend, err = as[store.Backend](local.OpenReadOnly(place)); err != nil {
		return s, err
	}
	s.Slots, err = as[store.Slots](local.OpenSlotsReadOnly(place))
	return s, err
}

// An opener is who opens a shared store.
type opener struct {
	create bool         // make what the store needs
	node   string       // ID of the node; empty for other programs
	seen   int64        // newest revision in the log of the node
	log    *slog.Logger // for failures of work in the background; may be nil
}

// openShared opens the store at a URL.
func openShared(ctx context.Context, url string, o opener) (s Store, err error) {
	if postgres.IsURL(url) {
		return openPostgres(ctx, url, o)
	}
	c, err := etcd.ParseURL(url)
	if err != nil {
		return s, err
	}
	c.Log = o.log
	backend, err := etcd.Open(ctx, c)
	if err != nil {
		return s, err
	}
	return Store{Backend: backend, Slots: backend.Slots(), Shared: true}, nil
}

func openPostgres(ctx context.Context, url string, o opener) (s Store, err error) {
	c, err := postgres.ParseURL(url)
	if err != nil {
		return s, err
	}
	c.Node, c.Seen, c.Log, c.Create = o.node, o.seen, o.log, o.create
	backend, err := postgres.Open(ctx, c)
	if errors.Is(err, postgres.ErrNoSchema) {
		return s, fmt.Errorf("%w: %w", records.ErrNotInitialised, err)
	}
	if err != nil {
		return s, err
	}
	return Store{Backend: backend, Slots: backend.Slots(), Shared: true}, nil
}

// checkSlots refuses a folder that has lost its slots.
func checkSlots(data string) error {
	_, err := os.Stat(filepath.Join(data, local.SlotsName))
	if HasDatabase(data) && errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s has a database but no file %s, without which its key material does not open: "+
			"put back the newest copy of all of the folder", data, local.SlotsName)
	}
	return nil
}

// Close closes the slots and the records.
func (s Store) Close() error {
	var errs []error
	if s.Slots != nil {
		errs = append(errs, s.Slots.Close())
	}
	if s.Backend != nil {
		errs = append(errs, s.Backend.Close())
	}
	return errors.Join(errs...)
}

// HasStore reports whether a place can have a deployment. Only a folder without a database certainly has none.
func HasStore(place string) bool { return IsShared(place) || HasDatabase(place) }
