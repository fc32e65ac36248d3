package main

import (
	"testing"
)

func TestWebPage(t *testing.T) {
	browser := chrome(t)
	t.Run("tour", func(t *testing.T) {
		b := openTab(t, browser, webDemo(t))
		b.click("#tour", "Begin")
		for range 40 {
			if eval[bool](b, `document.querySelector("#tour").innerText.includes("The end.")`) {
				break
			}
			was := eval[string](b, `document.querySelector("#tour").innerText`)
			b.click("#tour", "Do it for me")
			b.waitFor(`document.querySelector("#tour").innerText !== ` + quoted(was))
			t.Log(was)
		}
		b.shows("#tour", "The end.")
		b.picture("tour.png")
	})
}
