package main

import (
	"context"
	"log/slog"

	"github.com/keyhold/keyhold/internal/seed"
	"github.com/keyhold/keyhold/internal/service"
)

// readSeed reads the seed file, if there is one, before the server creates anything.
func (o devOptions) readSeed() (seed.File, error) {
	if o.seed == "" {
		return seed.File{Region: devRegion}, nil
	}
	return seed.Read(o.seed, seed.Defaults{Account: o.account, Region: devRegion})
}

// applySeed makes the declared keys that do not exist yet.
func applySeed(ctx context.Context, s *service.Service, declared seed.File, log *slog.Logger) error {
	made, err := s.Seed(ctx, declared)
	if err == nil && len(declared.Keys) > 0 {
		log.Info("seeded", "keys", len(declared.Keys), "made", made)
	}
	return err
}
