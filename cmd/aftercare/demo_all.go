package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"aftercare/bot"
	"aftercare/bot/discordtest"
)

// allMessages writes every message that the bot can send on one page, as Discord
// lays it out. testdata/all_messages.txt is that page, so that a change of tone
// shows in a diff.
func allMessages(out io.Writer) error {
	now := time.Date(2026, time.March, 10, 20, 0, 0, 0, time.UTC)
	cfg := defaultConfig()
	d := discordtest.New(discordtest.Options{Now: func() time.Time { return now }})
	w := bufio.NewWriter(out)
	fmt.Fprintln(w, "Every message, as Discord lays it out. What stands in brackets is a button or a menu.")
	part := ""
	for _, s := range bot.Specimens(now, bot.Options{
		Operator: "Robin", Marks: cfg.Checkins.Marks,
		HelpLines: []bot.HelpLine{{Name: "A line of the operator's", Contact: "its number", Checked: now.AddDate(0, -1, 0)}},
	}) {
		if s.Part != part {
			part = s.Part
			fmt.Fprintf(w, "\n\n== %s ==\n", part)
		}
		drawn, err := d.Draw(s.JSON)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", s.Part, s.What, err)
		}
		fmt.Fprintf(w, "\n%s:\n", s.What)
		for line := range strings.Lines(drawn) {
			fmt.Fprintf(w, "%s%s\n", indent, strings.TrimRight(line, "\n"))
		}
	}
	return w.Flush()
}
