package api

// Status is not part of the KMS API: it describes a server and its deployment to operators.

// StatusRequest asks for the state of the server that answers, and of its deployment.
type StatusRequest struct{}

// StatusResponse describes a server and its deployment. Members about a part that the server does not have are missing.
type StatusResponse struct {
	Address     *string            `json:"Address,omitzero"`
	Audit       *StatusAudit       `json:"Audit,omitzero"`
	Certificate *StatusCertificate `json:"Certificate,omitzero"`
	Checks      []StatusCheck      `json:"Checks"`
	Connections *StatusUse         `json:"Connections,omitzero"`
	Custodies   []SealCustody      `json:"Custodies"`
	Deletions   []StatusMoment     `json:"Deletions"`
	Disk        *StatusDisk        `json:"Disk,omitzero"`
	Expiries    []StatusMoment     `json:"Expiries"`
	Keys        []StatusKeys       `json:"Keys"`
	KeysCounted *Timestamp         `json:"KeysCounted,omitzero"`
	Minutes     []StatusMinute     `json:"Minutes"`
	Nodes       []StatusNode       `json:"Nodes"`
	Readings    []StatusReading    `json:"Readings"`
	Ready       bool               `json:"Ready"`
	RootKey     *SealKey           `json:"RootKey,omitzero"`
	Started     *Timestamp         `json:"Started,omitzero"`
	Throttled   *int64             `json:"Throttled,omitzero"`
	Time        *Timestamp         `json:"Time,omitzero"`
	Version     *string            `json:"Version,omitzero"`
}

// A StatusReading describes what runs out: the certificate, the root key or the disk of the server. Low says that a
// threshold of the server's warnings was reached. Ends is missing for a disk, and Remedy if nothing needs to be done.
type StatusReading struct {
	Ends    *Timestamp `json:"Ends,omitzero"`
	Low     bool       `json:"Low"`
	Name    *string    `json:"Name,omitzero"`
	Reason  *string    `json:"Reason,omitzero"`
	Remedy  *string    `json:"Remedy,omitzero"`
	Subject *string    `json:"Subject,omitzero"`
}

// StatusAudit describes the audit log of the server. Lines is the number of events, Behind the events that the anchor
// or the second device may not have.
type StatusAudit struct {
	AnchorBehind  *int64  `json:"AnchorBehind,omitzero"`
	ForwardBehind *int64  `json:"ForwardBehind,omitzero"`
	Lines         *int64  `json:"Lines,omitzero"`
	Origin        *string `json:"Origin,omitzero"`
}

// StatusCertificate describes the TLS certificate of the server. Names are the names and addresses that it is for, and
// Issuer is who signed it.
type StatusCertificate struct {
	Issuer   *string    `json:"Issuer,omitzero"`
	Names    []string   `json:"Names,omitzero"`
	NotAfter *Timestamp `json:"NotAfter,omitzero"`
}

// A StatusCheck is a check of readiness. A check that only degrades does not make the server unready.
type StatusCheck struct {
	Degrades bool    `json:"Degrades"`
	Name     *string `json:"Name,omitzero"`
	Passed   bool    `json:"Passed"`
	Reason   *string `json:"Reason,omitzero"`
}

// StatusUse is a number and its limit.
type StatusUse struct {
	Limit *int64 `json:"Limit,omitzero"`
	Used  *int64 `json:"Used,omitzero"`
}

// StatusDisk describes the volume of the data folder, in bytes.
type StatusDisk struct {
	Free *int64 `json:"Free,omitzero"`
}

// A StatusMoment is the next time at which a key loses material or is deleted.
type StatusMoment struct {
	Arn *string    `json:"Arn,omitzero"`
	At  *Timestamp `json:"At,omitzero"`
}

// StatusKeys is the number of keys in a state, in all accounts and Regions.
type StatusKeys struct {
	Count    *int64  `json:"Count,omitzero"`
	KeyState *string `json:"KeyState,omitzero"`
}

// A StatusMinute is what the server did in one minute. Median and P99 are upper bounds of latencies, in microseconds.
type StatusMinute struct {
	Begun    *Timestamp `json:"Begun,omitzero"`
	Median   *int64     `json:"Median,omitzero"`
	P99      *int64     `json:"P99,omitzero"`
	Refused  *int64     `json:"Refused,omitzero"`
	Requests *int64     `json:"Requests,omitzero"`
}

// A StatusNode is a node that shares the store. Self is the node that answers.
type StatusNode struct {
	Address *string `json:"Address,omitzero"`
	NodeId  *string `json:"NodeId,omitzero"`
	Self    bool    `json:"Self"`
	State   *string `json:"State,omitzero"`
	Version *string `json:"Version,omitzero"`
}
