package main

import (
	"context"
	"net/http"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"aftercare/bot"
	"aftercare/scheduler"
	"aftercare/store"
)

// metrics are figures for Prometheus about how the house does, never about people:
// each label has its values from a list that stands in the code.
type metrics struct {
	registry   *prometheus.Registry
	deliveries *prometheus.CounterVec
	late       prometheus.Histogram
	acks       *prometheus.HistogramVec
	unanswered *prometheus.CounterVec
}

// kinds are the values of the label kind of deliveries, as the store has them.
var kinds = []store.Kind{
	store.KindHello, store.KindLinked, store.KindNotice, store.KindCheckIn, store.KindPanel, store.KindOffer, store.KindRelay,
	store.KindRemark, store.KindHere, store.KindStanding, store.KindFits, store.KindAfter, store.KindMoment, store.KindTrend,
}

// other stands for a value that is on no list, so that none can come in by mistake.
const other = "other"

func onList[T ~string](list []T, v T) string {
	if slices.Contains(list, v) {
		return string(v)
	}
	return other
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercare_deliveries_total", Help: "Tries at a delivery, by what it carries and how the try ended. held, unsent and unsure are tried again; refused waits for its person.",
		}, []string{"kind", "outcome"}),
		late: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aftercare_delivery_late_seconds", Help: "How long after the moment for it a try at a delivery had ended.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 12 * 3600},
		}),
		acks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aftercare_interaction_ack_seconds", Help: "How long after an interaction came Discord had its answer; it allows 3 seconds.",
			Buckets: []float64{.025, .05, .1, .2, .4, .8, 1.2, 1.6, 2, 2.5, 3},
		}, []string{"sort"}),
		unanswered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercare_interactions_unanswered_total", Help: "Interactions whose answer did not reach Discord.",
		}, []string{"sort"}),
	}
	for _, k := range kinds {
		for _, o := range scheduler.Outcomes {
			m.deliveries.WithLabelValues(string(k), string(o))
		}
	}
	for _, s := range bot.Sorts {
		m.acks.WithLabelValues(s)
		m.unanswered.WithLabelValues(s)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "aftercare_build_info", Help: "Always 1; which build this is stands in the labels.",
		ConstLabels: prometheus.Labels{"version": version(), "commit": commit(), "go": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.deliveries, m.late, m.acks, m.unanswered, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// handler shows them as Prometheus reads them.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Delivered implements scheduler.Observer.
func (m *metrics) Delivered(kind store.Kind, o scheduler.Outcome, late time.Duration) {
	m.deliveries.WithLabelValues(onList(kinds, kind), onList(scheduler.Outcomes, o)).Inc()
	m.late.Observe(max(late, 0).Seconds())
}

// Answered implements bot.Observer.
func (m *metrics) Answered(sort string, took time.Duration, ok bool) {
	sort = onList(bot.Sorts, sort)
	if !ok {
		m.unanswered.WithLabelValues(sort).Inc()
		return
	}
	m.acks.WithLabelValues(sort).Observe(took.Seconds())
}

// watch adds what is looked up when somebody asks.
func (m *metrics) watch(h *house, cfg Config) {
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	count := func(name, help string, value func(bot.Stats) int64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value(h.bot.Stats())) }))
	}
	gauge("aftercare_due_lag_seconds", "How long what is due and not in hand has been due; 0 when nothing is.", func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), lookWithin)
		defer cancel()
		lag, err := h.lag(ctx)
		if err != nil {
			return -1 // it can't be told, which aftercare_ready says as well
		}
		return lag.Seconds()
	})
	gauge("aftercare_scheduler_turned_seconds", "How long ago the scheduler's loop last came round.", func() float64 { return h.scheduler.Turned().Seconds() })
	gauge("aftercare_gateway_up", "1 while connected to Discord's gateway.", func() float64 { return oneIf(h.bot.Stats().Up) })
	gauge("aftercare_clock_ahead_seconds", "How far this machine's clock is ahead of Discord's, to a second or two.", func() float64 { return h.bot.Stats().ClockAhead.Seconds() })
	count("aftercare_gateway_connects_total", "Connections to the gateway; more than 1 are reconnects.", func(s bot.Stats) int64 { return s.Connects })
	count("aftercare_gateway_identifies_total", "New sessions; Discord allows 1000 a day.", func(s bot.Stats) int64 { return s.Identifies })
	count("aftercare_gateway_replaced_total", "Sessions that hung and were replaced.", func(s bot.Stats) int64 { return s.Replaced })
	count("aftercare_gateway_dropped_total", "Events that could not be read.", func(s bot.Stats) int64 { return s.Dropped })
	count("aftercare_rate_limit_held_total", "Requests held back here, to stay below a limit.", func(s bot.Stats) int64 { return s.Held })
	count("aftercare_rate_limited_total", "Answers of Discord that asked to wait (429).", func(s bot.Stats) int64 { return s.Limited })
	gauge("aftercare_disk_free_bytes", "What is free on the disk of the database.", func() float64 {
		free, err := freeBytes(h.folder)
		if err != nil {
			return -1 // nobody knows
		}
		return float64(free)
	})
	for file, path := range map[string]string{"database": cfg.Store.Path, "wal": cfg.Store.Path + "-wal", "keys": cfg.Store.KeysPath} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "aftercare_database_bytes", Help: "The size of the files.", ConstLabels: prometheus.Labels{"file": file},
		}, func() float64 {
			info, err := os.Stat(path)
			if err != nil {
				return 0 // the log is not always there
			}
			return float64(info.Size())
		}))
	}
	for _, part := range h.parts() {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "aftercare_ready", Help: "1 for each part of the house that is ready, as /readyz says it.", ConstLabels: prometheus.Labels{"part": part.name},
		}, func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), lookWithin)
			defer cancel()
			return oneIf(part.trouble(ctx) == nil)
		}))
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
