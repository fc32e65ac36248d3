package bot

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"aftercare/store"
)

// quick is a Discord that takes everything after a moment.
type quick struct{ takes time.Duration }

func (q quick) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(q.takes) // the network, as far as this benchmark knows it
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"id":"700000000000000002"}`)),
	}, nil
}

// quickBot returns a bot on the store of a house whose Discord is quick.
func quickBot(b *testing.B, h *house, perSecond int, takes time.Duration) *Bot {
	b.Helper()
	bot, err := New(h.store, Options{
		Token: "test-token", APIURL: "https://discord.test/api", RequestsPerSecond: perSecond, Operator: "Robin",
		Marks: []time.Duration{24 * time.Hour, 48 * time.Hour}, Version: "test", Log: slog.New(slog.DiscardHandler), Transport: quick{takes},
	})
	if err != nil {
		b.Fatal(err)
	}
	return bot
}

// BenchmarkLimit sends through the transport for four seconds, with as many at
// once as the scheduler has workers, to a Discord that takes 50 ms for each, and
// reports how much of the global limit that used.
func BenchmarkLimit(b *testing.B) {
	for _, perSecond := range []int{50, 500} {
		b.Run(fmt.Sprintf("limit=%d", perSecond), func(b *testing.B) {
			bot := quickBot(b, newHouse(b), perSecond, 50*time.Millisecond)
			for b.Loop() {
				first, last, n := flood(b, bot, 4*time.Second)
				b.ReportMetric(100*float64(n-1)/last.Sub(first).Seconds()/float64(perSecond), "%limit")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// flood sends from 32 goroutines, and returns when the first and the last were done.
func flood(b *testing.B, bot *Bot, lasts time.Duration) (first, last time.Time, n int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	end := time.Now().Add(lasts)
	for i := range 32 {
		wg.Go(func() {
			channel := store.Secret(fmt.Sprint(600000000000000000 + int64(i)))
			for time.Now().Before(end) {
				if err := bot.call(b.Context(), http.MethodPost, messagesPath(channel), line("Hello.").payload(), nil); err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				if n++; n == 1 {
					first = time.Now()
				}
				last = time.Now()
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return first, last, n
}

// BenchmarkSend is what one check-in costs in this process: reading and opening
// it, putting it into words, and sending it through the transport.
func BenchmarkSend(b *testing.B) {
	h := newHouse(b)
	alex, sam := h.discord.Person("alex"), h.discord.Person("sam")
	h.link(alex, sam)
	h.run(alex, "scene ended", user6(sam))
	h.skip += 24 * time.Hour
	due, err := h.store.ClaimDue(b.Context(), 1)
	if err != nil || len(due) != 1 || due[0].Kind != store.KindCheckIn {
		b.Fatal(due, err)
	}
	bot := quickBot(b, h, 1_000_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bot.Send(b.Context(), due[0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInteraction is what it costs to read an interaction, find its handler,
// run it, and give the answer: of one that needs no database, one that reads,
// and two that commit.
func BenchmarkInteraction(b *testing.B) {
	h := newHouse(b)
	alex, sam := h.discord.Person("alex"), h.discord.Person("sam")
	h.link(alex, sam)
	h.run(alex, "scene ended", user6(sam))
	h.pass(24 * time.Hour)
	checkin := row(h.newest(alex, "checkin/open"))
	for _, c := range []struct {
		name string
		raw  func() string
	}{
		{"static=help", func() string { return h.craft(alex, onCommand, commandData("care help")) }},
		{"read=list", func() string { return h.craft(alex, onCommand, commandData("scene list")) }},
		{"write=feel", func() string {
			return h.craft(alex, onComponent, object{"custom_id": customID("checkin/feel", checkin, "good"), "component_type": 2})
		}},
		{"write=ended", func() string {
			h.skip += 7 * time.Hour // another scene, and never the 25th in a day
			return h.craft(alex, onCommand, commandData("scene ended", user6(sam)))
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			h.wire.take()
			b.ReportAllocs()
			for b.Loop() {
				h.bot.hear("INTERACTION_CREATE", []byte(c.raw()))
				h.bot.people.idle()
				if len(h.wire.take()) != 1 {
					b.Fatal("not one answer")
				}
			}
		})
	}
}
