package bot

import (
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/bot/text"
)

// panicking makes the clock of the store panic so many times, with somebody's words.
func (h *house) panicking(times int, words string) {
	now := h.store.Now
	h.store.Now = func() time.Time {
		if times > 0 && strings.Contains(string(debug.Stack()), "(*lines).guard") {
			times--
			panic("somebody wrote: " + words)
		}
		return now()
	}
}

// What somebody types while the house panics is heard a little later, and what they
// wrote into a form comes back to them. One that panics each time is given up, and
// holds up nothing of what comes after it.
func TestWordsOutliveAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		alex, sam := h.discord.Person("alex"), h.discord.Person("sam")
		h.link(alex, sam)
		h.panicking(3, "Quiet words")
		h.types(alex, "Quiet words, and the sea.")
		time.Sleep(time.Minute)
		synctest.Wait()
		h.deliver()
		h.sees(alex, "Quiet words, and the sea.", true)

		h.panicking(1, "Quiet words")
		got := h.submit(alex, customID("care/write", "1", "x"), "Quiet words, and the hills.")
		if !says(got.content, text.ErrInside) || !strings.Contains(got.content, "and the hills.") {
			t.Errorf("a form: %s", got.raw)
		}

		h.panicking(1+1+mostPanics, "Quiet words") // as often as it is tried, and once before that
		h.types(alex, "One that panics.")
		time.Sleep(time.Hour)
		synctest.Wait()
		h.types(alex, "One more.")
		h.deliver()
		h.sees(alex, "One more.", true)
		h.sees(alex, "One that panics.", false)
		if log := h.log.text(); strings.Contains(log, "somebody wrote") || strings.Contains(log, "Quiet") || !strings.Contains(log, "panicked") {
			t.Errorf("the log: %s", log)
		}
	})
}

func (h *house) sees(p *discordtest.Person, words string, want bool) {
	h.t.Helper()
	for _, m := range p.Sees() {
		if strings.Contains(m.Content, words) {
			if !want {
				h.t.Errorf("%s sees %q", p.Name(), words)
			}
			return
		}
	}
	if want {
		h.t.Errorf("%s does not see %q", p.Name(), words)
	}
}
