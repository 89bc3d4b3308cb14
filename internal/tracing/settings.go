package tracing

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A SettingError is an invalid variable of the environment.
type SettingError struct{ Variable, Fault string }

func (e SettingError) Error() string { return e.Variable + " in the environment: " + e.Fault }

// The variables that decide whether and where spans are sent, as OpenTelemetry specifies them ("Environment Variable
// Specification", "OpenTelemetry Protocol Exporter"). The library reads these and all others itself, and ignores values
// that are not valid, so they are checked here.
const (
	disabled       = "OTEL_SDK_DISABLED"
	exporter       = "OTEL_TRACES_EXPORTER"
	endpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	tracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	protocol       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	tracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	sampler        = "OTEL_TRACES_SAMPLER"
	headers        = "OTEL_EXPORTER_OTLP_HEADERS"
	tracesHeaders  = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
	samplerArg     = "OTEL_TRACES_SAMPLER_ARG"
	propagators    = "OTEL_PROPAGATORS"
)

var samplers = []string{
	"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off",
	"parentbased_traceidratio",
}

// wanted reports whether the environment asks for traces.
func wanted(getenv func(string) string) (bool, error) {
	if strings.EqualFold(getenv(disabled), "true") {
		return false, nil
	}
	switch name := getenv(exporter); name {
	case "":
		return getenv(endpoint) != "" || getenv(tracesEndpoint) != "", nil
	case "none":
		return false, nil
	case "otlp":
		return true, nil
	default:
		return false, SettingError{exporter, fmt.Sprintf("%q is not supported: give otlp or none", name)}
	}
}

// check refuses values that the library would ignore.
func check(getenv func(string) string) error {
	for _, name := range []string{endpoint, tracesEndpoint} {
		if err := checkURL(name, getenv(name)); err != nil {
			return err
		}
	}
	for _, name := range []string{protocol, tracesProtocol} {
		if p := getenv(name); p != "" && p != "http/protobuf" && p != "http/json" {
			return SettingError{name, fmt.Sprintf("%q is not supported: give http/protobuf, with port 4318 of the collector", p)}
		}
	}
	for _, name := range []string{headers, tracesHeaders} {
		if err := checkHeaders(name, getenv(name)); err != nil {
			return err
		}
	}
	if s := getenv(sampler); s != "" && !slices.Contains(samplers, s) {
		return SettingError{sampler, fmt.Sprintf("%q is not a sampler: give one of %s", s, strings.Join(samplers, ", "))}
	}
	if a := getenv(samplerArg); a != "" {
		if ratio, err := strconv.ParseFloat(a, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
			return SettingError{samplerArg, fmt.Sprintf("%q is not a ratio from 0 to 1", a)}
		}
	}
	return nil
}

// checkURL does not quote the URL, which may have a token.
func checkURL(name, text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return SettingError{name, "this is not an http or https URL: write it as http://127.0.0.1:4318"}
	}
	return nil
}

// checkHeaders refuses header fields that the library would ignore. The library prints these fields, which may have a
// token, so they must not reach it; the error does not quote them.
func checkHeaders(name, text string) error {
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		field, value, ok := strings.Cut(part, "=")
		_, err := url.PathUnescape(value)
		if !ok || err != nil || !fieldName.MatchString(strings.TrimSpace(field)) {
			return SettingError{name, "one of its fields is not NAME=VALUE with the value percent-encoded: " +
				"write it as Authorization=Bearer%20TOKEN, with commas between fields"}
		}
	}
	return nil
}

// fieldName is the form of the name of a header field (RFC 9110, section 5.6.2).
var fieldName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// joins reports whether spans join the traces of clients.
func joins(getenv func(string) string) bool {
	list := getenv(propagators)
	return list == "" || slices.Contains(strings.Split(strings.ReplaceAll(list, " ", ""), ","), "tracecontext")
}
