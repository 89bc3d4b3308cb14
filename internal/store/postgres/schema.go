package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	schemaVersion = 2      // of the tables
	oldestServer  = 150000 // server_version_num of the oldest PostgreSQL that the tests ran against
)

// ErrNoSchema means that the database does not have the tables of a deployment.
var ErrNoSchema = errors.New("the database has no schema of a deployment")

// tables make the tables of a deployment. In their texts, $. is the schema.
//
// records has the newest version of each record, and history has the older ones, each with the revisions for which it
// was the newest one: from rev, before until. So a View of an old revision needs no transaction that stays open, which
// would hold a connection and keep VACUUM from its work. changes has the keys that each revision wrote. The one row
// of head is locked from the checks of a commit to its end, so revisions become visible in their order. Values are
// sealed, so nothing can compress them.
const tables = `
CREATE TABLE $.meta (version int NOT NULL);
INSERT INTO $.meta VALUES (2);
CREATE TABLE $.head (rev bigint NOT NULL, mark bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO $.head VALUES (0, 0);
CREATE TABLE $.floor (rev bigint NOT NULL);
INSERT INTO $.floor VALUES (0);
CREATE TABLE $.records (key bytea PRIMARY KEY, rev bigint NOT NULL, value bytea NOT NULL)
	WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
CREATE TABLE $.history (key bytea NOT NULL, rev bigint NOT NULL, until bigint NOT NULL, value bytea NOT NULL,
	PRIMARY KEY (key, until)) WITH (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE $.records ALTER value SET STORAGE EXTERNAL;
ALTER TABLE $.history ALTER value SET STORAGE EXTERNAL;
CREATE INDEX history_until ON $.history USING brin (until) WITH (pages_per_range = 16, autosummarize = on);
CREATE TABLE $.changes (rev bigint PRIMARY KEY, mark bigint NOT NULL, keys bytea NOT NULL)
	WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE $.beats (process text COLLATE "C" PRIMARY KEY, n bigint NOT NULL, held bigint, at timestamptz NOT NULL)
	WITH (fillfactor = 10);
CREATE TABLE $.slots (name text COLLATE "C" PRIMARY KEY, secret bytea NOT NULL) WITH (autovacuum_vacuum_scale_factor = 0.01);
` + tableSeen + `
INSERT INTO $.seen VALUES ('', '', 0);
`

// tableSeen makes the table of version 2. Rows of a node: the newest revision that its commits, and its beats, have
// shown to it.
const tableSeen = `
CREATE TABLE $.seen (node text COLLATE "C", way text COLLATE "C", rev bigint NOT NULL, PRIMARY KEY (node, way))
	WITH (fillfactor = 10);`

// upgrade makes tables of version 1 those of version 2. Nodes that have run with version 1 have no row: the row without
// a node says that they may have seen everything.
const upgrade = tableSeen + `
INSERT INTO $.seen VALUES ('', '', 9223372036854775807);
UPDATE $.meta SET version = 2;`

// quote returns the name of the schema for statements.
func quote(schema string) string { return pgx.Identifier{schema}.Sanitize() }

// in puts the schema into the text of a statement.
func (b *Backend) in(text string) string { return strings.ReplaceAll(text, "$.", b.schema+".") }

// prepare checks the server, and makes the tables or checks their version.
func (b *Backend) prepare(ctx context.Context, create bool) error {
	if err := b.checkServer(ctx); err != nil {
		return err
	}
	version, err := b.checkVersion(ctx)
	switch {
	case err != nil || version == schemaVersion:
		return err
	case version == 0 && !create:
		return fmt.Errorf("%w: schema %s", ErrNoSchema, b.schema)
	}
	if err := b.create(ctx); err != nil {
		// Another process may have made the tables. A session that waited for its lock does not see them at once.
		if version, checkErr := b.checkVersion(ctx); checkErr != nil || version != schemaVersion {
			return err
		}
	}
	return nil
}

// checkServer refuses a server that loses acknowledged commits when it crashes, or that is too old.
func (b *Backend) checkServer(ctx context.Context) error {
	var version, fsync, pages string
	err := b.row(ctx, `SELECT current_setting('server_version_num'), current_setting('fsync'),
		current_setting('full_page_writes')`, nil, &version, &fsync, &pages)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(version)
	switch {
	case err != nil || number < oldestServer:
		return fmt.Errorf("the server is PostgreSQL %d, and the oldest supported one is %d: upgrade it", number/10000,
			oldestServer/10000)
	case fsync != "on":
		return errors.New("the server runs with fsync = off, and loses acknowledged changes when it crashes: set " +
			"fsync = on in postgresql.conf")
	case pages != "on":
		return errors.New("the server runs with full_page_writes = off, and may be unable to repair its files after a " +
			"crash: set full_page_writes = on in postgresql.conf")
	}
	return nil
}

// checkVersion returns the version of the tables, or 0 if there are none. It refuses tables that a newer program made.
func (b *Backend) checkVersion(ctx context.Context) (version int, err error) {
	var found bool
	if err := b.row(ctx, `SELECT to_regclass($1) IS NOT NULL`, []any{b.schema + ".meta"}, &found); err != nil || !found {
		return 0, err
	}
	if err := b.row(ctx, b.in(`SELECT version FROM $.meta`), nil, &version); err != nil {
		return 0, err
	}
	if version > schemaVersion {
		return 0, fmt.Errorf("the schema %s has version %d, which a newer Keyhold made; this one knows version %d: run "+
			"the newer one; this one has changed nothing", b.schema, version, schemaVersion)
	}
	return version, nil
}

// create makes the schema and its tables in one transaction, or those of the present version out of older ones. If
// several processes do so at once, one of them makes the tables.
func (b *Backend) create(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	c, err := b.pool.Acquire(ctx)
	if err != nil {
		return refusal(err)
	}
	defer c.Release()
	_, err = c.Exec(ctx, b.in(`
DO $do$ BEGIN
	PERFORM set_config('synchronous_commit', 'on', true);
	PERFORM pg_advisory_xact_lock(7310577893);
	IF to_regclass('$.meta') IS NULL THEN
		IF to_regnamespace('`+b.schema+`') IS NULL THEN
			CREATE SCHEMA `+b.schema+`;
		END IF;
		`+tables+`
	ELSIF (SELECT version FROM $.meta) = 1 THEN
		`+upgrade+`
	END IF;
END $do$`), pgx.QueryExecModeSimpleProtocol)
	var denied *pgconn.PgError
	if errors.As(err, &denied) && denied.Code == "42501" {
		return fmt.Errorf("the role of the store may not make the schema %s: let the owner of the database run CREATE "+
			"SCHEMA %s AUTHORIZATION the role: %w", b.schema, b.schema, refusal(err))
	}
	return refusal(err)
}
