package policy

// A condition compares a condition key of a request.
type condition struct {
	operator *operator
	spelled  string // operator as spelled in the policy
	key      *contextKey
	keyName  string   // as spelled in the policy
	values   []string // as in the policy
	wanted   operands
}

// condition compiles a condition.
func (c *compiler) condition(d draftCondition) condition {
	o := c.operator(d.operator)
	return condition{o, d.operator, c.key(d.key), d.key, d.values, c.compileValues(o, d.values)}
}

// holds evaluates the condition.
func (c *condition) holds(e *evaluation) outcome {
	if !e.spend(askCost) {
		e.trace.condition(c, nil, unclear)
		return unclear
	}
	values, known := e.values(c.key)
	is := unclear
	if known && c.operator.compares != "" {
		is = c.compare(values, e)
	}
	e.trace.condition(c, values, is)
	return is
}

// compare evaluates a condition whose key and operator are known.
func (c *condition) compare(values []string, e *evaluation) outcome {
	o := c.operator
	if o.compares == "null" {
		return c.wanted.strings.match(boolText(len(values) == 0), e)
	}
	switch {
	case len(values) == 0 && o.ifExists:
		return yes
	case len(values) == 0:
		return answer(o.over == forAll || o.over == theOne && o.negated)
	case o.over == theOne && len(values) > 1:
		return unclear
	case o.over != theOne && isNull(values):
		return answer(o.over == forAll)
	}
	return c.compareAll(values, e)
}

// isNull reports whether the values are, in the words of "Set operators for multivalued context keys", "a null
// data set, such as an empty string". The key is present nevertheless, so IfExists does not apply.
func isNull(values []string) bool { return len(values) == 1 && values[0] == "" }

// compareAll compares the values: all of them must match, or any of them. It spends the work for all values
// first, so that the outcome does not depend on their order.
func (c *condition) compareAll(values []string, e *evaluation) outcome {
	w := &c.wanted
	if len(values) > 1 && w.strings.open != nil {
		w = w.substitute(e)
	}
	cost := 0
	for _, v := range values {
		cost += w.cost(c.operator, len(v))
	}
	if !e.spend(cost) {
		return unclear
	}
	enough := no // the outcome of one value that decides
	if c.operator.over == forAny {
		enough = yes
	}
	result := enough.not()
	for _, value := range values {
		is := w.match(c.operator, value, e)
		if c.operator.negated {
			is = is.not()
		}
		if is == enough {
			return enough
		}
		if is == unclear {
			result = unclear
		}
	}
	return result
}

func boolText(is bool) string {
	if is {
		return "true"
	}
	return "false"
}

// names reports whether the condition requires a principal with certain ARNs.
func (c *condition) names() bool {
	o := c.operator
	return c.key.name == "aws:principalarn" && !o.negated && !o.ifExists && o.over != forAll && o.compares != "null" &&
		o.compares != ""
}
