package scheduler

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

func TestPunctual(t *testing.T) {
	bubble(t, func(w *world) {
		w.link(storetest.Alex, storetest.Sam)
		time.Sleep(7 * time.Second) // at no round time
		ended := time.Now()
		w.end(storetest.Alex, storetest.Sam)
		w.sent()
		for _, mark := range marks {
			due := ended.Add(mark)
			time.Sleep(time.Until(due) - time.Millisecond)
			synctest.Wait()
			if sent := w.sent(); len(sent) != 0 {
				t.Errorf("%d too soon", len(sent))
			}
			time.Sleep(101 * time.Millisecond)
			synctest.Wait()
			sent := w.sent()
			if len(sent) != 2 {
				t.Errorf("%d of 2 within 100 ms", len(sent))
			}
			for _, p := range sent {
				if late := p.at.Sub(due); late < 0 || late > 100*time.Millisecond {
					t.Errorf("%v late", late)
				}
			}
		}
	})
}

func TestWakeSendsAtOnce(t *testing.T) {
	bubble(t, func(w *world) {
		began := time.Now()
		storetest.Link(w.T, w.Store, storetest.Alex, storetest.Sam)
		w.sch.Wake()
		synctest.Wait()
		sent := w.sent()
		if len(sent) != 3 || time.Since(began) > 10*time.Millisecond { // SQLite waits a millisecond where two meet
			t.Errorf("%d sent after %v", len(sent), time.Since(began))
		}
		var kinds []store.Kind
		for _, p := range sent {
			if p.to == storetest.Alex.ID {
				kinds = append(kinds, p.kind)
			}
		}
		if !slices.Equal(kinds, []store.Kind{store.KindHello, store.KindLinked}) {
			t.Errorf("in the order %v", kinds)
		}
	})
}

// A wake is not lost and many are one.
func TestWakesAreOne(t *testing.T) {
	bubble(t, func(w *world) {
		w.q.looked()
		w.q.mu.Lock() // whoever looks has to wait, so that the wakes come during one look
		for range 1000 {
			w.sch.Wake()
		}
		w.q.mu.Unlock()
		synctest.Wait()
		if n := w.q.looked(); n < 1 || n > 2 {
			t.Errorf("%d looks", n)
		}
	})
}

// Without the bell's and anybody's wake the timer alone is punctual.
func TestTimerAlone(t *testing.T) {
	bubble(t, func(w *world) {
		w.link(storetest.Alex, storetest.Sam)
		w.stop()
		e := storetest.Ended(w.T, w.Store, storetest.Alex, storetest.Sam)
		e.At = e.At.Add(-time.Hour + 20*time.Second)
		if _, err := w.EndScene(w.Context(), e); err != nil {
			t.Fatal(err)
		}
		due := time.Now().Add(20 * time.Second)
		ctx, cancel := context.WithCancel(w.Context())
		defer cancel()
		w.sch.look(ctx) // the notice
		w.sch.busy.Wait()
		if wait := w.sch.look(ctx); wait != time.Until(due) {
			t.Errorf("sleeps %v", wait)
		}
	})
}

func TestOneSlowPersonHoldsUpNobody(t *testing.T) {
	bubble(t, func(w *world) {
		w.link(storetest.Alex, storetest.Sam)
		w.link(storetest.Kit, storetest.Robin)
		w.does(func(ctx context.Context, c store.Content, _ int) error {
			if c.To == storetest.Sam.ID {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		w.end(storetest.Alex, storetest.Sam) // sam's notice hangs
		e := storetest.Ended(w.T, w.Store, storetest.Sam, storetest.Alex)
		e.At = e.At.Add(-7 * time.Hour)
		if _, err := w.EndScene(w.Context(), e); err != nil { // and more is due to sam, in a while
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		e = storetest.Ended(w.T, w.Store, storetest.Kit, storetest.Robin)
		e.At = e.At.Add(-time.Hour + 5*time.Second)
		if _, err := w.EndScene(w.Context(), e); err != nil {
			t.Fatal(err)
		}
		w.sch.Wake()
		synctest.Wait()
		due := time.Now().Add(5 * time.Second)
		w.sent()
		time.Sleep(5*time.Second + 100*time.Millisecond)
		synctest.Wait()
		sent := w.sent()
		for _, who := range []store.Who{storetest.Kit, storetest.Robin} {
			if count(sent, who) != 1 {
				t.Errorf("%s has %d within 100 ms", who.Name.Reveal(), count(sent, who))
			}
		}
		for _, p := range sent {
			if p.to != storetest.Sam.ID && p.at.Sub(due) > 100*time.Millisecond {
				t.Errorf("%v late", p.at.Sub(due))
			}
		}
	})
}

func TestOneRefusedPersonHoldsUpNobody(t *testing.T) {
	bubble(t, func(w *world) {
		w.link(storetest.Alex, storetest.Sam)
		var opened atomic.Bool
		w.does(func(_ context.Context, c store.Content, _ int) error {
			if c.To == storetest.Sam.ID && !opened.Load() {
				return store.ErrRefused
			}
			return nil
		})
		w.end(storetest.Alex, storetest.Sam)
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		sent := w.sent()
		if count(sent, storetest.Alex) != 1 || count(sent, storetest.Sam) != 2 {
			t.Errorf("alex %d, sam %d", count(sent, storetest.Alex), count(sent, storetest.Sam))
		}
		opened.Store(true)
		if err := w.Retry(w.Context(), storetest.Sam.ID); err != nil {
			t.Fatal(err)
		}
		w.sch.Wake()
		synctest.Wait()
		if n := count(w.sent(), storetest.Sam); n != 2 {
			t.Errorf("%d after they opened their DMs", n)
		}
	})
}

func TestRetries(t *testing.T) {
	for name, fail := range map[string]func() error{
		"an error": func() error { return errors.New("Discord is down") },
		"a panic":  func() error { panic("no words for it") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.does(func(_ context.Context, _ store.Content, n int) error {
					if n <= 12 {
						return fail()
					}
					return nil
				})
				if _, _, err := w.Invite(w.Context(), storetest.Alex, 1); err != nil {
					t.Fatal(err)
				}
				w.sch.Wake()
				time.Sleep(4 * time.Hour)
				synctest.Wait()
				tries := w.sent()
				if len(tries) != 13 {
					t.Fatalf("%d tries", len(tries))
				}
				for i := range 12 {
					want := min(2*time.Second<<i, 15*time.Minute)
					got := tries[i+1].at.Sub(tries[i].at)
					if got > want+10*time.Millisecond || got < want*4/5-10*time.Millisecond {
						t.Errorf("retry %d after %v, want %v or up to a fifth less", i+1, got, want)
					}
					if tries[i].nonce != tries[i+1].nonce {
						t.Error("another nonce")
					}
				}
				if bytes.Contains(w.log.Bytes(), []byte("alex")) || bytes.Contains(w.log.Bytes(), []byte("90000000")) {
					t.Error("the log names somebody")
				}
			})
		})
	}
}

func TestBackoff(t *testing.T) {
	for attempts := range 100 {
		want := 15 * time.Minute
		if attempts < 9 {
			want = 2 * time.Second << attempts
		}
		for range 100 {
			if d := backoff(attempts); d > want || d <= want*4/5 {
				t.Errorf("%d attempts: %v, want %v", attempts, d, want)
			}
		}
	}
}

func TestRetryErrorIsHonoured(t *testing.T) {
	bubble(t, func(w *world) {
		w.does(func(_ context.Context, _ store.Content, n int) error {
			if n == 1 {
				return store.RetryError{After: 10 * time.Minute}
			}
			return nil
		})
		if _, _, err := w.Invite(w.Context(), storetest.Alex, 1); err != nil {
			t.Fatal(err)
		}
		w.sch.Wake()
		time.Sleep(time.Hour)
		synctest.Wait()
		tries := w.sent()
		if len(tries) != 2 {
			t.Fatalf("%d tries", len(tries))
		}
		if after := tries[1].at.Sub(tries[0].at); after < 10*time.Minute || after > 10*time.Minute+100*time.Millisecond {
			t.Errorf("after %v", after)
		}
	})
}

func TestGoneIsDropped(t *testing.T) {
	bubble(t, func(w *world) {
		w.does(func(context.Context, store.Content, int) error { return store.ErrGone })
		if _, _, err := w.Invite(w.Context(), storetest.Alex, 1); err != nil {
			t.Fatal(err)
		}
		w.sch.Wake()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(w.sent()); n != 1 {
			t.Errorf("%d tries", n)
		}
	})
}

// Run finishes what is in hand, begins nothing else, and returns when nothing of
// it runs.
func TestRunFinishesWhatIsInHand(t *testing.T) {
	bubble(t, func(w *world) {
		var finished atomic.Bool
		w.does(func(ctx context.Context, _ store.Content, _ int) error {
			select {
			case <-time.After(2 * time.Second):
				finished.Store(true)
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		storetest.Link(w.T, w.Store, storetest.Alex, storetest.Sam)
		w.sch.Wake()
		synctest.Wait()
		began := time.Now()
		w.stop()
		if !finished.Load() || time.Since(began) != 2*time.Second {
			t.Errorf("finished = %v after %v", finished.Load(), time.Since(began))
		}
		if n := len(w.sent()); n != 2 { // alex's second was not begun
			t.Errorf("%d were begun", n)
		}
		next, ok, err := w.NextDue(w.Context())
		if !ok || err != nil || next.After(time.Now()) {
			t.Errorf("what was not begun is not owed: %v, %v", ok, err)
		}
	})
}

// A message that hangs while the program stops is given up in time.
func TestRunGivesUpWhatHangs(t *testing.T) {
	bubble(t, func(w *world) {
		w.does(func(ctx context.Context, _ store.Content, _ int) error { <-ctx.Done(); return ctx.Err() })
		storetest.Link(w.T, w.Store, storetest.Alex, storetest.Sam)
		w.sch.Wake()
		synctest.Wait()
		began := time.Now()
		w.stop()
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("stopped after %v", d)
		}
	})
}

func TestDatabaseErrorRecovers(t *testing.T) {
	bubble(t, func(w *world) {
		w.link(storetest.Alex, storetest.Sam)
		w.q.breaks(errors.New("disk full"))
		w.q.looked()
		w.end(storetest.Alex, storetest.Sam)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(w.sent()); n != 0 {
			t.Errorf("%d sent", n)
		}
		if n := w.q.looked(); n > 15 {
			t.Errorf("%d looks in 10 s", n)
		}
		w.q.breaks(nil)
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if n := len(w.sent()); n != 1 {
			t.Errorf("%d sent", n)
		}
	})
}

// A message that was sent and could not be noted at once is not sent twice.
func TestMarkIsTriedAgain(t *testing.T) {
	bubble(t, func(w *world) {
		w.does(func(context.Context, store.Content, int) error {
			w.q.breaks(errors.New("busy"))
			time.AfterFunc(1500*time.Millisecond, func() { w.q.breaks(nil) })
			return nil
		})
		if _, _, err := w.Invite(w.Context(), storetest.Alex, 1); err != nil {
			t.Fatal(err)
		}
		w.sch.Wake()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(w.sent()); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
}

// A clock that jumps, as after a suspend, is noticed by the bell.
func TestClockJump(t *testing.T) {
	bubble(t, func(w *world) {
		w.link(storetest.Alex, storetest.Sam)
		w.end(storetest.Alex, storetest.Sam)
		w.sent()
		w.drift.Store(int64(90 * time.Minute))
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if n := len(w.sent()); n != 2 {
			t.Errorf("%d sent within 31 s of the jump", n)
		}
	})
}

func TestHousekeeping(t *testing.T) {
	bubble(t, func(w *world) {
		if _, _, err := w.Invite(w.Context(), storetest.Alex, 1); err != nil {
			t.Fatal(err)
		}
		w.drift.Store(int64(8 * 24 * time.Hour))
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		if n, err := w.Forget(w.Context()); n != 0 || err != nil {
			t.Errorf("%d rows were left to forget, %v", n, err)
		}
	})
}

func TestManyAtOnceButOneAPerson(t *testing.T) {
	bubble(t, func(w *world) {
		w.does(func(context.Context, store.Content, int) error { time.Sleep(time.Second); return nil })
		for i := range 100 {
			who := store.Who{ID: store.Secret("77" + string(rune('a'+i/26)) + string(rune('a'+i%26))), Name: store.Secret("p")}
			if _, _, err := w.Invite(w.Context(), who, 1); err != nil {
				t.Fatal(err)
			}
		}
		w.sch.Wake()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(w.all()); n != 100 || w.together != workers {
			t.Errorf("%d sent, %d at once", n, w.together)
		}
	})
}
