package store_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

var large = flag.Bool("large", false, "benchmark with 1,000,000 future deliveries as well")

// each runs a benchmark with few future deliveries in the file and with many.
func each(b *testing.B, run func(b *testing.B, s *store.Store, c *storetest.Clock)) {
	for _, rows := range []int{10, 1_000_000} {
		b.Run(fmt.Sprintf("future=%d", rows), func(b *testing.B) {
			if rows > 10 && !*large {
				b.Skip("only with -large")
			}
			c, o := storetest.NewClock(), storetest.Options(b)
			s := storetest.OpenAt(b, o, c.Now)
			storetest.Link(b, s, alex, sam)
			storetest.Deliver(b, s)
			storetest.Crowd(b, o.Path, rows, c.Now().Add(100*24*time.Hour))
			run(b, s, c)
		})
	}
}

func BenchmarkEndScene(b *testing.B) {
	each(b, func(b *testing.B, s *store.Store, c *storetest.Clock) {
		for b.Loop() {
			c.Advance(7 * time.Hour)
			storetest.EndScene(b, s, alex, sam)
		}
	})
}

func BenchmarkNextDue(b *testing.B) {
	each(b, func(b *testing.B, s *store.Store, _ *storetest.Clock) {
		for b.Loop() {
			if _, _, err := s.NextDue(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkForgetNothing(b *testing.B) {
	each(b, func(b *testing.B, s *store.Store, _ *storetest.Clock) {
		for b.Loop() {
			if _, err := s.Forget(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDrain claims and postpones 10,000 due deliveries to as many people, as
// the scheduler would with its 32 workers. One op is one delivery.
func BenchmarkDrain(b *testing.B) {
	each(b, func(b *testing.B, s *store.Store, c *storetest.Clock) {
		const due = 10_000
		if _, err := store.DB(s).Exec(`
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
			INSERT INTO persons (id, lookup, key_id, account, name, settings, consent_version, consent_at)
			SELECT 5000000 + i, CAST('q' || i AS BLOB), CAST('q' || i AS BLOB), X'00', X'00', X'00', 1, 1 FROM n
		`, due); err != nil {
			b.Fatal(err)
		}
		if _, err := store.DB(s).Exec(`
			INSERT INTO deliveries (id, recipient, kind, due_at, next_at)
			SELECT id, id, 'hello', $1, $1 FROM persons WHERE id > 5000000 AND id <= 5000000 + $2
		`, c.Now().UnixMilli(), due); err != nil {
			b.Fatal(err)
		}
		var spent time.Duration
		n := 0
		for b.Loop() {
			start := time.Now()
			batch, err := s.ClaimDue(b.Context(), 32)
			if err != nil {
				b.Fatal(err)
			}
			for _, d := range batch {
				if err := s.Postpone(b.Context(), d, c.Now()); err != nil {
					b.Fatal(err)
				}
			}
			spent += time.Since(start)
			n += len(batch)
		}
		b.ReportMetric(float64(n)/spent.Seconds(), "deliveries/s")
	})
}
