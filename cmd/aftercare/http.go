package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"aftercare/scheduler"
)

const (
	lookWithin  = 3 * time.Second  // for one look at the database
	behindAfter = 2 * time.Minute  // what is due for longer, and not in hand, is late
	noRoom      = 16 << 20         // bytes; a disk with less is full
	writeAgain  = 30 * time.Second // between two writes that only try whether one can
)

// part is one of the things that have to be in order for the bot to do its work.
type part struct {
	name    string
	trouble func(context.Context) error // nil: in order
}

// parts lists them.
func (h *house) parts() []part {
	return []part{
		{"gateway", func(context.Context) error {
			if !h.bot.Stats().Up {
				return errors.New("not connected to Discord; the log says why")
			}
			return nil
		}},
		{"database", func(ctx context.Context) error {
			if free, err := freeBytes(h.folder); err == nil && free < noRoom {
				return fmt.Errorf("the disk is full (%s free); make room on it", inBytes(int64(free)))
			}
			return h.writable.try(ctx)
		}},
		{"scheduler", h.onTime},
	}
}

// alive tells whether the scheduler's loop goes round.
func (h *house) alive() error {
	if still := h.scheduler.Turned(); still > scheduler.StillAfter {
		return fmt.Errorf("its loop stands still for %v; restart it, and report this with the log", still.Round(time.Second))
	}
	return nil
}

// onTime tells whether the scheduler does what is due.
func (h *house) onTime(ctx context.Context) error {
	if err := h.alive(); err != nil {
		return err
	}
	lag, err := h.lag(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("what is due can't be told: %w", err)
	case lag > behindAfter:
		return fmt.Errorf("behind by %v; after an outage that passes by itself", lag.Round(time.Second))
	}
	return nil
}

// lag is how long what is due and in nobody's hand has been due.
func (h *house) lag(ctx context.Context) (time.Duration, error) {
	next, ok, err := h.store.NextDue(ctx)
	if err != nil || !ok {
		return 0, err
	}
	return max(h.store.Now().Sub(next), 0), nil
}

// writable tries now and then whether the database takes a write, and remembers
// how that went: each try wears the disk a little.
type writable struct {
	write func(context.Context) error
	mu    sync.Mutex
	tried time.Time
	err   error
}

func (w *writable) try(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tried.IsZero() || time.Since(w.tried) >= writeAgain || w.err != nil {
		w.err, w.tried = w.write(ctx), time.Now()
	}
	return w.err
}

// listener is where health and metrics are asked for.
type listener struct {
	net.Listener
	server *http.Server
}

// listen opens the listener of the configuration; nil if there is none.
func (h *house) listen(address string) (*listener, error) {
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, listenError(address, err)
	}
	return &listener{l, &http.Server{
		Handler: h.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}}, nil
}

// listenError says why an address can't be listened on, and what to do about that.
func listenError(address string, err error) error {
	fix := "choose another port, or stop what has it"
	var unknown *net.DNSError
	switch {
	case errors.Is(err, syscall.EACCES):
		fix = "choose a port from 1024 up"
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.As(err, &unknown):
		fix = "write a port alone, or an address that this machine has"
	}
	return fmt.Errorf("http.listen: %s can't be listened on (%w); %s", address, opReason(err), fix)
}

// opReason is a network error without the address, which the report names already.
func opReason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// serve answers until ctx is done.
func (l *listener) serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { _ = l.server.Close() })
	defer stop()
	_ = l.server.Serve(l.Listener) // ends at Close
}

// handler answers whoever asks how the house does.
func (h *house) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := h.alive(); err != nil {
			respond(w, http.StatusServiceUnavailable, "not alive\nscheduler: "+err.Error()+"\n")
			return
		}
		respond(w, http.StatusOK, "alive\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), lookWithin)
		defer cancel()
		status, body := h.readiness(ctx)
		respond(w, status, body)
	})
	mux.Handle("GET /metrics", h.metrics.handler())
	return mux
}

// readiness says which part is not ready, a line for each.
func (h *house) readiness(ctx context.Context) (status int, body string) {
	status, body = http.StatusOK, "ready\n"
	var lines strings.Builder
	for _, p := range h.parts() {
		if err := p.trouble(ctx); err != nil {
			status, body = http.StatusServiceUnavailable, "not ready\n"
			fmt.Fprintf(&lines, "%s: %v\n", p.name, err)
			continue
		}
		fmt.Fprintf(&lines, "%s: ok\n", p.name)
	}
	return status, body + lines.String()
}

func respond(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}
