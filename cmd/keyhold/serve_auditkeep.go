package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseDays returns the time of a number of days, such as 400d. "" is 0.
func parseDays(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	number, ok := strings.CutSuffix(text, "d")
	days, err := strconv.Atoi(number)
	if err != nil || !ok || days < 1 || days > 100*365 {
		return 0, usageError{fmt.Errorf("--audit-keep %q is not a number of days: write it as 400d", text)}
	}
	return time.Duration(days) * 24 * time.Hour, nil
}
