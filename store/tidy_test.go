package store_test

import (
	"slices"
	"testing"
	"time"

	"aftercare/store"
)

// stands lists what stands in somebody's DM, by what was posted and deleted there.
func (w *world) stands(who store.Who) (out []store.Kind) {
	w.Helper()
	kinds := map[string]store.Kind{}
	var order []string
	for _, m := range w.inbox {
		if m.Channel.IsZero() && m.To != who.ID || !m.Channel.IsZero() && m.Channel.Reveal() != "dm-"+who.ID.Reveal() {
			continue
		}
		if m.Want == store.Delete {
			delete(kinds, m.Content.Message.Reveal())
			continue
		}
		if !m.Content.Message.IsZero() && m.Want == store.Post {
			delete(kinds, m.Content.Message.Reveal()) // it takes its place
		}
		if _, has := kinds[m.Message]; !has {
			order = append(order, m.Message)
		}
		kinds[m.Message] = m.Kind
	}
	for _, id := range order {
		if kind, has := kinds[id]; has {
			out = append(out, kind)
			delete(kinds, id)
		}
	}
	return out
}

func (w *world) standing(who store.Who, want ...store.Kind) {
	w.Helper()
	have := w.stands(who)
	if len(have) != len(want) {
		w.Errorf("%v stands there, want %v", have, want)
		return
	}
	for i := range want {
		if have[i] != want[i] {
			w.Errorf("%v stands there, want %v", have, want)
			return
		}
	}
}

func (w *world) tidy(who store.Who, how store.Tidy) {
	w.Helper()
	w.set(who, func(s *store.Settings) { s.Tidy = how })
}

// passes lets time pass as the program does.
func (w *world) passes(d time.Duration) {
	w.Helper()
	w.clock.Advance(d)
	w.sweep()
	w.deliver()
}

// The bot's messages go a week after they came, to the millisecond, and what is
// forgotten before that goes no sooner.
func TestTidyAfterAWeek(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "good", "x", pact, store.ShareWords)
	w.clock.Advance(time.Hour)
	w.deliver()
	w.ok(second(w.Read(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
	w.standing(alex, store.KindHello, store.KindLinked, store.KindCheckIn, store.KindRelay)
	w.passes(23 * time.Hour) // the second one comes
	w.passes(5*24*time.Hour - time.Millisecond)
	w.standing(alex, store.KindHello, store.KindLinked, store.KindCheckIn, store.KindRelay, store.KindCheckIn)
	w.passes(time.Millisecond)
	w.standing(alex, store.KindCheckIn, store.KindRelay, store.KindCheckIn)
	w.passes(24 * time.Hour) // the answer is forgotten, and its relay has an hour left
	w.rows(0, "answers WHERE state = 'shared'")
	w.standing(alex, store.KindCheckIn, store.KindRelay, store.KindCheckIn)
	w.passes(time.Hour)
	w.standing(alex, store.KindCheckIn, store.KindCheckIn) // which wait, and go with their scene
	w.passes(24*time.Hour + time.Hour)
	w.standing(alex)
	w.standing(sam)
	w.passes(7 * 24 * time.Hour)
	w.rows(0, "deliveries")
}

// After a day, if somebody wants that. What they have not read stays.
func TestTidyAfterADay(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.tidy(alex, store.TidyDay)
	w.passes(0)
	w.standing(alex, store.KindCheckIn) // the rest has stood for a day
	w.answer(sam, "good", "x", pact, store.ShareWords)
	w.deliver()
	w.passes(24 * time.Hour)
	w.standing(alex, store.KindCheckIn, store.KindRelay, store.KindCheckIn)
	w.ok(second(w.Read(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
	relay := w.at(alex, store.KindRelay)
	w.passes(0)
	w.standing(alex, store.KindCheckIn, store.KindCheckIn)
	w.is(second(w.Read(w.ctx, alex.ID, relay)), store.ErrGone)
	w.standing(sam, store.KindLinked, store.KindNotice, store.KindCheckIn, store.KindCheckIn)
}

// They stay until they are cleared away, if somebody wants that, and go when they
// change their mind.
func TestTidyNever(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world){
		"cleared": func(w *world) {
			c, err := w.Clear(w.ctx, sam.ID)
			w.ok(err)
			if c.Gone != 4 || c.Stays != 0 {
				w.Errorf("%+v", c)
			}
			w.deliver()
		},
		"changed": func(w *world) { w.tidy(sam, store.TidyWeek); w.passes(0) },
		"erased":  func(w *world) { w.erase(sam); w.deliver() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := asked(t)
			w.tidy(sam, store.TidyNever)
			w.pass(24 * time.Hour)
			for range 5 {
				w.passes(10 * 24 * time.Hour)
			}
			w.standing(alex)
			w.standing(sam, store.KindLinked, store.KindNotice, store.KindCheckIn, store.KindCheckIn)
			w.rows(0, "scenes")
			end(w)
			w.standing(sam)
		})
	}
}

// A relay that was tidied away is not posted again because its writer does something
// that changes nothing of it.
func TestTidiedRelayDoesNotComeAgain(t *testing.T) {
	t.Parallel()
	for _, mode := range []store.Mode{store.AtOnce, store.Together} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			withSam, withKit := w.link(alex, sam), w.link(alex, kit)
			if mode == store.Together {
				w.ok(w.SetMode(w.ctx, alex.ID, withSam, mode))
			}
			w.tidy(sam, store.TidyDay)
			w.end(alex, sam, kit)
			w.pass(24 * time.Hour)
			at := w.at(alex, store.KindCheckIn)
			w.step(w.Open(w.ctx, alex.ID, at))
			w.step(w.Feel(w.ctx, alex.ID, at, "good"))
			w.step(w.Write(w.ctx, alex.ID, at, store.Secret("x")))
			w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords))
			w.pass(12 * time.Hour)
			w.ok(second(w.Read(w.ctx, sam.ID, w.at(sam, store.KindRelay))))
			w.passes(24 * time.Hour)
			w.rows(0, "deliveries WHERE kind = 'relay' AND message IS NOT NULL")

			w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareWords))
			sent := w.deliver()
			w.got(sent, kit, store.KindRelay, 1)
			w.got(sent, sam, store.KindRelay, 0)
			w.step(w.Write(w.ctx, alex.ID, at, store.Secret("y")))
			w.got(w.deliver(), sam, store.KindRelay, 0)

			// Taken back and shared once more, it comes.
			w.step(w.TakeBack(w.ctx, alex.ID, at))
			w.deliver()
			w.step(w.Go(w.ctx, alex.ID, at, store.StepShare))
			w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords))
			sent = append(w.deliver(), w.pass(12*time.Hour)...)
			w.got(sent, sam, store.KindRelay, 1)
		})
	}
}

// Clearing takes out what stands there and leaves what waits. What was begun is
// closed, and is where it was when it is opened.
func TestClear(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "good", "x", pact, store.ShareWords)
	w.deliver()
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Open(w.ctx, alex.ID, at))
	w.step(w.Feel(w.ctx, alex.ID, at, "low"))
	clear := func(who store.Who, want store.Cleared) {
		t.Helper()
		c, err := w.Clear(w.ctx, who.ID)
		w.ok(err)
		if c != want {
			t.Errorf("%+v, want %+v", c, want)
		}
		w.deliver()
	}
	clear(alex, store.Cleared{Gone: 2, Stays: 2})
	w.standing(alex, store.KindCheckIn, store.KindRelay)
	if v := w.step(w.CheckIn(w.ctx, alex.ID, at)); v.Step != store.StepPrompt || v.Answer.Feeling != "low" {
		t.Errorf("%+v", v)
	}
	w.ok(second(w.Read(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
	clear(alex, store.Cleared{Gone: 1, Stays: 1})
	if v := w.step(w.Open(w.ctx, alex.ID, at)); v.Step != store.StepFeeling || v.Answer.Feeling != "low" {
		t.Errorf("%+v", v)
	}
	clear(alex, store.Cleared{Stays: 1})
	w.step(w.Skip(w.ctx, alex.ID, at))
	clear(alex, store.Cleared{Gone: 1})
	clear(alex, store.Cleared{})
	w.standing(alex)

	// Words that were passed on to nobody go with the question about them.
	w.hear(alex, "800000000000000001", "for nobody", "")
	w.deliver()
	w.standing(alex, store.KindOffer)
	clear(alex, store.Cleared{Gone: 1})
	w.rows(0, "words WHERE source IS NOT NULL")
	w.is(second(w.Clear(w.ctx, robin.ID)), store.ErrNotAgreed)

	// What is on its way is not lost, nor sent twice.
	w.pass(24 * time.Hour)
	w.standing(alex, store.KindCheckIn)
	clear(alex, store.Cleared{Stays: 1})
}

// Leaving takes what was given to one partner, and no more of it.
func TestLeaveTakesAnswersKindWordsAndMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withSam, withKit := w.link(alex, sam), w.link(alex, kit)
	w.deliver()
	w.leave(alex, withSam, "given to sam")
	w.leave(alex, withKit, "given to kit")
	w.end(alex, sam, kit)
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	w.leave(alex, withSam, "for later")
	w.leave(sam, withSam, "for alex, later")
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Open(w.ctx, alex.ID, at))
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("to both")))
	w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords))
	w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareWords))
	w.hear(alex, "800000000000000001", "on its own", "")
	w.deliver()
	w.ok(second(w.PassOn(w.ctx, alex.ID, w.at(alex, store.KindOffer), withSam)))
	w.deliver()
	for _, m := range w.inbox {
		if m.To == sam.ID && m.Kind == store.KindRelay {
			w.ok(second(w.Read(w.ctx, sam.ID, m.As.ID)))
		}
	}
	relays := func(who store.Who) (n int) {
		for _, kind := range w.stands(who) {
			if kind == store.KindRelay {
				n++
			}
		}
		return n
	}
	if relays(sam) != 3 || relays(kit) != 2 {
		t.Fatalf("sam has %v, kit has %v", w.stands(sam), w.stands(kit))
	}
	w.ok(w.Leave(w.ctx, alex.ID, withSam))
	w.deliver()
	if relays(sam) != 0 || relays(kit) != 2 {
		t.Errorf("sam has %v, kit has %v", w.stands(sam), w.stands(kit))
	}
	w.rows(1, "gifts WHERE writer = (SELECT MIN(id) FROM persons)") // alex's, to kit
	w.rows(1, "gifts WHERE undone = 1")                             // sam's to alex, on sam's list
	w.rows(2, "words")                                              // what kit was given
	w.sweep()
	w.passes(2 * time.Hour)
	w.rows(2, "answers WHERE state <> 'gone'")
	w.rows(0, "answers WHERE state = 'gone'")
}

// What a message shows stays its writer's: when they leave its reader, or erase
// everything, it goes, although their answer was forgotten long before.
func TestTidyNeverKeepsNobodysWords(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(w *world, pact int64) (gone bool){
		"the writer left": func(w *world, pact int64) bool {
			w.ok(w.Leave(w.ctx, sam.ID, pact))
			return true
		},
		"the writer erased": func(w *world, _ int64) bool {
			w.erase(sam)
			return true
		},
		"the reader left": func(w *world, pact int64) bool {
			w.ok(w.Leave(w.ctx, alex.ID, pact))
			return false
		},
		"the reader left, and they then": func(w *world, pact int64) bool {
			w.ok(w.Leave(w.ctx, alex.ID, pact))
			w.ok(w.Leave(w.ctx, sam.ID, pact))
			return true
		},
		"the reader left, and they met again": func(w *world, pact int64) bool {
			w.ok(w.Leave(w.ctx, alex.ID, pact))
			w.ok(w.Leave(w.ctx, sam.ID, w.link(sam, alex)))
			return true
		},
		"the writer left another": func(w *world, _ int64) bool {
			w.ok(w.Leave(w.ctx, sam.ID, w.link(sam, kit)))
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, pact := asked(t)
			w.tidy(alex, store.TidyNever)
			w.answer(sam, "good", "x", pact, store.ShareWords)
			w.deliver()
			w.ok(second(w.Read(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
			for range 3 {
				w.passes(10 * 24 * time.Hour)
			}
			w.rows(0, "answers")
			w.standing(alex, store.KindHello, store.KindLinked, store.KindCheckIn, store.KindRelay)
			gone := act(w, pact)
			w.deliver()
			if stays := slices.Contains(w.stands(alex), store.KindRelay); stays == gone {
				t.Errorf("it stays: %t", stays)
			}
		})
	}
}

// What is to be gone, and Discord is asked for again, goes whatever its reader sets.
func TestTidyNeverKeepsNothingThatIsToGo(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "good", "x", pact, store.ShareWords)
	w.deliver()
	w.ok(second(w.Read(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
	w.deliver()
	w.erase(sam)
	due, err := w.ClaimDue(w.ctx, 100)
	w.ok(err)
	for _, d := range due {
		w.ok(w.Postpone(w.ctx, d, w.clock.Now().Add(time.Minute)))
	}
	w.tidy(alex, store.TidyNever)
	w.passes(time.Hour)
	if slices.Contains(w.stands(alex), store.KindRelay) {
		t.Error("it stays")
	}
}
