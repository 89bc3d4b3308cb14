package policy

// LocksOut reports whether, under this key policy, neither the principal of the request nor, with policies of
// their own, other principals of its account could replace the policy. The request contains the principal, the
// key and the time; its action is ignored. Source: "BypassPolicyLockoutSafetyCheck" of PutKeyPolicy.
func LocksOut(p *Policy, r Request) bool {
	out, _ := locksOut(p, r, 0)
	return out
}

// LocksOutQuickly is to LocksOut what DecideQuickly is to Decide.
func LocksOutQuickly(p *Policy, r Request) (out, ok bool) { return locksOut(p, r, maxWork-quickWork) }

func locksOut(p *Policy, r Request, withheld int) (out, ok bool) {
	r.Action = "kms:PutKeyPolicy"
	e := evaluation{request: &r, docs: &Documents{}, one: new([1]string), action: "kms:putkeypolicy", withheld: withheld}
	var v verdict
	e.consider(&v, ResourceBased, &Document{Policy: p})
	return v.denied || v.to == none, !e.short
}
