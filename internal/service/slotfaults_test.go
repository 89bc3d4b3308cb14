package service

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

// faultySlots fail at the call with the number at.
type faultySlots struct {
	store.Slots
	at, calls int
}

var errSlot = errors.New("the slot cannot be used")

func (s *faultySlots) fails() bool { s.calls++; return s.calls == s.at }

func (s *faultySlots) Put(ctx context.Context, secret []byte) (string, error) {
	if s.fails() {
		return "", errSlot
	}
	return s.Slots.Put(ctx, secret)
}

func (s *faultySlots) Get(ctx context.Context, slot string) ([]byte, error) {
	if s.fails() {
		return nil, errSlot
	}
	return s.Slots.Get(ctx, slot)
}

func (s *faultySlots) Erase(ctx context.Context, slots ...string) error {
	if s.fails() {
		return errSlot
	}
	return s.Slots.Erase(ctx, slots...)
}

// A request fails if one of the slots that it uses fails. The next request of the kind succeeds, or finds the change
// made.
func TestARequestFailsWithItsSlots(t *testing.T) {
	used := 0
	for _, r := range slices.Concat(changingRequests(), readingRequests(), relatedRequests(), requestsOfOtherSpecs(), requestsOfReplicas()) {
		t.Run(r.name, func(t *testing.T) {
			for at := 1; ; at++ {
				c, d := newInterruptibleTest(t)
				a, operation, on, members := r.prepare(c)
				s := &faultySlots{Slots: d.slots}
				d.slots = s
				a.accessTest = d.open(t) // has nothing in memory
				s.calls, s.at = 0, at
				out, err := a.try(operation, on, members...)
				if s.calls < at {
					if err != nil {
						t.Error(err)
					}
					return
				}
				used++
				if !errors.Is(err, errSlot) || out != nil && !reflect.ValueOf(out).IsNil() {
					t.Errorf("without the use %d of a slot: %v, %v", at, out, err)
				}
			}
		})
	}
	if used < 20 {
		t.Errorf("only %d uses of slots failed", used)
	}
}

// A seed, a sweep and a rotation fail if one of the slots that they use fails.
func TestWorkFailsWithItsSlots(t *testing.T) {
	for name, work := range map[string]func(ctx context.Context, s *Service) error{
		"Seed": func(ctx context.Context, s *Service) error {
			_, err := s.Seed(ctx, parsedSeed(t, workSeed))
			return err
		},
		"Sweep":     func(ctx context.Context, s *Service) error { return s.Sweep(ctx) },
		"RotateDue": func(ctx context.Context, s *Service) error { return s.RotateDue(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				w := newWorkTest(t)
				slots := &faultySlots{Slots: w.slots}
				w.slots = slots
				s, end, err := w.open(t.Context(), w.backend, w.now)
				if err != nil {
					t.Fatal(err)
				}
				slots.calls, slots.at = 0, at
				err = work(t.Context(), s)
				calls := slots.calls
				if end(); calls < at {
					if err != nil || at == 1 {
						t.Errorf("%v after %d uses", err, calls)
					}
					return
				}
				if !errors.Is(err, errSlot) {
					t.Errorf("without the use %d of a slot: %v", at, err)
				}
			}
		})
	}
}
