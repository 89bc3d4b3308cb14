package api

// ExplainDecisionRequest asks how the server decides about a request, without
// carrying one out. It is no part of the KMS API. With RequestId it is about a past
// request, which the audit log has; else about an Action of a principal. KeyId,
// EncryptionContext and GrantTokens are what that request would have, whatever the
// operation calls the members; Members are its others, each as text or as JSON.
type ExplainDecisionRequest struct {
	Action            *string           `json:"Action,omitzero" kms:"len=1:128"`
	EncryptionContext map[string]string `json:"EncryptionContext,omitzero"`
	GrantTokens       []string          `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId             *string           `json:"KeyId,omitzero" kms:"len=1:2048"`
	Members           map[string]string `json:"Members,omitzero" kms:"sensitive"` // one may be a grant token
	PrincipalArn      *string           `json:"PrincipalArn,omitzero" kms:"len=1:2048"`
	RequestId         *string           `json:"RequestId,omitzero" kms:"len=1:64"`
	SourceIp          *string           `json:"SourceIp,omitzero" kms:"len=1:64"`
}

// ExplainDecisionResponse tells of each thing that the request needs to be allowed,
// up to the first that is not.
type ExplainDecisionResponse struct {
	Decisions    []ExplainedDecision `json:"Decisions"`
	Notes        []string            `json:"Notes"` // what the explanation does not know or take into account
	Operation    string              `json:"Operation"`
	PrincipalArn string              `json:"PrincipalArn"`
	Region       string              `json:"Region"`
	Request      *PastRequest        `json:"Request,omitzero"`
}

// A PastRequest is what the audit log has of a request: how it ended then.
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
	OutcomeImplicitDeny = "implicitDeny" // nothing allows it
	OutcomeNotFound     = "notFound"     // there is no such key, and the principal may know
	OutcomeOtherAccount = "otherAccount" // allowed here; the policies of the principal's account have to allow it as well
)

// An ExplainedDecision is a decision and how it came about. ErrorCode and
// ErrorMessage are what the principal is told.
type ExplainedDecision struct {
	Action       string              `json:"Action"`
	By           *DecidedBy          `json:"By,omitzero"` // what allows, or denies explicitly
	Documents    []ExplainedDocument `json:"Documents"`
	ErrorCode    *string             `json:"ErrorCode,omitzero"`
	ErrorMessage *string             `json:"ErrorMessage,omitzero"`
	Grants       []ExplainedGrant    `json:"Grants"`
	GrantsRead   int                 `json:"GrantsRead"` // of those on the key that may be for the principal; Grants has some of them
	Outcome      string              `json:"Outcome"`
	Reason       string              `json:"Reason"`
	Resource     string              `json:"Resource"`
}

// DecidedBy is a statement or a grant. Of those of other accounts only the document
// is told.
type DecidedBy struct {
	Column   int     `json:"Column,omitzero"`
	Document string  `json:"Document,omitzero"`
	GrantId  *string `json:"GrantId,omitzero"`
	Line     int     `json:"Line,omitzero"`
	Role     string  `json:"Role,omitzero"`
	Sid      string  `json:"Sid,omitzero"`
}

// An ExplainedDocument is what came of a policy. Withheld says that its account
// alone may see what is in it.
type ExplainedDocument struct {
	Name       string               `json:"Name"`
	Role       string               `json:"Role"`
	Statements []ExplainedStatement `json:"Statements"`
	Withheld   bool                 `json:"Withheld,omitzero"`
}

// An ExplainedStatement is what came of a statement. Missed is the first element
// that does not match.
type ExplainedStatement struct {
	Column     int                  `json:"Column"`
	Conditions []ExplainedCondition `json:"Conditions"`
	Effect     string               `json:"Effect"`
	Line       int                  `json:"Line"`
	Matched    bool                 `json:"Matched"`
	Missed     string               `json:"Missed,omitzero"`
	Sid        string               `json:"Sid,omitzero"`
}

// An ExplainedCondition is what came of a condition: what it wants, and what it saw
// in the request, which is nothing where that has no such value.
type ExplainedCondition struct {
	Held     bool     `json:"Held"`
	Key      string   `json:"Key"`
	Operator string   `json:"Operator"`
	Problem  string   `json:"Problem,omitzero"`
	Seen     []string `json:"Seen"`
	Wanted   []string `json:"Wanted"`
}

// An ExplainedGrant is what came of a grant. Missed is what of it does not match.
type ExplainedGrant struct {
	Allowed bool   `json:"Allowed"`
	GrantId string `json:"GrantId"`
	Missed  string `json:"Missed,omitzero"`
}
