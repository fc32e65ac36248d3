package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot"
	"aftercare/bot/discordtest"
	"aftercare/scheduler"
)

// figures returns every figure there is, a line each: name{label="value",...} number.
func figures(t testing.TB, m *metrics) map[string]float64 {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+`="`+l.GetValue()+`"`)
			}
			name := f.GetName() + "{" + strings.Join(labels, ",") + "}"
			switch {
			case m.Counter != nil:
				out[name] = m.Counter.GetValue()
			case m.Gauge != nil:
				out[name] = m.Gauge.GetValue()
			case m.Histogram != nil:
				out[name] = float64(m.Histogram.GetSampleCount())
			default:
				out[name] = 0
			}
		}
	}
	return out
}

// labels are all the values that a label of ours may have.
var labels = map[string][]string{
	"kind": append(texts(kinds), other), "outcome": append(texts(scheduler.Outcomes), other), "sort": append(slices.Clone(bot.Sorts), other),
	"file": {"database", "wal", "keys"}, "part": {"gateway", "database", "scheduler"},
	"version": {version()}, "commit": {commit()}, "go": {runtime.Version()},
}

func texts[T ~string](list []T) (out []string) {
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}

var labelPattern = regexp.MustCompile(`(\w+)="([^"]*)"`)

// TestMetricsOfAConversation plays an evening and the day after, and reads the
// figures: they are there, they are right, and each label is from its list.
func TestMetricsOfAConversation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, dir)
		p := &player{pass: time.Sleep, start: s.start, stop: s.stop}
		s.discord = discordtest.New(discordtest.Options{Now: time.Now, Say: p.hear, Token: "Bot test-token"})
		p.discord = s.discord
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
		for _, act := range []string{
			"alex and sam are linked", "alex: /scene ended", "+24h", "sam presses [Open]", "sam presses [Low]", "sam presses [A call]",
			"sam presses [Write something]", "sam writes: Tired, and far away.", "sam presses [Share my words]", "alex presses [Read]",
		} {
			if err := p.act(act); err != nil {
				t.Fatal(err)
			}
			settle()
			p.take()
		}
		got := figures(t, s.house.metrics)
		for name := range got {
			if !strings.HasPrefix(name, "aftercare_") {
				continue
			}
			for _, m := range labelPattern.FindAllStringSubmatch(name, -1) {
				if !slices.Contains(labels[m[1]], m[2]) {
					t.Errorf("%s: the label %s has a value of no list", name, m[1])
				}
			}
		}
		for name, least := range map[string]float64{
			`aftercare_deliveries_total{kind="checkin",outcome="sent"}`: 2, `aftercare_deliveries_total{kind="relay",outcome="sent"}`: 1,
			`aftercare_delivery_late_seconds{}`: 5, `aftercare_interaction_ack_seconds{sort="command"}`: 3, `aftercare_interaction_ack_seconds{sort="component"}`: 5,
			`aftercare_interaction_ack_seconds{sort="form"}`: 1, `aftercare_gateway_up{}`: 1, `aftercare_gateway_connects_total{}`: 1, `aftercare_gateway_identifies_total{}`: 1,
			`aftercare_database_bytes{file="database"}`: 4096, `aftercare_database_bytes{file="keys"}`: 4096,
			`aftercare_ready{part="gateway"}`: 1, `aftercare_ready{part="database"}`: 1, `aftercare_ready{part="scheduler"}`: 1, `go_goroutines{}`: 1,
		} {
			if got[name] < least {
				t.Errorf("%s is %v, want at least %v", name, got[name], least)
			}
		}
		for name, value := range got {
			if value != 0 && (strings.HasPrefix(name, "aftercare_due_lag") || strings.Contains(name, "unanswered") || strings.Contains(name, `="other"`) || strings.Contains(name, `outcome="unsure"`)) {
				t.Errorf("%s is %v, want 0", name, value)
			}
		}
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		s.discord.DropConnections()
	})
}

func TestWhatIsOnNoListIsNotShown(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	m.Delivered("sam", "900000000000000002", -time.Second)
	m.Answered("robin", time.Second, false)
	m.Answered("robin", time.Second, true)
	got := figures(t, m)
	for _, name := range []string{`aftercare_deliveries_total{kind="other",outcome="other"}`, `aftercare_interactions_unanswered_total{sort="other"}`, `aftercare_interaction_ack_seconds{sort="other"}`} {
		if got[name] != 1 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	for name := range got {
		if strings.Contains(name, "sam") || strings.Contains(name, "robin") || strings.Contains(name, "9000") {
			t.Error(name)
		}
	}
}

var metricPattern = regexp.MustCompile(`\b(?:aftercare|go|process)_[a-z_]+\b`)

// TestWhatTheDashboardAsksForIsThere holds that each figure named by the dashboard
// and the alert rules is one that there is.
func TestWhatTheDashboardAsksForIsThere(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for name := range figures(t, runningHouse(t).metrics) {
		known[name[:strings.Index(name, "{")]] = true
	}
	asked := map[string]bool{}
	for _, file := range []string{"deploy/grafana.json", "deploy/alerts.yaml"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := metricPattern.FindAllString(string(b), -1)
		if len(names) < 10 {
			t.Errorf("%s names only %v", file, names)
		}
		for _, name := range names {
			for _, end := range []string{"_bucket", "_count", "_sum"} {
				if base := strings.TrimSuffix(name, end); known[base] {
					name = base
				}
			}
			asked[name] = true
			if !known[name] {
				t.Errorf("%s asks for %s, which there is not", file, name)
			}
		}
	}
	for name := range known {
		if strings.HasPrefix(name, "aftercare_") && !asked[name] {
			t.Errorf("%s is on no dashboard and in no rule", name)
		}
	}
}

// runningHouse is a house that was built and does not run.
func runningHouse(t *testing.T) *house {
	t.Helper()
	cfg := defaultConfig()
	dir := t.TempDir()
	cfg.Discord.Token, cfg.Store.Key = "test-token", Secret(newKey(t))
	cfg.Store.Path, cfg.Store.KeysPath = dir+"/a.db", dir+"/a.keys"
	h, err := build(t.Context(), cfg, world{now: time.Now, log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.store.Close() })
	return h
}

// TestReadiness has each part fail, and reads who is named.
func TestReadiness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(evening))
		h := runningHouse(t)
		status, body := h.readiness(t.Context())
		if want := "not ready\ngateway: not connected to Discord; the log says why\ndatabase: ok\nscheduler: ok\n"; status != 503 || body != want {
			t.Errorf("%d %s\nwant %s", status, body, want)
		}
		// A database that fails is asked again at once, one that does not after a while.
		h.writable.write = func(ctx context.Context) error { return errors.New("the disk is full") }
		if _, body := h.readiness(t.Context()); strings.Contains(body, "full") {
			t.Errorf("asked again within %v: %s", writeAgain, body)
		}
		time.Sleep(writeAgain)
		if _, body := h.readiness(t.Context()); !strings.Contains(body, "database: the disk is full\n") {
			t.Error(body)
		}
		h.writable.write = h.store.Writable
		if _, body := h.readiness(t.Context()); !strings.Contains(body, "database: ok\n") {
			t.Error(body)
		}
		time.Sleep(scheduler.StillAfter)
		if _, body := h.readiness(t.Context()); !strings.Contains(body, "scheduler: its loop stands still for 2m30s") {
			t.Error(body)
		}
		if h.alive() == nil {
			t.Error("it is alive")
		}
	})
}

// TestReadinessBehind has a bot come back after two days.
func TestReadinessBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, dir)
		p := &player{pass: time.Sleep, start: s.start, stop: s.stop}
		s.discord = discordtest.New(discordtest.Options{Now: time.Now, Say: p.hear, Token: "Bot test-token"})
		p.discord = s.discord
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
		for _, act := range []string{"alex and sam are linked", "alex: /scene ended"} {
			if err := p.act(act); err != nil {
				t.Fatal(err)
			}
			settle()
		}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		s.discord.DropConnections()
		time.Sleep(25 * time.Hour)
		h, err := build(t.Context(), s.cfg, world{now: time.Now, log: s.logger})
		if err != nil {
			t.Fatal(err)
		}
		defer h.store.Close()
		if _, body := h.readiness(t.Context()); !strings.Contains(body, "scheduler: behind by ") {
			t.Error(body)
		}
		if lag := figures(t, h.metrics)["aftercare_due_lag_seconds{}"]; lag < 3000 || lag > 3700 {
			t.Errorf("a lag of %v s", lag)
		}
	})
}
