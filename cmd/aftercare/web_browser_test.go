package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// chromium returns where a Chromium is, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	name := os.Getenv("AFTERCARE_CHROMIUM")
	if name == "" {
		name = "chromium"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("AFTERCARE_CHROMIUM") != "" {
			t.Fatalf("AFTERCARE_CHROMIUM=%s: %v", name, err)
		}
		t.Skip("left out: the page is tried in a real Chromium, and there is none here; install one, or name it in AFTERCARE_CHROMIUM")
	}
	return path
}

// chrome is one headless Chromium, with a profile of its own that goes with it.
func chrome(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1440, 900))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's own does not work for root
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// webDemo serves a demo for the test, and returns its address.
func webDemo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, _ := webDemoOn(t, l)
	return address
}

// webDemoOn is webDemo on a listener; stop ends it and may be called once more.
func webDemoOn(t *testing.T, l net.Listener) (address string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- serveWeb(ctx, l, func(a string) { ready <- a }) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the demo ended with: %v", err)
		}
	})
	t.Cleanup(stop)
	select {
	case address = <-ready:
	case err := <-done:
		done <- nil
		t.Fatal(err)
	}
	return address, stop
}

// tab is a window of the browser with the page in it.
type tab struct {
	t      *testing.T
	ctx    context.Context
	mu     sync.Mutex
	errors []string // of the console, and requests that failed
	deaf   bool     // from now on they have to fail
}

const tabPatience = 20 * time.Second

// openTab opens the page. What goes wrong in it fails the test at its end.
func openTab(t *testing.T, browser context.Context, address string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, e := range b.trouble(true) {
			t.Errorf("in the browser: %s", e)
		}
	})
	b.do(chromedp.Navigate(address))
	b.waitFor(`document.body.dataset.ready === "true"`)
	return b
}

// hear keeps what a visitor's console would show in red.
func (b *tab) hear(ev any) {
	var text string
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		text = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning {
			return
		}
		text = fmt.Sprintf("console: %v", e.Args)
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError && e.Entry.Level != log.EntryLevelWarning {
			return
		}
		text = "log: " + e.Entry.Text + " " + e.Entry.URL
	case *network.EventLoadingFailed:
		if e.Canceled {
			return
		}
		text = "request failed: " + e.ErrorText
	case *network.EventResponseReceived:
		if e.Response.Status < 400 {
			return
		}
		text = fmt.Sprintf("%d of %s", e.Response.Status, e.Response.URL)
	case *network.EventRequestWillBeSent:
		if strings.HasPrefix(e.Request.URL, "http://127.0.0.1:") || strings.HasPrefix(e.Request.URL, "blob:") {
			return
		}
		text = "a request to " + e.Request.URL
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.deaf {
		b.errors = append(b.errors, text)
	}
}

// trouble takes what went wrong so far. From now on it may have to.
func (b *tab) trouble(more bool) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.errors
	b.errors, b.deaf = nil, more
	return all
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, tabPatience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// eval returns what an expression comes to in the page.
func eval[T any](b *tab, js string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, tabPatience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// waitFor waits until an expression is true in the page.
func (b *tab) waitFor(js string) {
	b.t.Helper()
	if !eval[bool](b, `new Promise((done) => {
		const end = Date.now() + 15000;
		const look = () => {
			let is = false;
			try { is = Boolean(`+js+`); } catch (e) { is = false; }
			if (is) done(true); else if (Date.now() > end) done(false); else setTimeout(look, 15);
		};
		look();
	})`) {
		b.t.Fatalf("in vain: %s\n%s", js, eval[string](b, `document.body.innerText`))
	}
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string
	}
	return string(b)
}

// shows waits until a part of the page shows a text.
func (b *tab) shows(selector, text string) {
	b.t.Helper()
	b.waitFor(`[...document.querySelectorAll(` + quoted(selector) + `)].some((el) => el.innerText.includes(` + quoted(text) + `))`)
}

// hides waits until a part of the page shows a text no longer.
func (b *tab) hides(selector, text string) {
	b.t.Helper()
	b.waitFor(`![...document.querySelectorAll(` + quoted(selector) + `)].some((el) => el.innerText.includes(` + quoted(text) + `))`)
}

// labelled is the newest control within a part of the page that can be seen and
// says this.
func labelled(within, label string) string {
	return `[...document.querySelectorAll(` + quoted(within) + `)].flatMap((el) => [...el.querySelectorAll("button, summary, a")])` +
		`.filter((el) => el.checkVisibility() && !el.disabled && (el.getAttribute("aria-label") === ` + quoted(label) + ` || el.innerText.trim() === ` + quoted(label) + `)).at(-1)`
}

// click clicks with a real mouse in the middle of a control.
func (b *tab) click(within, label string) {
	b.t.Helper()
	b.waitFor(labelled(within, label) + ` && ` + labelled(within, label) + `.getAttribute("aria-busy") !== "true"`)
	b.clickOn(labelled(within, label))
}

func (b *tab) clickOn(js string) {
	b.t.Helper()
	at := eval[[]float64](b, `(() => { const el = `+js+`; el.scrollIntoView({block: "nearest"}); const r = el.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`)
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}

// write types into a field, key by key, and presses keys after it.
func (b *tab) write(selector, text, keys string) {
	b.t.Helper()
	b.waitFor(`document.querySelector(` + quoted(selector) + `)`)
	b.clickOn(`document.querySelector(` + quoted(selector) + `)`)
	b.keys(text + keys)
}

// keys presses keys as a keyboard does. Chromium itself makes the character out of
// the key, so that a page can keep it from coming.
func (b *tab) keys(keys string) {
	b.t.Helper()
	for _, r := range keys {
		events := kb.Encode(r)
		down, up := *events[0], *events[len(events)-1]
		if len(events) == 3 {
			down.Text, down.UnmodifiedText = events[1].Text, events[1].UnmodifiedText
		}
		for _, e := range []input.DispatchKeyEventParams{down, up} {
			if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, e); err != nil {
				b.t.Fatal(err)
			}
		}
	}
}

var selectAll = chromedp.KeyEvent("a", chromedp.KeyModifiers(kb.ModifierCtrl))

// picture takes a screenshot into the folder AFTERCARE_SCREENSHOTS, if there is
// one: to be looked at, not to be kept.
func (b *tab) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("AFTERCARE_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), png, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
