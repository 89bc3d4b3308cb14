package policy_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// shrink removes as much as possible from a question that the evaluators disagree on, while they still
// disagree.
func shrink(q question) question {
	for {
		candidates := smaller(q)
		i := slices.IndexFunc(candidates, func(c question) bool {
			return len(c.text()) < len(q.text()) && isDisputed(c)
		})
		if i < 0 {
			return q
		}
		q = candidates[i]
	}
}

// isDisputed reports whether the evaluators disagree on a valid question. The naive evaluator panics on an
// invalid document.
func isDisputed(q question) bool {
	_, err := q.documents()
	d := difference(q)
	return err == nil && d != "" && !strings.Contains(d, "naive: panic")
}

// smaller returns the questions with one element less.
func smaller(q question) []question {
	var tree map[string]any
	if err := json.Unmarshal([]byte(q.text()), &tree); err != nil {
		panic(err)
	}
	var all []question
	for _, removable := range []string{"Policy", "Identity", "Boundary", "Session", "Grants", "Values", "Context"} {
		if tree[removable] == nil {
			continue
		}
		without := maps.Clone(tree)
		delete(without, removable)
		all = append(all, fromTree(without))
		for _, less := range deletions(tree[removable]) {
			without := maps.Clone(tree)
			without[removable] = less
			all = append(all, fromTree(without))
		}
	}
	return all
}

func fromTree(tree map[string]any) question {
	text, err := json.Marshal(tree)
	if err != nil {
		panic(err)
	}
	var q question
	if err := json.Unmarshal(text, &q); err != nil {
		panic(err)
	}
	return q
}

// deletions returns copies of v without one of its parts, large parts first. The last element of a list is not
// removed.
func deletions(v any) []any {
	var all []any
	switch v := v.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(v))
		for _, name := range names {
			less := maps.Clone(v)
			delete(less, name)
			all = append(all, less)
		}
		for _, name := range names {
			for _, part := range deletions(v[name]) {
				less := maps.Clone(v)
				less[name] = part
				all = append(all, less)
			}
		}
	case []any:
		for i := range v {
			if len(v) > 1 {
				all = append(all, slices.Delete(slices.Clone(v), i, i+1))
			}
			for _, part := range deletions(v[i]) {
				less := slices.Clone(v)
				less[i] = part
				all = append(all, less)
			}
		}
	}
	return all
}
