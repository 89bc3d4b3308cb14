package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/keyhold/keyhold/internal/doctor"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/space"
)

// readings returns what runs out on this server: the certificate, the root key and the disk. What cannot be read is
// missing. It waits until the server is complete.
func (o *observed) readings(ctx context.Context) (all []service.Reading) {
	select {
	case <-o.complete:
	case <-ctx.Done():
		return nil
	}
	for _, read := range []func(context.Context) (service.Reading, bool){o.readCertificate, o.readRootKey, o.readDisk} {
		if r, ok := read(ctx); ok {
			all = append(all, r)
		}
	}
	return all
}

// endsAt completes the reading of something that ends, with what the doctor finds.
func (o *observed) endsAt(r service.Reading, end, now time.Time, f doctor.Finding) service.Reading {
	r.Ends, r.Left, r.Fact, r.Remedy = end, int64(end.Sub(now)/time.Second), f.Fact, f.Remedy
	ahead, _ := o.expiry.ahead() // was checked
	for _, a := range ahead {
		r.Thresholds = append(r.Thresholds, int64(a/time.Second))
	}
	return r
}

func (o *observed) readCertificate(context.Context) (r service.Reading, ok bool) {
	c, now := o.certificate(), time.Now()
	if c == nil {
		return r, false
	}
	sum := sha256.Sum256(c.Raw)
	r = service.Reading{Subject: records.NoticeCertificate, Name: hex.EncodeToString(sum[:])}
	return o.endsAt(r, c.NotAfter, now, doctor.Certificate(c, now, o.expiry.longest())), true
}

func (o *observed) readRootKey(ctx context.Context) (r service.Reading, ok bool) {
	age, _ := o.expiry.maxAge() // was checked
	if age == 0 {
		return r, false
	}
	root, err := o.service.RootKey(ctx)
	if err != nil || root.Made.IsZero() {
		return r, false
	}
	due, now := root.Made.Add(age), o.service.Now()
	r = service.Reading{Subject: records.NoticeRootKey, Name: strconv.FormatUint(uint64(root.Version), 10)}
	return o.endsAt(r, due, now, doctor.RootKey(root.Made, due, now, o.expiry.longest())), true
}

func (o *observed) readDisk(context.Context) (r service.Reading, ok bool) {
	free, err := space.Free(o.data)
	if err != nil {
		return r, false
	}
	total, err := space.Size(o.data)
	if err != nil {
		return r, false
	}
	f := doctor.Space(free, total, o.expiry.firstLow(total))
	return service.Reading{
		Subject: records.NoticeDisk, Name: cmp.Or(o.node, "this"), Left: free, Thresholds: o.expiry.lowOf(total),
		Fact: f.Fact, Remedy: f.Remedy,
	}, true
}
