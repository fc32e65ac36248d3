package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Whoever does something else than the tour says is told so, and can go on.
func pageAstray(t *testing.T, browser context.Context) {
	b := openTab(t, browser, webDemo(t))
	b.shows("#demo", "A demo on this machine: nothing you type leaves it.")
	if got := eval[string](b, `document.querySelector("#clock").ariaLabel ?? ""`); got != "" {
		t.Errorf("whoever hears the clock hears %q instead of the time", got)
	}
	b.click("#tour", "Begin")
	for i := range 10 {
		b.step(i + 1)
		b.click("#tour", "Do it for me")
	}
	b.step(11)
	b.waitFor(`document.querySelector(".here")`)
	if got := eval[[]string](b, `[...document.querySelectorAll(".here")].map((el) => el.innerText)`); !slices.Equal(got, []string{"Share my words"}) {
		t.Errorf("the tour shows the way by %q", got)
	}
	if n := eval[int](b, `document.querySelectorAll("#column-sam .fresh").length`); n > 0 {
		t.Errorf("%d messages are new to Sam, for whom the tour did things", n)
	}
	b.write("#composer-alex", "/care card", kb.Enter)
	b.waitFor(`document.querySelector("dialog[open]")`)
	b.step(11) // another form than the one that it waits for
	b.keys(kb.Escape)
	b.waitFor(`!document.querySelector("dialog")`)
	b.click("#column-sam", "Only me")
	b.shows("#tour .wrong", "This went another way than the tour")
	b.waitFor(`[...document.querySelectorAll("#tour button")].every((el) => !el.checkVisibility() || el.innerText !== "Do it for me")`)
	b.write("#composer-alex", "/care card", kb.Enter)
	b.waitFor(`document.querySelector("dialog[open]")`)
	b.keys("Gone with the rest")
	eval[bool](b, `document.querySelector("#reset").click() ?? true`) // as another window would
	b.waitFor(`!document.querySelector("dialog")`)
	b.step(1)
	b.waitFor(`[...document.querySelectorAll("#tour button")].some((el) => el.checkVisibility() && el.innerText === "Do it for me")`)
	b.waitFor(`document.querySelector("#tour .wrong").hidden && document.querySelector("#composer-server").matches(".here")`)
}

// pageExport saves one's own file, as a browser does.
func pageExport(t *testing.T, tabs context.Context) {
	address, _ := linkedDemo(t)
	b := openTab(t, tabs, address)
	dir := t.TempDir()
	if _, err := chromedp.Call(b.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID, Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir,
	}); err != nil {
		t.Fatal(err)
	}
	b.write("#composer-alex", "/privacy export", kb.Enter)
	b.click("#column-alex", "Download export.json")
	var saved []byte
	for range 500 {
		if saved, _ = os.ReadFile(filepath.Join(dir, "export.json")); len(saved) > 0 {
			break
		}
		eval[bool](b, `new Promise((done) => setTimeout(() => done(true), 20))`)
	}
	if !strings.Contains(string(saved), `"aftercare-export"`) {
		t.Errorf("saved: %q", saved)
	}
	if eval[bool](b, `Boolean(document.querySelector("#column-alex .only .tools"))`) {
		t.Error("something can be done with a message that only one person sees, which no client can")
	}
}

// finger holds that what can be pressed can be met by a finger.
func (b *tab) finger() {
	b.t.Helper()
	for _, small := range eval[[]string](b, `[...document.querySelectorAll("button, summary, textarea")].filter((el) => el.checkVisibility()).filter((el) => el.getBoundingClientRect().height < 32).map((el) => el.innerText || el.ariaLabel)`) {
		b.t.Errorf("too small for a finger: %s", small)
	}
}
