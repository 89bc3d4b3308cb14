package audit

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// eventJSON is the JSON form of an event in a line.
type eventJSON struct {
	EventSource         string         `json:"eventSource"`
	UserIdentity        identityJSON   `json:"userIdentity"`
	EventTime           time.Time      `json:"eventTime"`
	EventName           string         `json:"eventName"`
	AWSRegion           string         `json:"awsRegion"`
	SourceIPAddress     string         `json:"sourceIPAddress"`
	UserAgent           string         `json:"userAgent"`
	ErrorCode           string         `json:"errorCode"`
	ErrorMessage        string         `json:"errorMessage"`
	RequestParameters   jsontext.Value `json:"requestParameters"`
	ResponseElements    jsontext.Value `json:"responseElements"`
	AdditionalEventData jsontext.Value `json:"additionalEventData"`
	RequestID           string         `json:"requestID"`
	EventID             string         `json:"eventID"`
	ReadOnly            bool           `json:"readOnly"`
	Resources           []struct {
		ARN       string `json:"ARN"`
		AccountID string `json:"accountId"`
		Type      string `json:"type"`
	} `json:"resources"`
	EventType          string         `json:"eventType"`
	RecipientAccountID string         `json:"recipientAccountId"`
	ServiceDetails     jsontext.Value `json:"serviceEventDetails"`
	StoreRevision      int64          `json:"storeRevision"`
}

type identityJSON struct {
	Type             string `json:"type"`
	PrincipalID      string `json:"principalId"`
	ARN              string `json:"arn"`
	AccountID        string `json:"accountId"`
	AccessKeyID      string `json:"accessKeyId"`
	UserName         string `json:"userName"`
	IdentityProvider string `json:"identityProvider"`
	Session          struct {
		Issuer struct {
			Type        string `json:"type"`
			PrincipalID string `json:"principalId"`
			ARN         string `json:"arn"`
			AccountID   string `json:"accountId"`
			UserName    string `json:"userName"`
		} `json:"sessionIssuer"`
		Web struct {
			Provider string `json:"federatedProvider"`
		} `json:"webIdFederationData"`
		Attributes struct {
			Created time.Time `json:"creationDate"`
		} `json:"attributes"`
		SourceIdentity string `json:"sourceIdentity"`
	} `json:"sessionContext"`
	InvokedBy string `json:"invokedBy"`
}

// parseEvent parses the line of an event.
func parseEvent(line []byte) (Event, error) {
	var r eventJSON
	if err := json.Unmarshal(line, &r); err != nil {
		return Event{}, err
	}
	e := Event{
		EventSource:         r.EventSource,
		UserIdentity:        r.UserIdentity.identity(),
		EventTime:           r.EventTime,
		EventName:           r.EventName,
		AWSRegion:           r.AWSRegion,
		SourceIPAddress:     r.SourceIPAddress,
		UserAgent:           r.UserAgent,
		ErrorCode:           r.ErrorCode,
		ErrorMessage:        r.ErrorMessage,
		RequestParameters:   nonNull(r.RequestParameters),
		ResponseElements:    nonNull(r.ResponseElements),
		AdditionalEventData: nonNull(r.AdditionalEventData),
		RequestID:           r.RequestID,
		EventID:             r.EventID,
		ReadOnly:            r.ReadOnly,
		EventType:           r.EventType,
		RecipientAccountID:  r.RecipientAccountID,
		ServiceEventDetails: nonNull(r.ServiceDetails),
		StoreRevision:       r.StoreRevision,
	}
	for _, of := range r.Resources {
		e.Resources = append(e.Resources, Resource{of.ARN, of.AccountID, of.Type})
	}
	return e, nil
}

func (r *identityJSON) identity() Identity {
	return Identity{
		Type:             r.Type,
		PrincipalID:      r.PrincipalID,
		ARN:              r.ARN,
		AccountID:        r.AccountID,
		AccessKeyID:      r.AccessKeyID,
		UserName:         r.UserName,
		IdentityProvider: r.IdentityProvider,
		InvokedBy:        r.InvokedBy,
		Session: Session{
			Issued: r.Session.Attributes.Created, Issuer: Issuer(r.Session.Issuer),
			FederatedProvider: r.Session.Web.Provider, SourceIdentity: r.Session.SourceIdentity,
		},
	}
}

// nonNull returns a JSON value, or nil if it is null or absent.
func nonNull(value jsontext.Value) []byte {
	if value.Kind() == jsontext.KindNull {
		return nil
	}
	return value
}
