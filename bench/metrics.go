package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// scrapeEvery is the time between two scrapes in the part metrics. Most monitoring scrapes every 15 to 60 seconds.
const scrapeEvery = time.Second

// metrics compares Decrypt on servers with and without a private listener: one that nobody asks, and one whose metrics
// are scraped.
func (s settings) metrics() error {
	if err := leaveFirstProcessor(); err != nil {
		return err
	}
	without, err := s.startServe(onFirstProcessor)
	if err != nil {
		return err
	}
	defer without.stop()
	dir, err := os.MkdirTemp("", "keyhold-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "private")
	with, err := s.startServe(onFirstProcessor, "--private-addr", "unix:"+socket)
	if err != nil {
		return err
	}
	defer with.stop()
	compare := func(second string) error {
		return s.comparePairs("Decrypt", 10, "without", without, second, with, func(a, b measure) float64 {
			return ratio(b.cpu, a.cpu)
		}, "of the CPU; the bar is at most 1.02")
	}
	fmt.Println("Decrypt without and with a private listener that nobody asks, in pairs")
	if err := compare("with"); err != nil {
		return err
	}
	fmt.Printf("Decrypt without a private listener, and with metrics that are scraped every %v, in pairs\n", scrapeEvery)
	stop := startScraping(socket)
	err = compare("scraped")
	scrapes, failed := stop()
	if err = errors.Join(err, failed); err == nil {
		fmt.Printf("  %d scrapes\n", scrapes)
	}
	return err
}

// startScraping scrapes the metrics at a socket until stop is called. stop returns the number of scrapes.
func startScraping(socket string) (stop func() (scrapes int, err error)) {
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	scrapes := 0
	go func() {
		tick := time.NewTicker(scrapeEvery)
		defer tick.Stop()
		for {
			if err := scrape(client); err != nil {
				done <- err
				return
			}
			scrapes++
			select {
			case <-tick.C:
			case <-ctx.Done():
				done <- nil
				return
			}
		}
	}()
	return func() (int, error) {
		cancel()
		err := <-done
		return scrapes, err
	}
}

func scrape(client *http.Client) error {
	answer, err := client.Get("http://localhost/metrics")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || !bytes.Contains(text, []byte("keyhold_requests_total"))) {
		err = fmt.Errorf("a scrape: %s, %d bytes", answer.Status, len(text))
	}
	return err
}

// madeCredentials finds the credentials in the output of keyhold init.
var madeCredentials = regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\s+export AWS_SECRET_ACCESS_KEY=(\S+)`)

// startServe makes a deployment, and starts the program as its server. where determines its processors.
func (s settings) startServe(where placement, flags ...string) (*server, error) {
	folder, err := os.MkdirTemp("", "keyhold-bench")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(folder, "data")
	made, err := exec.Command(s.program, "init", "--data", data).Output()
	if found := madeCredentials.FindSubmatch(made); err == nil && found != nil {
		words := append([]string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--log-level", "warn"}, flags...)
		k, err := start(where, "keyhold", s.program, words...)
		if err == nil {
			k.data = folder
			k.root = aws.Credentials{AccessKeyID: string(found[1]), SecretAccessKey: string(found[2])}
			return k, nil
		}
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return nil, errors.Join(fmt.Errorf("keyhold init: %q: %w", made, err), os.RemoveAll(folder))
}
