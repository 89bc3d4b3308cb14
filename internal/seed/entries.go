package seed

// A text is a JSON document, given either directly or by the name of its file.
type text struct{ document, file *string }

type accountEntry struct {
	ID         *string `toml:"id"`
	Name       *string `toml:"name"`
	AccessKeys *int32  `toml:"access_keys"`

	place *place
}

type policyEntry struct {
	Name        *string `toml:"name"`
	Account     *string `toml:"account"`
	Path        *string `toml:"path"`
	Description *string `toml:"description"`
	Document    *string `toml:"document"`
	File        *string `toml:"file"`

	place *place
}

type providerEntry struct {
	URL       *string  `toml:"url"`
	Account   *string  `toml:"account"`
	ClientIDs []string `toml:"client_ids"`
	CAFile    *string  `toml:"ca_file"`

	place *place
}

type inlineEntry struct {
	Name     *string `toml:"name"`
	Document *string `toml:"document"`
	File     *string `toml:"file"`
}

// A holder has the members that roles and users have in common. It is not embedded, because the TOML library
// does not decode embedded structs.
type holder struct {
	name, account, path, boundary *string
	managed                       []string
	tags                          map[string]string
	policies                      []inlineEntry
}

type roleEntry struct {
	Name        *string           `toml:"name"`
	Account     *string           `toml:"account"`
	Path        *string           `toml:"path"`
	Description *string           `toml:"description"`
	Trust       *string           `toml:"trust"`
	TrustFile   *string           `toml:"trust_file"`
	MaxSession  *int32            `toml:"max_session_seconds"`
	Managed     []string          `toml:"managed_policies"`
	Boundary    *string           `toml:"permissions_boundary"`
	Tags        map[string]string `toml:"tags"`
	Policies    []inlineEntry     `toml:"policy"`

	place *place
}

type userEntry struct {
	Name       *string           `toml:"name"`
	Account    *string           `toml:"account"`
	Path       *string           `toml:"path"`
	AccessKeys *int32            `toml:"access_keys"`
	Managed    []string          `toml:"managed_policies"`
	Boundary   *string           `toml:"permissions_boundary"`
	Tags       map[string]string `toml:"tags"`
	Policies   []inlineEntry     `toml:"policy"`
	Keys       []keyEntry        `toml:"access_key"`

	place *place
}

type keyEntry struct {
	ID     *string `toml:"id"`
	Secret *string `toml:"secret"`

	place *place
}

func (e roleEntry) holder() holder {
	return holder{e.Name, e.Account, e.Path, e.Boundary, e.Managed, e.Tags, e.Policies}
}

func (e userEntry) holder() holder {
	return holder{e.Name, e.Account, e.Path, e.Boundary, e.Managed, e.Tags, e.Policies}
}
