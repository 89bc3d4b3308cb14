package api

// ExplainDecisionRequest asks how the server decides about a request, without executing the request. It is not
// part of the KMS API. With RequestId, it is about a past request in the audit log, otherwise about an Action
// by a principal. KeyId, EncryptionContext and GrantTokens have the values of the corresponding members of that
// request, whatever the operation calls them. Members contains its other members, each as text or JSON.
type ExplainDecisionRequest struct {
	Action            *string           `json:"Action,omitzero" kms:"len=1:128"`
	EncryptionContext map[string]string `json:"EncryptionContext,omitzero"`
	GrantTokens       []string          `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId             *string           `json:"KeyId,omitzero" kms:"len=1:2048"`
	Members           map[string]string `json:"Members,omitzero" kms:"sensitive"` // one of them may be a grant token
	PrincipalArn      *string           `json:"PrincipalArn,omitzero" kms:"len=1:2048"`
	RequestId         *string           `json:"RequestId,omitzero" kms:"len=1:64"`
	SourceIp          *string           `json:"SourceIp,omitzero" kms:"len=1:64"`
}

// ExplainDecisionResponse has the decision on each permission that the request needs, up to the first one that
// is denied.
type ExplainDecisionResponse struct {
	Decisions    []ExplainedDecision `json:"Decisions"`
	Notes        []string            `json:"Notes"` // what the explanation cannot take into account
	Operation    string              `json:"Operation"`
	PrincipalArn string              `json:"PrincipalArn"`
	Region       string              `json:"Region"`
	Request      *PastRequest        `json:"Request,omitzero"`
}

// A PastRequest is the audit log's record of a request and its result at that time.
type PastRequest struct {
	ErrorCode    *string    `json:"ErrorCode,omitzero"`
	ErrorMessage *string    `json:"ErrorMessage,omitzero"`
	EventTime    *Timestamp `json:"EventTime,omitzero"`
	RequestId    string     `json:"RequestId"`
	SourceIp     string     `json:"SourceIp"`
}

// The values of ExplainedDecision.Outcome.
const (
	OutcomeAllowed      = "allowed"
	OutcomeExplicitDeny = "explicitDeny"
	OutcomeImplicitDeny = "implicitDeny" // no statement or grant allows it
	OutcomeNotFound     = "notFound"     // the key does not exist, and the principal may learn this
	OutcomeOtherAccount = "otherAccount" // allowed here; the policies of the principal's account must allow it too
)

// An ExplainedDecision is a decision with its reasons. ErrorCode and ErrorMessage are what the principal would
// receive.
type ExplainedDecision struct {
	Action       string              `json:"Action"`
	By           *DecidedBy          `json:"By,omitzero"` // source of the Allow or of the explicit deny
	Documents    []ExplainedDocument `json:"Documents"`
	ErrorCode    *string             `json:"ErrorCode,omitzero"`
	ErrorMessage *string             `json:"ErrorMessage,omitzero"`
	Grants       []ExplainedGrant    `json:"Grants"`
	GrantsRead   int                 `json:"GrantsRead"` // of the grants that may concern the principal; Grants has some
	Outcome      string              `json:"Outcome"`
	Reason       string              `json:"Reason"`
	Resource     string              `json:"Resource"`
}

// DecidedBy identifies a statement or a grant. For other accounts, only the document is set.
type DecidedBy struct {
	Column   int     `json:"Column,omitzero"`
	Document string  `json:"Document,omitzero"`
	GrantId  *string `json:"GrantId,omitzero"`
	Line     int     `json:"Line,omitzero"`
	Role     string  `json:"Role,omitzero"`
	Sid      string  `json:"Sid,omitzero"`
}

// An ExplainedDocument is the result of a policy. Withheld means that only its own account may see the content.
type ExplainedDocument struct {
	Name       string               `json:"Name"`
	Role       string               `json:"Role"`
	Statements []ExplainedStatement `json:"Statements"`
	Withheld   bool                 `json:"Withheld,omitzero"`
}

// An ExplainedStatement is the result of a statement. Missed is the first element that does not match.
type ExplainedStatement struct {
	Column     int                  `json:"Column"`
	Conditions []ExplainedCondition `json:"Conditions"`
	Effect     string               `json:"Effect"`
	Line       int                  `json:"Line"`
	Matched    bool                 `json:"Matched"`
	Missed     string               `json:"Missed,omitzero"`
	Sid        string               `json:"Sid,omitzero"`
}

// An ExplainedCondition is the result of a condition. Wanted are the values in the policy, and Seen the values
// in the request, which are empty if the request has none.
type ExplainedCondition struct {
	Held     bool     `json:"Held"`
	Key      string   `json:"Key"`
	Operator string   `json:"Operator"`
	Problem  string   `json:"Problem,omitzero"`
	Seen     []string `json:"Seen"`
	Wanted   []string `json:"Wanted"`
}

// An ExplainedGrant is the result of a grant. Missed is the part of the grant that does not match.
type ExplainedGrant struct {
	Allowed bool   `json:"Allowed"`
	GrantId string `json:"GrantId"`
	Missed  string `json:"Missed,omitzero"`
}
