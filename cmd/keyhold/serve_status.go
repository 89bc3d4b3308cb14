package main

import (
	"context"
	"crypto/x509"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/health"
	"github.com/keyhold/keyhold/internal/measure"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/space"
)

// An observed server has the parts that KeyholdAdmin.Status describes, and the readings of what runs out. They are set
// before the server answers.
type observed struct {
	complete chan struct{} // closed when all other fields are set
	watched
	checks      *health.Checker
	trend       *measure.Trend
	connections func() conns.Stats
}

// situation returns what the program knows of its server.
func (o *observed) situation(ctx context.Context) service.Situation {
	s := service.Situation{Health: o.checks.Run(ctx), Minutes: o.trend.Minutes()}
	used := o.connections()
	s.Connections, s.MostConnections = int64(used.Connections), int64(used.Max)
	if free, err := space.Free(o.data); err == nil {
		s.DiskFree = &free
	}
	if f := o.devices.forwarder.Load(); f != nil {
		s.ForwardBehind = new(int64(f.Lag()))
	}
	if k := o.devices.keeper; k != nil {
		s.AnchorBehind = new(int64(k.Lag()))
	}
	s.Readings = o.readings(ctx)
	if cert := o.certificate(); cert != nil {
		s.Certificate = describeCertificate(cert)
	}
	return s
}

// observe begins to keep what the server does in each minute.
func (o *observed) observe(ctx context.Context, requests *measure.Requests) {
	o.trend = measure.NewTrend(requests, time.Now())
	go o.trend.Run(ctx)
}

// describeCertificate returns what the status shows of a certificate.
func describeCertificate(c *x509.Certificate) service.Certificate {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return service.Certificate{Ends: c.NotAfter, Issuer: c.Issuer.String(), Names: names}
}
