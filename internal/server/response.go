package server

import (
	"io"
	"net/http"
)

// A response is an HTTP response as a value.
type response struct {
	status      int // of HTTP
	contentType string
	body        []byte // cleared when it has been sent
	requestID   string // X-Amzn-Requestid; a response that has one must not be stored by caches
	errorType   string // X-Amzn-Errortype, if not empty
	closes      bool   // the connection ends after the response

	header [][2]string // more fields
	shared bool        // other responses have the same body, so it is not cleared

	stream io.ReadCloser // the body, if it is made while it is sent
}

// plainResponse returns the response to input that is not a request of the API. The connection is closed.
func plainResponse(status int) response {
	return response{
		status: status, contentType: "text/plain; charset=utf-8", body: []byte(http.StatusText(status)), closes: true,
	}
}
