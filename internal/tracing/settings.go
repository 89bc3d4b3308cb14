package tracing

import (
	"fmt"
	"net/url"
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

// joins reports whether spans join the traces of clients.
func joins(getenv func(string) string) bool {
	list := getenv(propagators)
	return list == "" || slices.Contains(strings.Split(strings.ReplaceAll(list, " ", ""), ","), "tracecontext")
}
