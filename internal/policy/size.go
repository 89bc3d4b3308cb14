package policy

import "unsafe"

// MaxConditions is the maximum number of conditions in a document that is stored. Documents stored by older
// versions may have more.
const MaxConditions = 1000

// Conditions returns the number of conditions in the policy: pairs of an operator and a condition key, in all
// statements.
func (p *Policy) Conditions() (n int) {
	for i := range p.statements {
		n += len(p.statements[i].conditions)
	}
	return n
}

// Size estimates the memory of the policy, in bytes.
func (p *Policy) Size() int {
	size := allocationSize(int(unsafe.Sizeof(*p))) + sizeOf(p.statements) + sizeOf(p.named)
	keys, operators := map[*contextKey]bool{}, map[*operator]bool{}
	for i := range p.statements {
		s := &p.statements[i]
		size += text(s.sid) + s.principals.size() + s.actions.size(keys) + s.resources.size(keys) + sizeOf(s.conditions)
		for j := range s.conditions {
			c := &s.conditions[j]
			keys[c.key], operators[c.operator] = true, true
			size += text(c.spelled) + text(c.keyName) + texts(c.values) + c.wanted.size(keys)
		}
	}
	for k := range keys {
		size += allocationSize(int(unsafe.Sizeof(*k))) + text(k.name)
	}
	return size + len(operators)*allocationSize(int(unsafe.Sizeof(operator{})))
}

func (n *principals) size() int {
	return texts(n.accounts) + texts(n.arns) + texts(n.federated)
}

func (w *operands) size(keys map[*contextKey]bool) int {
	return w.strings.size(keys) + sizeOf(w.ordered) + sizeOf(w.nets)
}

// size adds the condition keys of variables to keys.
func (p *patterns) size(keys map[*contextKey]bool) int {
	size := texts(p.exact) + sizeOf(p.open)
	if p.globs != nil {
		size += allocationSize(int(unsafe.Sizeof(*p.globs))) + allocationSize(8*(rowsOfAll*p.globs.words))
	}
	for _, o := range p.open {
		size += sizeOf(o)
		for _, t := range o {
			size += text(t.text)
			if t.of != nil {
				keys[t.of] = true
			}
		}
	}
	return size
}

// sizeOf returns the memory of a slice, without the memory that its elements refer to.
func sizeOf[T any](s []T) int {
	return allocationSize(cap(s) * int(unsafe.Sizeof(*new(T))))
}

func texts(list []string) int {
	size := sizeOf(list)
	for _, s := range list {
		size += text(s)
	}
	return size
}

func text(s string) int { return allocationSize(len(s)) }

// allocationSize estimates the size of an allocation: the allocator rounds up to size classes about an eighth apart.
func allocationSize(bytes int) int {
	if bytes == 0 {
		return 0
	}
	return bytes + bytes/16 + 8
}
