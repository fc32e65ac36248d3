package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func (p *process) get(url string) (status int, body string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, url, nil)
	p.do(err)
	resp, err := http.DefaultClient.Do(r)
	p.do(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	p.do(err)
	return resp.StatusCode, string(b)
}

// freePort is one that nobody had a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestHealth asks the real binary how it does, while it is well, while Discord is
// gone, and while it is not there at all.
func TestHealth(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	port := freePort(t)
	p.env = append(p.env, "AFTERCARE_HTTP_LISTEN="+port)
	if _, errs, code := p.command("", "health"); code != 1 || !strings.Contains(errs, "nobody answers on 127.0.0.1:"+port) {
		t.Errorf("before the start: exit %d, %s", code, errs)
	}
	p.start()
	const well = "ready\ngateway: ok\ndatabase: ok\nscheduler: ok\n"
	if out, errs, code := p.command("", "health"); code != 0 || out != well || errs != "" {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if out, _, code := p.command("", "health", "--alive"); code != 0 || out != "alive\n" {
		t.Errorf("exit %d\n%s", code, out)
	}
	mended := p.env
	p.env = append(slices.Clone(p.env), "AFTERCARE_LOG_LEVEL=loud", "AFTERCARE_TEXT_FILE=nowhere.json")
	if out, errs, code := p.command("", "health"); code != 0 || out != well {
		t.Errorf("a mistake in what is not running yet: exit %d\n%s%s", code, out, errs)
	}
	p.env = append(slices.Clone(mended), "AFTERCARE_HTTP_LISTEN=everywhere")
	if _, errs, code := p.command("", "health"); code != 1 || !strings.Contains(errs, "http.listen (from AFTERCARE_HTTP_LISTEN):") {
		t.Errorf("exit %d, %s", code, errs)
	}
	p.env = mended
	base := "http://127.0.0.1:" + port
	status, body := p.get(base + "/metrics")
	if status != 200 || !strings.Contains(body, "\naftercare_gateway_up 1\n") || !strings.Contains(body, "\ngo_goroutines ") {
		t.Errorf("%d\n%s", status, body)
	}
	if status, _ := p.get(base + "/"); status != 404 {
		t.Errorf("/ is %d", status)
	}
	other := newProcess(t)
	other.env = append(other.env, "AFTERCARE_HTTP_LISTEN="+port)
	if said := other.refused(); !strings.Contains(said, "http.listen: 127.0.0.1:"+port+" can't be listened on") {
		t.Error(said)
	}
	p.server.CloseClientConnections()
	p.discord.DropConnections()
	p.server.Listener.Close()
	for { // until it has noticed
		out, errs, code := p.command("", "health")
		if code == 1 && strings.HasPrefix(out, "not ready\ngateway: not connected to Discord") && strings.Contains(out, "database: ok\n") && strings.Contains(errs, "see above") {
			break
		}
		if p.t.Context().Err() != nil || code > 1 {
			t.Fatalf("exit %d\n%s%s", code, out, errs)
		}
	}
	if out, _, code := p.command("", "health", "--alive"); code != 0 {
		t.Errorf("cut off from Discord it is alive all the same: exit %d, %s", code, out)
	}
}

func TestHealthNeedsAnAddress(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	if _, errs, code := p.command("", "health"); code != 1 || !strings.Contains(errs, "http.listen: not set") {
		t.Errorf("exit %d, %s", code, errs)
	}
}

func TestWaysToWriteAListener(t *testing.T) {
	for text, want := range map[string]string{
		`9464`: "127.0.0.1:9464", `"9464"`: "127.0.0.1:9464", `":9464"`: "127.0.0.1:9464", `"0.0.0.0:9464"`: "0.0.0.0:9464",
		`"[::1]:80"`: "[::1]:80", `localhost:80`: "localhost:80", `""`: "",
	} {
		if got := mustLoad(t, "http: {listen: "+text+"}").HTTP.Listen; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"everywhere", "70000", "-1", "0.0.0.0", "localhost:http", "9464.5"} {
		want := `http.listen: "` + text + `" is neither a port nor an address; write a port, as in 9464, or an address, as in 0.0.0.0:9464`
		if _, err := load(t, "http: {listen: '"+text+"'}"); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// notified is a socket as systemd has one.
func notified(t *testing.T) (*net.UnixConn, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, path
}

func told(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1000)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// TestSystemdIsTold lets the real binary run under a socket such as systemd's.
func TestSystemdIsTold(t *testing.T) {
	t.Parallel()
	c, path := notified(t)
	p := newProcess(t)
	p.env = append(p.env, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=300000")
	p.start()
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := told(t, c); got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	}
	p.do(p.cmd.Process.Signal(syscall.SIGTERM))
	for got := ""; got != "STOPPING=1"; {
		if got = told(t, c); got != "STOPPING=1" && got != "WATCHDOG=1" {
			t.Errorf("told %s", got)
		}
	}
	p.do(p.cmd.Wait())
}

// TestTheWatchdogHearsNothingOfAStandstill counts what is told while the loop
// stands still three times and goes round once.
func TestTheWatchdogHearsNothingOfAStandstill(t *testing.T) {
	c, path := notified(t)
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "3000")
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	tellSystemd(ctx, func() error {
		if asked++; asked < 4 {
			return errors.New("it stands still")
		}
		cancel()
		return nil
	}, func(err error) { t.Error(err) })
	got := []string{told(t, c), told(t, c), told(t, c)}
	if strings.Join(got, " ") != "READY=1 WATCHDOG=1 STOPPING=1" {
		t.Errorf("told %v", got)
	}
}
