package main

import (
	"fmt"
	"strings"
	"time"
)

func (p *page) opening() {
	p.put(0, p.dress("Aftercare: two days in a minute", strong))
	p.paragraph("Alex and Sam are made up. The rest is real: the bot, its clock and its database run inside this program, " +
		"with a small Discord of their own. No account, no network.")
}

func (p *page) closing(d *disk) {
	p.pause = func(time.Duration) {} // it stays on the screen
	p.rule("the end")
	p.paragraph("That was the bot itself, just as you would run it. While you were reading, its database lay in a folder of its own:")
	p.gap()
	p.put(2, p.dress(d.dir, faint))
	p.paragraph("What Alex and Sam wrote stands nowhere in it in clear: this demo has looked. The newest of their words lay there as")
	p.hexdump(d.sealed)
	p.paragraph("The folder and its key are gone again. Nothing is left behind.")
	p.gap()
	for _, next := range [][2]string{
		{"demo --web", "lets you touch it, in your browser"},
		{"go test ./...", "plays this and many more conversations"},
		{"README.md", "says how to run it for the two of you"},
	} {
		p.put(2, p.dress(fmt.Sprintf("%-15s", next[0]), strong)+next[1])
	}
}

// hexdump shows the beginning of something sealed.
func (p *page) hexdump(b []byte) {
	const row, rows = 16, 2
	p.gap()
	for i := 0; i < rows && i*row < len(b); i++ {
		part := fmt.Sprintf("% x", b[i*row:min((i+1)*row, len(b))])
		p.put(2, p.dress(strings.ReplaceAll(part, " ", glue), faint))
	}
}
