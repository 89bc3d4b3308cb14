package sts

import (
	"encoding/xml"
	"fmt"
	"reflect"

	"github.com/keyhold/keyhold/internal/api"
)

// Encode encodes the response of an operation.
func Encode(operation, requestID string, response any) ([]byte, error) {
	return xml.Marshal(answer{
		XMLName:   xml.Name{Space: namespace, Local: operation + "Response"},
		Result:    result{operation + "Result", reflect.ValueOf(response).Elem()},
		RequestID: requestID,
	})
}

type answer struct {
	XMLName   xml.Name
	Result    result
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

// A result is a response, enclosed in an element that is named after its operation.
type result struct {
	name  string
	value reflect.Value
}

// MarshalXML encodes each member that is present.
func (r result) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return element(e, r.name, r.value)
}

func element(e *xml.Encoder, name string, v reflect.Value) error {
	start := xml.StartElement{Name: xml.Name{Local: name}}
	switch at, isTime := reflect.TypeAssert[api.Timestamp](v); {
	case isTime:
		return e.EncodeElement(at.String(), start)
	case v.Kind() != reflect.Struct:
		return e.EncodeElement(v.Interface(), start)
	}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsNil() {
			if err := element(e, wireName(v.Type().Field(i)), f.Elem()); err != nil {
				return err
			}
		}
	}
	return e.EncodeToken(start.End())
}

// EncodeError encodes an error response.
func EncodeError(requestID string, f Fault, message string) []byte {
	body, err := xml.Marshal(refusal{
		XMLName:   xml.Name{Space: namespace, Local: "ErrorResponse"},
		Type:      f.blame(),
		Code:      f.Code,
		Message:   message,
		RequestID: requestID,
	})
	if err != nil {
		panic(fmt.Sprintf("sts: encode an error: %v", err)) // invalid characters are replaced, so there are no errors
	}
	return body
}

type refusal struct {
	XMLName   xml.Name
	Type      string `xml:"Error>Type"`
	Code      string `xml:"Error>Code"`
	Message   string `xml:"Error>Message"`
	RequestID string `xml:"RequestId"`
}
