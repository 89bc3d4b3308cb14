package integrity

import (
	"errors"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
)

// readFormat reads the format of the records. An older format is not a finding.
func (v *verifier) readFormat() error {
	f, there, whole := lookUp(v, records.Formats, records.FormatPath)
	switch v.format = f; {
	case !there:
		v.format.Format = 1
	case !whole:
		v.format.Format = records.NewestFormat // the record has a finding of its own
	}
	if v.format.Format < records.NewestFormat {
		v.note("the records have format %d: the next start brings them to format %d", v.format.Format, records.NewestFormat)
	}
	return v.format.Check()
}

func (v *verifier) formatOf(path string, f records.Format) error {
	if path != records.FormatPath || f.Format < 1 || f.To != 0 && f.To <= f.Format {
		return errMoved
	}
	return nil
}

// checkIndexed checks that a grant has an entry in the index of decisions.
func (v *verifier) checkIndexed(g key.Grant, by string) {
	if v.format.Format < 2 {
		return
	}
	shapes, there, whole := lookUp(v, records.GrantShapes, records.GrantShapesPath(g))
	if !there {
		requireRecord(v, records.GrantShapes, records.GrantShapesPath(g), by)
	}
	if !whole {
		return
	}
	i := shapes.Find(records.ShapeOf(g))
	if i < 0 {
		v.report(records.GrantShapes.Prefix+"/"+records.GrantShapesPath(g), fmt.Errorf("it lacks the shape of %s", by))
		return
	}
	requireRecord(v, records.GrantMatches, shapes.MatchPath(g, shapes.Shapes[i]), by)
}

// shapesOfGrantee checks the shapes of a principal's grants on a key, and the number of grants of
// each shape.
func (v *verifier) shapesOfGrantee(path string, r records.GranteeShapes) error {
	parts := strings.Split(path, "/") // account, Region, key ID, grantee
	if len(parts) != 4 || len(r.Salt) != 16 || len(r.Shapes) == 0 {
		return errMoved
	}
	numbers := map[int]bool{}
	for _, s := range r.Shapes {
		if s.Number < 1 || numbers[s.Number] {
			return fmt.Errorf("several shapes, or none, can have the number %d", s.Number)
		}
		numbers[s.Number] = true
		if n, ok := v.count(records.GrantMatches, path+"/"+s.Prefix()); ok && n != s.Count {
			return fmt.Errorf("it counts %d grants of the shape %d, and there are %d", s.Count, s.Number, n)
		}
	}
	return nil
}

// grantMatch checks that the grant of an index entry exists.
func (v *verifier) grantMatch(path string, _ struct{}) error {
	parts := strings.Split(path, "/") // account, Region, key ID, grantee, shape, digest, grant ID
	if len(parts) != 7 {
		return errMoved
	}
	onKey := records.KeyPath(parts[0], parts[1], parts[2])
	r, there, whole := lookUp(v, records.GrantShapes, onKey+"/"+parts[3])
	if !there {
		return errors.New("the shapes of its grantee are not there")
	}
	if !whole {
		return nil
	}
	return v.grantOf(onKey+"/"+parts[6], func(g key.Grant) bool {
		i := r.Find(records.ShapeOf(g))
		return i >= 0 && records.GrantShapesPath(g) == onKey+"/"+parts[3] && r.MatchPath(g, r.Shapes[i]) == path
	})
}
