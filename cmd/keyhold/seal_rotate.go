package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

func sealRotateCommand(client *clientOptions) *cobra.Command {
	var root, data bool
	c := &cobra.Command{
		Use:   "rotate (--root | --data)",
		Short: "Replace the root key, or the data key under which all records are sealed",
		Long: `Replace the root key, or the data key under which all records are sealed. Clients notice
nothing.

With --root, the data keys are wrapped by a new root key, in one change. A custody that the
server does not use wraps the new root key when a server that uses it next looks at the
keyring; until then the custody opens the deployment by a bridge from the older root key.

With --data, the server seals every record again in the background, which takes up to an
hour for a million keys: keyhold seal status shows how many are left. A stop
does not matter. After 37 hours, when all older sessions have ended, the server checks that no
record names the older data keys, and destroys them. Older grant tokens are then ignored.

The credentials must belong to the deployment's account, and have the permission
keyhold:SealRotate.`,
		Example: "  keyhold seal rotate --data",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if root == data {
				return usageError{errors.New("keyhold seal rotate needs --root or --data")}
			}
			progress := printer{c.ErrOrStderr()}
			at, err := client.connect(c.Context(), progress)
			if err != nil {
				return err
			}
			return rotateSeal(c.Context(), at, root, progress)
		},
	}
	c.Flags().BoolVar(&root, "root", false, "replace the root key")
	c.Flags().BoolVar(&data, "data", false, "replace the data key, and seal all records again")
	return c
}

func rotateSeal(ctx context.Context, at *connection, root bool, progress printer) error {
	in := &api.SealRotateRequest{Key: new("Data")}
	if root {
		in.Key = new("Root")
	}
	var out api.SealRotateResponse
	if err := at.call(ctx, api.TargetAdmin, "SealRotate", in, &out); err != nil {
		return err
	}
	if out.Version == nil {
		return at.mismatchError()
	}
	if !root {
		progress.step("Data key", "%d is new: the records are sealed again under it in the background", *out.Version)
		progress.step("Next", "keyhold seal status shows how many are left")
		return nil
	}
	progress.step("Root key", "%d is new", *out.Version)
	for _, id := range out.Lagging {
		progress.step("Waiting", "for %s, which wraps it when a server that uses this custody next looks", id)
	}
	return nil
}
