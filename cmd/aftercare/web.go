package main

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path"
	"strconv"
	"time"
)

// webAssets is the page: plain files, nothing to build.
//
//go:embed web
var webAssets embed.FS

// playWeb serves the demo as a page on this machine until ctx is done. Port 0 is
// any that is free.
func playWeb(ctx context.Context, port int, out io.Writer) error {
	if port < 0 || port > 65535 {
		return fmt.Errorf("--port: %d is no port; 1 to 65535, or 0 for any that is free", port)
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("--port: %w; leave it out, and any free one is taken", err)
	}
	return serveWeb(ctx, l, func(address string) {
		fmt.Fprintf(out, "The demo is at\n\n    %s\n\nOpen it in a browser on this machine. It ends with Ctrl+C, and nothing is left behind.\n", address)
	})
}

// serveWeb serves the demo on l, and tells the address when it is ready.
func serveWeb(ctx context.Context, l net.Listener, ready func(address string)) (err error) {
	defer l.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := newWebWorld(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	p := &webPage{world: w, key: rand.Text(), host: l.Addr().String()}
	srv := &http.Server{
		Handler:           p.handler(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		MaxHeaderBytes:    32 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	ready("http://" + p.host + "/#key=" + p.key)
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	cancel() // ends the streams, which Shutdown would wait for
	down, stop := context.WithTimeout(context.Background(), demoPatience)
	defer stop()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, srv.Shutdown(down))
}

// webPage is what a browser can ask for. Everything but the page's own files is
// for whoever has the key, which is only in the address that was printed: another
// user of this machine, or another page in the browser, doesn't have it.
type webPage struct {
	world *webWorld
	key   string
	host  string // host and port
}

func (p *webPage) handler() http.Handler {
	files, err := fs.Sub(webAssets, "web")
	if err != nil {
		panic(err) // it is in the binary
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", typed(http.FileServerFS(files)))
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /api/events":   p.events,
		"GET /api/disk":     p.disk,
		"GET /api/file":     p.file,
		"POST /api/act":     p.act,
		"POST /api/suggest": p.suggest,
		"POST /api/search":  p.search,
	} {
		mux.Handle(pattern, p.keyed(h))
	}
	return p.guarded(mux)
}

// typed says what the page's own files are. A system may think otherwise of their
// names, and a browser loads no script that is called plain text.
func typed(files http.Handler) http.Handler {
	kinds := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if kind, ok := kinds[path.Ext(r.URL.Path)]; ok {
			w.Header().Set("Content-Type", kind)
		}
		files.ServeHTTP(w, r)
	})
}
