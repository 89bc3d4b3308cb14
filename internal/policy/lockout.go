package policy

// LocksOut reports whether a key policy would leave whoever asks for it unable to
// replace it: neither they nor, with a policy of their own, somebody of their
// account could do so. The request says who asks, for which key, and when; its
// action does not matter. Source: the operation PutKeyPolicy,
// "BypassPolicyLockoutSafetyCheck".
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
