package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// rebinding sends requests to a dev server like a web page whose host name was bound to the loopback address
// (DNS rebinding), and like a page on the Internet that knows the server's name.
func rebinding(ctx context.Context, l *lab) (string, error) {
	s := &server{l: l}
	if err := s.startAs(exec.Command(l.program, "dev", "--addr", "127.0.0.1:0")); err != nil {
		return "", err
	}
	address := strings.TrimPrefix(s.addr, "http://")
	answered, all := 0, 0
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodOptions} {
		for _, host := range []string{"evil.example", address} {
			for _, field := range []string{"Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: same-origin"} {
				if host == address && strings.HasPrefix(field, "Sec-Fetch") {
					continue // a page of the server's own origin
				}
				status, err := pageAsks(ctx, method, address, host, field)
				if err != nil {
					return "", err
				}
				if all++; status != http.StatusForbidden {
					answered++
				}
			}
		}
	}
	figure := fmt.Sprintf("%d of %d requests of web pages reached the API", answered, all)
	return figure, checkBar(answered == 0, "%d requests of web pages reached the API", answered)
}

func pageAsks(ctx context.Context, method, address, host, field string) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+address+"/", http.NoBody)
	if err != nil {
		return 0, err
	}
	name, value, _ := strings.Cut(field, ": ")
	r.Host = host
	r.Header.Set(name, value)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
