package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// named holds that whoever hears the page instead of seeing it is told what each
// thing is that they can do.
func (b *tab) named() {
	b.t.Helper()
	tree, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	n := 0
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		role := strings.Trim(string(node.Role.Value), `"`)
		if !slices.Contains(strings.Fields("button link textbox combobox checkbox radio switch tab option listbox dialog log region img image switch searchbox menuitem tablist radiogroup DisclosureTriangle complementary"), role) {
			continue
		}
		n++
		if node.Name == nil || strings.Trim(string(node.Name.Value), `" `) == "" {
			html, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.title`))
			b.t.Errorf("a %s has no name (%s, node %d)", role, html, node.BackendDOMNodeID)
		}
	}
	if n < 8 {
		b.t.Errorf("only %d things have a role", n)
	}
	if twice := eval[[]string](b, `(() => { const ids = [...document.querySelectorAll("[id]")].map((el) => el.id); return ids.filter((id, i) => ids.indexOf(id) !== i); })()`); len(twice) > 0 {
		b.t.Errorf("ids are there twice: %v", twice)
	}
}

// readable holds that words stand out from what is behind them: by 4.5 to 1, as
// WCAG 2.2 asks for text (1.4.3).
func (b *tab) readable() {
	b.t.Helper()
	const js = `(() => {
		const parse = (s) => {
			const n = s.match(/[\d.]+/g).map(Number);
			return s.startsWith("color(") ? [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1];
		};
		const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
		const behind = (el) => {
			const bg = parse(getComputedStyle(el).backgroundColor);
			if (bg[3] === 1 || !el.parentElement) return bg[3] ? bg : [255, 255, 255, 1];
			return over(bg, behind(el.parentElement));
		};
		const light = (c) => {
			const [r, g, b] = c.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
			return 0.2126 * r + 0.7152 * g + 0.0722 * b;
		};
		const all = [];
		for (const el of document.querySelectorAll("body *")) {
			const text = [...el.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join("").trim();
			if (!text || !el.checkVisibility() || el.closest("[aria-hidden=true], :disabled, .unseen, .spoiler")) continue;
			const bg = behind(el);
			const a = light(over(parse(getComputedStyle(el).color), bg)), c = light(bg);
			const ratio = (Math.max(a, c) + 0.05) / (Math.min(a, c) + 0.05);
			if (ratio < 4.5) all.push(ratio.toFixed(1) + " to 1: " + el.tagName + "." + el.className + " " + text.slice(0, 30));
		}
		return [...new Set(all)];
	})()`
	for _, e := range eval[[]string](b, js) {
		b.t.Errorf("hard to read, %s", e)
	}
}

func pageWidths(t *testing.T, browser context.Context) {
	address, c := linkedDemo(t)
	c.act(webAct{Do: "type", Who: "alex", Words: "A very long word that has to be broken somewhere: " + strings.Repeat("Donaudampfschifffahrt", 8)})
	c.press("alex", "dm", "Share my words")
	c.press("sam", "dm", "Read")
	c.press("sam", "dm", "Open")
	b := openTab(t, browser, address)
	for _, size := range [][2]int64{{390, 844}, {834, 1112}, {1440, 900}} {
		for _, scheme := range []string{"light", "dark"} {
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
			if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
				t.Fatal(err)
			}
			b.do(chromedp.EmulateViewport(size[0], size[1]))
			b.waitFor(fmt.Sprintf(`innerWidth === %d`, size[0]))
			b.named()
			b.readable()
			if wide := eval[[]string](b, `[...document.querySelectorAll("body, header, .log, .message, .composer, #disk, #tour")].filter((el) => el.checkVisibility() && el.scrollWidth > el.clientWidth + 1).map((el) => el.tagName + "." + el.className + "#" + el.id)`); len(wide) > 0 {
				t.Errorf("%d wide: these run over their edges: %v", size[0], wide)
			}
			if size[0] < 760 {
				b.finger()
				b.click("#tabs", "Sam")
				b.waitFor(`document.querySelector("#column-sam").checkVisibility() && !document.querySelector("#column-alex").checkVisibility()`)
				b.click("#tabs", "Disk")
				b.waitFor(`document.querySelector("#disk table").checkVisibility()`)
				b.readable()
				b.picture(fmt.Sprintf("%d-%s-disk.png", size[0], scheme))
				b.click("#tabs", "Sam")
			}
			b.picture(fmt.Sprintf("%d-%s.png", size[0], scheme))
		}
	}
	ms := eval[float64](b, `(() => { const n = performance.getEntriesByType("navigation")[0]; return n.loadEventEnd - n.startTime; })()`)
	t.Logf("the page was loaded in %.0f ms", ms)
	if ms > 5000 {
		t.Errorf("the page took %.0f ms to load", ms)
	}
}

// Where there is little height, as beside a tour and the disk, the line that is typed
// stays in view, and something of what completes it.
func pageLow(t *testing.T, browser context.Context) {
	b := openTab(t, browser, webDemo(t))
	b.click("#tour", "Begin")
	b.step(1)
	b.click("#top", "What is on the disk")
	for _, size := range [][2]int64{{1280, 600}, {844, 390}, {390, 520}} {
		b.do(chromedp.EmulateViewport(size[0], size[1]))
		b.waitFor(fmt.Sprintf(`innerWidth === %d`, size[0]))
		b.write("#composer-server", "/", "")
		b.waitFor(`document.querySelector("#composer-server-list").checkVisibility()`)
		b.picture(fmt.Sprintf("low-%d.png", size[0]))
		if seen := eval[string](b, `(() => {
			const [line, list, column] = ["#composer-server", "#composer-server-list", "#column-server"].map((s) => document.querySelector(s).getBoundingClientRect());
			return line.bottom <= Math.min(column.bottom, innerHeight) + 1 && list.bottom <= line.top && list.top >= column.top && list.height >= 24 ? "" : JSON.stringify({line, list, column});
		})()`); seen != "" {
			t.Errorf("%d by %d: out of view: %s", size[0], size[1], seen)
		}
		b.keys(kb.Escape + kb.Backspace)
	}
}

// TestWebScreenshot makes the picture in the README:
//
//	AFTERCARE_SCREENSHOT=docs/demo.png go test ./cmd/aftercare -run TestWebScreenshot
func TestWebScreenshot(t *testing.T) {
	path := os.Getenv("AFTERCARE_SCREENSHOT")
	if path == "" {
		t.Skip("for the README: AFTERCARE_SCREENSHOT names the file to write, from cmd/aftercare")
	}
	address, c := linkedDemo(t)
	c.press("sam", "dm", "Open")
	c.press("sam", "dm", "Low")
	c.press("sam", "dm", "A call")
	c.sees("sam", "dm", "Would you like to put it in words")
	c.act(webAct{Do: "type", Who: "sam", Words: "Tired, and a little far away. I'd love to hear your voice."})
	c.press("sam", "dm", "Share my words")
	c.press("alex", "dm", "Read")
	b := openTab(t, chrome(t), address)
	b.do(chromedp.EmulateViewport(1400, 860))
	b.click("#top", "What is on the disk")
	b.shows("#disk", "1 row")
	b.do(chromedp.Blur(chromedp.CSS("#diskopen")))
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(path, png, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(png) > 300_000 {
		t.Errorf("%d bytes are too many for a README", len(png))
	}
}
