package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestWebPage tries the page in a real Chromium, one part after another.
func TestWebPage(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: short; the page is tried in a browser without the race detector")
	}
	browser := chrome(t)
	for _, part := range []struct {
		name string
		try  func(*testing.T, context.Context)
	}{
		{"the tour, done for somebody", pageTour},
		{"the tour, by keyboard alone", pageKeyboard},
		{"the tour, gone astray", pageAstray},
		{"a file to keep", pageExport},
		{"commands, completed", pageCommands},
		{"words: typed, in reply, edited, deleted", pageWords},
		{"menus, forms and a picture", pageMenus},
		{"two windows", pageTwoWindows},
		{"a restart in the middle", pageRestart},
		{"the demo ends", pageEnds},
		{"the disk", pageDisk},
		{"markup", pageMarks},
		{"three widths, light and dark", pageWidths},
		{"little height", pageLow},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.try(t, browser)
		})
	}
}

const tourSteps = 18

// step waits until the tour has come to a step.
func (b *tab) step(n int) {
	b.t.Helper()
	b.waitFor(fmt.Sprintf(`document.querySelector("#tour .title").innerText.startsWith("%d of %d")`, n, tourSteps))
}

func pageTour(t *testing.T, browser context.Context) {
	b := openTab(t, browser, webDemo(t))
	b.click("#tour", "Begin")
	for i := range tourSteps {
		b.step(i + 1)
		b.waitFor(`[...document.querySelectorAll(".here")].some((el) => el.checkVisibility())`)
		b.click("#tour", "Do it for me")
	}
	b.shows("#tour", "The end.")
	b.hides("#column-sam", "From Alex")
	b.shows("#column-server", "Done. Your answers are deleted.")
	b.named()
	b.picture("tour.png")
	b.click("#tour", "Close")
	b.waitFor(`document.querySelector("#tour").hidden && document.activeElement.id === "tourstart"`)
	b.click("#top", "Guided tour")
	b.shows("#tour", "It begins anew")
	b.click("#tour", "Begin")
	b.step(1)
	b.waitFor(`document.querySelectorAll(".message").length === 0`)
	b.click("#tour", "Skip the tour")
	b.waitFor(`document.querySelector("#tour").hidden`)
}

// tabTo goes to a control as somebody without a mouse does.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	b.waitFor(`document.querySelector(` + quoted(selector) + `)`)
	for range 150 {
		if eval[bool](b, `document.activeElement?.matches(`+quoted(selector)+`) ?? false`) {
			if !eval[bool](b, `document.activeElement.matches(":focus-visible")`) {
				b.t.Errorf("%s: nobody sees that the keyboard is there", selector)
			}
			return
		}
		b.keys(kb.Tab)
	}
	b.t.Fatalf("no way to %s by keyboard", selector)
}

func pageKeyboard(t *testing.T, browser context.Context) {
	b := openTab(t, browser, webDemo(t))
	enter := func(selector string) {
		t.Helper()
		b.tabTo(selector)
		b.keys(kb.Enter)
	}
	enter("#tourdo")
	b.step(1)
	b.tabTo("#composer-server")
	b.keys("/partner inv")
	b.shows("#composer-server-list", "/partner invite")
	b.keys(kb.Enter + kb.Enter)
	b.step(2)
	enter("#column-server .here")
	b.step(3)
	line := eval[string](b, `document.querySelector("#tour code").innerText`)
	b.tabTo("#composer-server")
	b.keys(line + kb.Enter)
	b.step(4)
	enter("#column-server .here")
	b.step(5)
	b.tabTo("#composer-server")
	b.keys("/scene ended" + kb.Enter)
	b.step(6)
	enter("#plus24")
	for n := 7; n <= 11; n++ {
		b.step(n)
		enter("#column-sam .here")
	}
	b.step(12)
	b.tabTo("#composer-alex")
	b.keys("A long, good day." + kb.Enter)
	for n := 13; n <= 15; n++ {
		b.step(n)
		enter("#column-alex .here")
	}
	b.step(16)
	b.waitFor(`document.activeElement.matches("dialog textarea")`)
	b.keys(kb.Escape) // and once more
	b.waitFor(`!document.querySelector("dialog")`)
	enter("#column-alex .here")
	b.waitFor(`document.activeElement.matches("dialog textarea")`)
	b.keys("I'll call at eight.")
	enter("#form-send")
	b.step(17)
	b.waitFor(`!document.querySelector("dialog") && document.activeElement !== document.body`)
	enter("#column-alex .here")
	b.step(18)
	b.tabTo("#composer-server")
	b.keys("/partner leave" + kb.Enter)
	b.shows("#tour", "The end.")
}

func pageCommands(t *testing.T, browser context.Context) {
	b := openTab(t, browser, webDemo(t))
	items := func() []string {
		return eval[[]string](b, `[...document.querySelectorAll("#composer-server-list b")].map((el) => el.innerText)`)
	}
	active := func() string {
		return eval[string](b, `document.getElementById(document.querySelector("#composer-server").getAttribute("aria-activedescendant"))?.querySelector("b").innerText ?? ""`)
	}
	b.write("#composer-server", "/", "")
	if got := items(); len(got) < 15 || !slices.Contains(got, "/care help") || active() != got[0] {
		t.Errorf("all commands: %v, at %s", got, active())
	}
	b.keys("sc")
	if got := items(); !slices.Equal(got, []string{"/scene ended", "/scene undo", "/scene list"}) {
		t.Errorf("of scene: %v", got)
	}
	b.keys(kb.ArrowDown + kb.ArrowUp + kb.Tab)
	if got := items(); len(got) < 5 || got[0] != "partner" || active() != "" {
		t.Errorf("its options: %v, at %s", got, active())
	}
	b.keys("si" + kb.ArrowDown + kb.Enter)
	if got := items(); len(got) != 3 {
		t.Errorf("sizes: %v of %q", got, eval[string](b, `document.querySelector("#composer-server").value + JSON.stringify(document.querySelector("#composer-server-hint").innerText)`))
	}
	b.clickOn(`document.querySelectorAll("#composer-server-list li")[2]`)
	b.keys("par" + kb.ArrowDown + kb.Enter)
	if got := items(); !slices.Equal(got, []string{"@alex", "@sam", "@kit"}) {
		t.Errorf("people: %v", got)
	}
	b.keys("@s" + kb.Tab)
	if got := eval[string](b, `document.querySelector("#composer-server").value`); !strings.HasPrefix(got, "/scene ended size:") || !strings.HasSuffix(got, " partner:@sam ") {
		t.Errorf("the line: %q", got)
	}
	b.keys(kb.Enter)
	b.shows("#column-server", "used /scene ended")
	b.shows("#column-server", "Only you can see this")

	b.write("#composer-server", "/settings zone:Berl", "")
	b.shows("#composer-server-list", "Berlin")
	b.keys(kb.Enter + kb.Enter)
	b.shows("#column-server", "Before you say yes")

	b.write("#composer-server", "/scene flies", kb.Enter)
	b.shows("#column-server .wrong", "no such command")
	b.do(selectAll)
	b.keys("Hello" + kb.Enter)
	b.shows("#column-server .wrong", "only commands")
	b.write("#composer-kit", "/care help", kb.Enter)
	b.shows("#column-kit", "local emergency number")
	b.click("#column-server", "Kit")
	b.waitFor(`document.querySelector("#column-server .log").dataset.empty.startsWith("Kit sees nothing here")`)
	b.keys(kb.ArrowLeft)
	b.waitFor(`document.activeElement.innerText.startsWith("Sam") && document.activeElement.getAttribute("aria-checked") === "true"`)
	b.click("#column-server", "Alex")
	n := eval[int](b, `document.querySelectorAll("#column-server .message").length`)
	b.click("#column-server .item:last-child", "Dismiss message")
	b.waitFor(fmt.Sprintf(`document.querySelectorAll("#column-server .message").length === %d`, n-1))
}

// linkedDemo serves a demo in which alex and sam are linked and were asked.
func linkedDemo(t *testing.T) (address string, c *webClient) {
	t.Helper()
	address = webDemo(t)
	c = webClientAt(t, address)
	c.link("alex", "sam")
	c.act(webAct{Do: "run", Who: "alex", Line: "/scene ended"})
	c.sees("alex", "server", "Noted.")
	c.act(webAct{Do: "pass", By: day})
	c.sees("alex", "dm", "Open")
	c.sees("sam", "dm", "Open")
	return address, c
}

func pageWords(t *testing.T, browser context.Context) {
	address, _ := linkedDemo(t)
	b := openTab(t, browser, address)
	b.write("#composer-alex", "A good day.", kb.Enter)
	b.shows("#column-alex", "Your answer:")
	b.waitFor(`document.querySelector("#composer-alex").value === ""`)
	b.clickOn(`document.querySelector("#column-alex .own .name")`)
	b.click("#column-alex .own", "Edit")
	b.waitFor(`document.activeElement.matches(".editing textarea")`)
	b.keys(" And a long one." + kb.Enter)
	b.shows("#column-alex .own", "(edited)")
	b.shows("#column-alex blockquote", "A good day. And a long one.")
	b.clickOn(`document.querySelector("#column-alex .own .name")`)
	b.click("#column-alex .own", "Edit")
	b.keys("x" + kb.Escape)
	b.waitFor(`document.querySelector("#column-alex .own .text").innerText.startsWith("A good day. And a long one.")`)
	b.click("#column-alex", "Share my words")
	b.shows("#column-alex", "Passed on to Sam.")
	b.waitFor(`document.querySelector("#column-sam h2 + .badge").innerText !== ""`)
	b.click("#column-sam", "Read")
	b.shows("#column-sam blockquote", "And a long one.")
	b.waitFor(`document.querySelector("#column-sam h2 + .badge").hidden`)
	b.clickOn(`document.querySelector("#column-sam .item:last-child .name")`)
	b.click("#column-sam .item:last-child", "Reply")
	b.shows("#column-sam .replying", "Replying to")
	b.keys("So glad." + kb.Enter)
	b.shows("#column-sam .own .reply", "in reply to: From Alex")
	b.click("#column-sam", "For Alex")
	b.shows("#column-alex", "Something was left for you.")
	b.clickOn(`document.querySelector("#column-alex .own .name")`)
	b.click("#column-alex .own", "Delete")
	b.hides("#column-sam", "And a long one.")
	b.hides("#column-alex", "And a long one.")
	b.click("#column-sam", "Send something else")
	b.click("#column-sam .more", "A sticker")
	b.shows("#column-sam .own", "a sticker")
	b.shows("#column-sam", "I can only carry words")
	b.click("#column-kit", "Kit takes DMs")
	b.waitFor(`document.querySelector("#column-kit [role=switch]").getAttribute("aria-checked") === "false"`)
}

func pageMenus(t *testing.T, browser context.Context) {
	address, c := linkedDemo(t)
	b := openTab(t, browser, address)
	b.write("#composer-alex", "/care history", kb.Enter)
	b.click("#column-alex", "Keep my history")
	b.click("#column-alex", "Open")
	b.click("#column-alex", "Good")
	b.shows("#column-alex", "What would help")
	c.act(webAct{Do: "run", Who: "alex", Line: "/care history", InDM: true})
	b.waitFor(`document.querySelector("#column-alex img")?.naturalWidth > 100`)
	b.waitFor(`document.querySelector("#column-alex img").alt.includes("good")`)
	b.clickOn(`[...document.querySelectorAll("#column-alex .menu")].at(-1)`)
	b.waitFor(`document.activeElement.matches("[role=option]")`)
	b.keys(kb.Escape)
	b.waitFor(`document.activeElement.matches(".menu") && document.activeElement.getAttribute("aria-expanded") === "false"`)
	b.keys(kb.Enter + kb.ArrowDown + kb.ArrowDown)
	b.named()
	b.keys(kb.Enter)
	b.shows("#column-alex", "The last year, just for you")

	b.write("#composer-sam", "/care card", kb.Enter)
	b.waitFor(`document.querySelector("dialog[open]")`)
	b.named()
	if n := eval[int](b, `document.querySelectorAll("dialog textarea").length`); n < 2 {
		t.Errorf("%d fields", n)
	}
	b.shows("dialog", "0 of")
	b.keys("Tea, and quiet.")
	b.shows("dialog", "15 of")
	for range 12 { // the keyboard stays in the form
		b.keys(kb.Tab)
		if !eval[bool](b, `document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)`) {
			t.Error("the keyboard left the form")
		}
	}
	b.picture("form.png")
	b.keys(kb.Escape)
	b.waitFor(`!document.querySelector("dialog") && document.activeElement !== document.body`)
}

func pageTwoWindows(t *testing.T, browser context.Context) {
	address, _ := linkedDemo(t)
	one, two := openTab(t, browser, address), openTab(t, browser, address)
	one.write("#composer-sam", "Written in one window.", kb.Enter)
	two.shows("#column-sam .own", "Written in one window.")
	two.click("#column-sam", "Share my words")
	one.shows("#column-alex", "Something was left for you.")
	one.waitFor(`document.querySelector("#column-alex h2 + .badge").innerText === "1"`)
	one.click("#column-alex", "Read")
	two.shows("#column-alex", "Written in one window.")
	two.click("#column-alex", "Send a word back")
	two.waitFor(`document.querySelector("dialog[open]")`)
	one.shows("#column-alex .pending", "A form is open")
	if eval[bool](one, `Boolean(document.querySelector("dialog"))`) {
		t.Error("the form opened in the other window too")
	}
	one.clickOn(`document.querySelector("#column-alex .pending")`)
	one.waitFor(`document.querySelector("dialog[open]")`)
	one.keys("From the first.")
	one.clickOn(`document.querySelector("#form-send")`)
	two.waitFor(`!document.querySelector("dialog")`)
	two.shows("#column-alex", "Passed on.")
	two.click("#top", "Begin anew")
	one.waitFor(`document.querySelectorAll(".message").length === 0`)
}

func pageRestart(t *testing.T, browser context.Context) {
	address, _ := linkedDemo(t)
	b := openTab(t, browser, address)
	b.clickOn(`document.querySelector("#power")`)
	b.shows("#power", "The bot is offline")
	// Heard as "The bot, switch, off": a name that turned with it would say "is offline, off".
	if got := eval[string](b, `((el) => el.ariaLabel + " " + el.getAttribute("aria-checked"))(document.querySelector("#power"))`); got != "The bot false" {
		t.Errorf("heard as %q", got)
	}
	b.waitFor(`document.querySelector("#power").getAttribute("aria-busy") !== "true"`)
	b.write("#composer-kit", "/care help", kb.Enter)
	b.shows("#column-kit .failed", "The application did not respond")
	b.write("#composer-alex", "Typed while it was away.", kb.Enter)
	b.click("#column-sam", "Open")
	b.shows("#column-sam .failed", "The application did not respond")
	b.do(chromedp.Reload())
	b.waitFor(`document.body.dataset.ready === "true"`)
	b.shows("#column-alex .own", "Typed while it was away.")
	b.click("#top", "+24 h")
	b.waitFor(`document.querySelector("#plus24").getAttribute("aria-busy") !== "true"`)
	b.clickOn(`document.querySelector("#power")`)
	b.shows("#power", "The bot is online")
	b.shows("#column-alex", "> Typed while it was away."[2:])
	b.shows("#column-alex", "Your answer:")
	b.shows("#column-sam", "It's the last one for this time.")
	b.click("#column-sam .item:last-child", "Open")
	b.shows("#column-sam", "How are you feeling right now?")
}

func pageEnds(t *testing.T, browser context.Context) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, stop := webDemoOn(t, l)
	b := openTab(t, browser, address)
	b.write("#composer-kit", "/care help", kb.Enter)
	b.shows("#column-kit", "local emergency number")
	b.trouble(true) // requests fail, as they have to
	stop()
	b.shows("#lost", "The demo has ended")
	l, err = net.Listen("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	again, _ := webDemoOn(t, l)
	b.shows("#lost", "Another demo runs at this address now")
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(again))
	b.waitFor(`document.body.dataset.ready === "true" && document.querySelector("#lost").hidden`)
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(strings.Split(again, "#")[0]))
	b.shows("#lost", "The key is missing")
}

func pageDisk(t *testing.T, browser context.Context) {
	address, _ := linkedDemo(t)
	b := openTab(t, browser, address)
	b.write("#composer-alex", "Nobody else reads this sentence.", kb.Enter)
	b.shows("#column-alex", "Your answer:")
	b.click("#top", "What is on the disk")
	b.shows("#disk .scheduled", "in 24 hours · checkin")
	b.shows(`#disk details[data-table=words]`, "1 row")
	b.waitFor(`/^([0-9a-f]{2} ){8}… \d+ B$/.test(document.querySelector("#disk details[data-table=words] .sealed:last-child")?.innerText.trim() ?? [...document.querySelectorAll("#disk details[data-table=words] .sealed")].at(-1).innerText.trim())`)
	b.hides("#disk .tables", "Nobody else")
	b.write("#search", "Nobody else reads", kb.Enter)
	b.shows("#disk", "It stands nowhere in clear.")
	b.clickOn(`document.querySelector("#search")`)
	b.do(selectAll)
	b.keys("checkin" + kb.Enter)
	b.shows("#disk", "It stands there in clear")
	b.named()
	b.picture("disk.png")
	b.click("#column-alex", "Share my words")
	b.shows(`#disk details[data-table=shares] summary`, "1 row")
	b.click("#top", "What is on the disk")
	b.waitFor(`document.querySelector("#disk").hidden`)
}

func pageMarks(t *testing.T, browser context.Context) {
	b := openTab(t, browser, webDemo(t))
	b.write("#composer-kit", `<img src=x onerror=alert(1)> **b *i* b** __u__ ~~s~~ ||h|| `+"`c **d**`"+` <t:86400:D> \*n\* _a_b [x](javascript:alert(1)) [y](https://example.com/a) https://example.com/b. <@200000000000000002> 2*3*4`, kb.Enter)
	b.waitFor(`document.querySelector("#column-kit .own .text")`)
	got := eval[string](b, `(() => { const walk = (n) => n.nodeType === 3 ? n.data : "<" + n.tagName.toLowerCase() + ">" + [...n.childNodes].map(walk).join("") + "</>"; return walk(document.querySelector("#column-kit .own .text p")); })()`)
	want := `<p><img src=x onerror=alert(1)> <strong>b <em>i</> b</> <u>u</> <s>s</> <button>h</> <code>c **d**</> <time>2 January 1970</> *n* _a_b [x](javascript:alert(1)) <a>y</> <a>https://example.com/b</>. <span>@Sam</> 2<em>3</>4</>`
	if got != want {
		t.Errorf("drawn as\n%s\nwant\n%s", got, want)
	}
	if links := eval[[]string](b, `[...document.querySelectorAll("#column-kit a")].map((a) => a.href + " " + a.rel)`); !slices.Equal(links, []string{"https://example.com/a noreferrer noopener", "https://example.com/b noreferrer noopener"}) {
		t.Errorf("links: %q", links)
	}
	b.click("#column-kit", "Hidden words, show them")
	b.shows("#column-kit .spoken", "h")
	b.write("#composer-kit", "||"+strings.Repeat(`\*`, 50), kb.Enter)
	b.shows("#column-kit .own .text", "||"+strings.Repeat("*", 50)) // and not in a thousand years
}
