package scheduler

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

var large = flag.Bool("large", false, "benchmark with 1,000,000 future deliveries as well")

// punctual notes how late each delivery is handed to it.
type punctual struct{ late chan time.Duration }

func (p punctual) Send(_ context.Context, d store.Delivery) (store.Sent, error) {
	p.late <- time.Since(d.Due)
	return store.Sent{Message: store.Secret("m")}, nil
}

// BenchmarkLateness measures in real time how late a check-in leaves that comes
// due while nothing else happens, by the timer alone. One op is one check-in.
func BenchmarkLateness(b *testing.B) {
	for _, rows := range []int{10, 1_000_000} {
		b.Run(fmt.Sprintf("future=%d", rows), func(b *testing.B) {
			if rows > 10 && !*large {
				b.Skip("only with -large")
			}
			o := storetest.Options(b, time.Hour)
			s := storetest.OpenAt(b, o, time.Now)
			storetest.Crowd(b, o.Path, rows, time.Now().Add(100*24*time.Hour))
			lateness(b, s)
		})
	}
}

func lateness(b *testing.B, s *store.Store) {
	p := punctual{make(chan time.Duration, 1)}
	sch := New(s, p, s.Now, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); sch.Run(ctx) }()
	defer func() { cancel(); <-done }()
	var late []time.Duration
	i := 0
	for b.Loop() {
		i++
		who := store.Who{ID: store.Secret(fmt.Sprint(b.N, "-", i)), Name: store.Secret("p")}
		_, err := s.EndScene(b.Context(), store.Ended{
			By: who, Alone: true, Consent: 1, Request: who.ID.Reveal(),
			At: s.Now().Add(-time.Hour + 50*time.Millisecond),
		})
		if err != nil {
			b.Fatal(err)
		}
		sch.Wake()
		<-p.late // their first line
		late = append(late, <-p.late)
	}
	slices.Sort(late)
	b.ReportMetric(float64(late[len(late)/2].Microseconds())/1000, "p50-late-ms")
	b.ReportMetric(float64(late[len(late)*99/100].Microseconds())/1000, "p99-late-ms")
	b.ReportMetric(0, "ns/op")
}
