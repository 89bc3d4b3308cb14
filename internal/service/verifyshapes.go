package service

import (
	"errors"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
)

// readFormat reads which format the records have. An older format is not a finding.
func (v *verifier) readFormat() error {
	f, there, whole := look(v, formats, formatPath)
	switch v.format = f; {
	case !there:
		v.format.Format = 1
	case !whole:
		v.format.Format = newestFormat // the record is reported in its turn
	}
	if v.format.Format < newestFormat {
		v.Notes = append(v.Notes, fmt.Sprintf("the records have format %d: the next start brings them to format %d", v.format.Format, newestFormat))
	}
	return v.format.check()
}

func (v *verifier) formatOf(path string, f recordFormat) error {
	if path != formatPath || f.Format < 1 || f.To != 0 && f.To <= f.Format {
		return errMoved
	}
	return nil
}

// indexed looks for a grant's entry in the index of decisions.
func (v *verifier) indexed(g key.Grant, by string) {
	if v.format.Format < 2 {
		return
	}
	shapes, there, whole := look(v, shapesOfGrantees, shapesPath(g))
	if !there {
		need(v, shapesOfGrantees, shapesPath(g), by)
	}
	if !whole {
		return
	}
	i := shapes.find(shapeOf(g))
	if i < 0 {
		v.found(shapesOfGrantees.Prefix+"/"+shapesPath(g), fmt.Errorf("it lacks the shape of %s", by))
		return
	}
	need(v, grantMatches, shapes.matchPath(g, shapes.Shapes[i]), by)
}

// shapesOfGrantee looks at the shapes of a principal's grants on a key, and counts the
// grants of each.
func (v *verifier) shapesOfGrantee(path string, r granteeShapes) error {
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
		n, err := v.count(grantMatches, path+"/"+s.all())
		if err == nil && n != s.Count { // an entry that was not read is reported in its turn
			return fmt.Errorf("it counts %d grants of the shape %d, and there are %d", s.Count, s.Number, n)
		}
	}
	return nil
}

// grantMatch looks for the grant of an entry.
func (v *verifier) grantMatch(path string, _ struct{}) error {
	parts := strings.Split(path, "/") // account, Region, key ID, grantee, shape, digest, grant ID
	if len(parts) != 7 {
		return errMoved
	}
	onKey := keyPath(parts[0], parts[1], parts[2])
	r, there, whole := look(v, shapesOfGrantees, onKey+"/"+parts[3])
	if !there {
		return errors.New("the shapes of its grantee are not there")
	}
	if !whole {
		return nil
	}
	return v.grantOf(onKey+"/"+parts[6], func(g key.Grant) bool {
		i := r.find(shapeOf(g))
		return i >= 0 && shapesPath(g) == onKey+"/"+parts[3] && r.matchPath(g, r.Shapes[i]) == path
	})
}
