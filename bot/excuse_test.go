package bot

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/bot/text"
	"aftercare/store"
)

// What the bot says to each error that a person can cause. Those without a
// sentence are questions, which sceneEnded asks.
var personErrors = []struct {
	name string
	err  error
	key  text.Key
}{
	{"ErrNotLinked", store.ErrNotLinked, text.SceneNotLinked},
	{"ErrNotAgreed", store.ErrNotAgreed, text.ErrNotAgreed},
	{"ErrAlone", store.ErrAlone, ""},
	{"ErrWhich", store.ErrWhich, ""},
	{"ErrSelf", store.ErrSelf, text.SceneSelf},
	{"ErrOnce", store.ErrOnce, text.SceneOnce},
	{"ErrOneScene", store.ErrOneScene, text.EveryOnce},
	{"ErrPaused", store.ErrPaused, text.ScenePaused},
	{"ErrCode", store.ErrCode, text.PartnerCodeNone},
	{"ErrGone", store.ErrGone, text.ErrGone},
	{"ErrScenes", store.ErrScenes, text.SceneOften},
	{"ErrMuch", store.ErrMuch, text.RelayOften},
	{"", errGuesses, text.PartnerCodeOften},
	{"", errTooLong, text.ErrTooLong},
	{"ErrTooOften", store.ErrTooOften, text.ErrTooOften},
	{"ErrZone", store.ErrZone, text.EveryZone},
	{"ErrMany", store.ErrMany, text.EveryMany},
	{"ErrNothing", store.ErrNothing, text.ErrNothing},
	{"", errEveryUnread, text.EveryUnread},
	{"", errEveryTime, text.EveryTime},
	{"", errEveryDate, text.EveryDate},
	{"", errEveryRare, text.EveryRare},
	{"", errUntilUnread, text.UntilUnread},
	{"", errUntilPast, text.UntilPast},
	{"", errUntilFar, text.UntilFar},
	{"ErrFull", store.ErrFull, text.CareWordsFull},
	{"", errWhenUnread, text.WhenUnread},
	{"", errWhenFuture, text.WhenFuture},
	{"", errWhenOld, text.WhenOld},
}

func TestExcuse(t *testing.T) {
	h := newHouse(t)
	for _, c := range personErrors {
		if c.key == "" {
			continue
		}
		for _, err := range []error{c.err, fmt.Errorf("at a step: %w", c.err), errors.Join(c.err, io.EOF)} {
			r := h.bot.excuse("scene/ended", err)
			if got := r.say.content(); got != text.T(c.key) || r.change || r.form != nil || len(r.say.rows) > 0 {
				t.Errorf("%v: %q", err, got)
			}
		}
	}
	if got := h.log.text(); got != "" {
		t.Errorf("what a person caused is logged: %s", got)
	}
	for _, err := range []error{io.EOF, context.DeadlineExceeded, store.ErrRefused, store.ErrKey, store.RetryError{After: time.Second}} {
		if got := h.bot.excuse("scene/ended", err).say.content(); got != text.T(text.ErrInside) {
			t.Errorf("%v: %q", err, got)
		}
	}
	if bad := h.log.take(); len(bad) != 5 || !strings.Contains(bad[0], "route=scene/ended") {
		t.Errorf("what is ours to fix is logged %d times: %q", len(bad), bad)
	}
}

// Whoever adds an error that a person can cause adds what the bot says to it.
func TestEveryPersonErrorIsKnown(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../store/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	block := file.Decls[slices.IndexFunc(file.Decls, func(d ast.Decl) bool {
		g, ok := d.(*ast.GenDecl)
		return ok && g.Tok == token.VAR
	})].(*ast.GenDecl)
	for _, spec := range block.Specs {
		name := spec.(*ast.ValueSpec).Names[0].Name
		if !slices.ContainsFunc(personErrors, func(c struct {
			name string
			err  error
			key  text.Key
		}) bool {
			return c.name == name
		}) {
			t.Errorf("store.%s has no sentence", name)
		}
	}
}

// TestDatabaseGone closes the database under the bot: what needs it says so once
// and plainly, help and the rest of the static text go on, and the log names no
// one.
func TestDatabaseGone(t *testing.T) {
	h := newHouse(t)
	alex, sam := h.discord.Person("alex"), h.discord.Person("sam")
	h.link(alex, sam)
	h.run(alex, "scene ended")
	h.pass(24 * time.Hour)
	open := h.newest(alex, "checkin/open")
	id := strings.TrimPrefix(open, customID("checkin/open")+":")
	dm := h.dm(alex)
	h.log.take()
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	h.hearOnly("MESSAGE_CREATE", encode(object{"id": "1", "channel_id": dm, "author": userOf(alex), "content": "Quiet words"}))
	h.hearOnly("MESSAGE_DELETE", encode(object{"id": "1", "channel_id": dm}))
	for _, c := range []struct {
		raw  string
		want text.Key
	}{
		{h.craft(alex, onComponent, object{"custom_id": open}), text.ErrInside},
		{h.craft(alex, onSubmit, formData(customID("checkin/write", id), "Quiet words")), text.ErrInside},
		{h.craft(alex, onCommand, commandData("scene ended", user6(sam))), text.ErrInside},
		{h.craft(alex, onCommand, commandData("partner accept", text3("code", "ABCDE-FGHJK"))), text.ErrInside},
		{h.craft(alex, onCommand, commandData("care help")), text.Help},
		{h.craft(alex, onComponent, object{"custom_id": customID("care/lines")}), text.Help},
		{h.craft(alex, onCommand, commandData("privacy about")), text.About},
		{h.craft(alex, onComponent, object{"custom_id": customID("declined")}), text.Declined},
		{h.craft(alex, onComponent, object{"custom_id": "0:unknown"}), text.ErrGone},
	} {
		got := h.hearOnly("INTERACTION_CREATE", c.raw)
		if len(got) != 1 || !says(readCallback(t, got[0].body).content, c.want) {
			t.Errorf("%s: %s", c.raw, got)
		}
	}
	log := h.log.text()
	for _, secret := range []string{alex.ID(), sam.ID(), dm, "Alex", "Sam", "alex", "sam", "Quiet", "ABCDE", "crafted", "test-token", id} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	if strings.Contains(log, "panicked") || !strings.Contains(log, "level=ERROR") {
		t.Errorf("the log:\n%s", log)
	}
}

// hearOnly is hear without sending what is owed.
func (h *house) hearOnly(kind, raw string) []request {
	h.t.Helper()
	h.wire.take()
	h.bot.hear(kind, []byte(raw))
	h.bot.people.idle()
	return h.wire.take()
}

// TestRefusals answers a send with each of Discord's refusals.
func TestRefusals(t *testing.T) { synctest.Test(t, refusals) }

func refusals(t *testing.T) {
	h := newHouse(t)
	alex := h.discord.Person("alex")
	h.hearOnly("INTERACTION_CREATE", h.craft(alex, onComponent, object{"custom_id": customID("partner/invited")}))
	due, err := h.store.ClaimDue(t.Context(), 1)
	if err != nil || len(due) != 1 {
		t.Fatal(due, err)
	}
	retry := func(err error) bool { return errors.As(err, &store.RetryError{}) }
	refused := func(err error) bool { return errors.Is(err, store.ErrRefused) }
	again := func(err error) bool {
		return err != nil && !refused(err) && !retry(err) && !errors.Is(err, store.ErrGone)
	}
	for _, c := range []struct {
		status, code, attempts int
		want                   func(error) bool
		means                  string
	}{
		{403, 50007, 0, refused, "it waits for its person"},
		{403, 50278, 0, refused, "it waits for its person"},
		{404, 10013, 0, refused, "it waits for its person"},
		{403, 50001, 0, again, "later"},
		{403, 50001, 2, again, "later"},
		{403, 50001, 3, refused, "it waits for its person, after some tries"},
		{403, 50001, 30, refused, "it waits for its person, after some tries"},
		{403, 40003, 0, retry, "when Discord says"},
		{404, 10003, 0, again, "later, after another DM was opened"},
		{400, 50035, 9, again, "later"},
		{403, 20009, 0, again, "later"},
		{500, 0, 0, again, "later"},
		{503, 130000, 0, again, "later"},
		{403, 0, 9, again, "later"},
	} {
		h.discord.SetFault(func(*http.Request) *discordtest.Fault {
			return &discordtest.Fault{Before: true, Status: c.status, Body: fmt.Sprintf(`{"code": %d, "message": "No."}`, c.code)}
		})
		d := due[0]
		d.Attempts = c.attempts
		time.Sleep(time.Minute) // or so many new DMs would have to wait their turn
		if _, err := h.bot.Send(t.Context(), d); !c.want(err) {
			t.Errorf("%d with code %d at attempt %d: %v; want %s", c.status, c.code, c.attempts+1, err, c.means)
		}
	}
	h.discord.SetFault(nil)
	time.Sleep(time.Minute)
	if _, err := h.bot.Send(t.Context(), due[0]); err != nil {
		t.Error(err)
	}
}

// TestOpenings has many new DMs asked for at once, and whoever is told to come
// again comes again then. They are opened one a second, and nobody is told twice.
func TestOpenings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, begun := newOpenings(), time.Now()
		var mu sync.Mutex
		var at []time.Duration
		var busy sync.WaitGroup
		for range 100 {
			busy.Go(func() {
				for told := 0; ; told++ {
					wait := o.turn()
					if wait == 0 {
						break
					}
					if told > 0 {
						t.Error("told to wait again, after", time.Since(begun))
					}
					// The store counts in milliseconds, and leaves out what is less.
					time.Sleep(max(wait-time.Millisecond, 0))
				}
				mu.Lock()
				defer mu.Unlock()
				at = append(at, time.Since(begun))
			})
		}
		busy.Wait()
		slices.Sort(at)
		for i, d := range at[openingsAtOnce:] {
			if least, most := time.Duration(i)*openingEvery, time.Duration(i+1)*(openingEvery+openingSlack); d < least || d > most {
				t.Errorf("DM %d was opened after %v, want within %v and %v", openingsAtOnce+i+1, d, least, most)
			}
		}
		time.Sleep(time.Hour)
		for range openingsAtOnce {
			if wait := o.turn(); wait > 0 {
				t.Error("after an hour of nothing, told to wait", wait)
			}
		}
		if wait := o.turn(); wait == 0 || wait > 2*openingEvery {
			t.Error("after a burst, told to wait", wait)
		}
	})
}

// A new DM that has to wait holds nobody up: it is given back at once, unsent.
func TestNewDMsAreGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newCaller(t, always(200, `{"id":"500000000000000001"}`), 1000)
		b.opens = newOpenings()
		begun, given := time.Now(), 0
		for i := range 20 {
			_, err := b.openDM(t.Context(), store.Secret(fmt.Sprint(200000000000000000+int64(i))))
			switch wait := told(err); {
			case err == nil:
			case wait > 0 && errors.Is(unsent(err), err):
				given++
			default:
				t.Error(err)
			}
		}
		if took := time.Since(begun); given != 20-openingsAtOnce || took > time.Second/2 {
			t.Errorf("%d of 20 were given back, within %v", given, took)
		}
	})
}

// A check-in is answered by typing when it is due and in hand, and has not left
// yet. It is posted as it is now, and not taken for one that stands there.
func TestAnsweredInHand(t *testing.T) {
	h := newHouse(t)
	alex, sam := h.discord.Person("alex"), h.discord.Person("sam")
	h.link(alex, sam)
	h.run(alex, "scene ended")
	h.skip += 24 * time.Hour
	due, err := h.store.ClaimDue(t.Context(), 10)
	if err != nil || len(due) != 2 {
		t.Fatal(due, err)
	}
	h.hearOnly("MESSAGE_CREATE", encode(object{"id": "810000000000000001", "channel_id": h.dm(alex), "author": userOf(alex), "content": "Quiet words", "type": 0}))
	h.wire.take()
	for _, d := range due {
		if err := h.send(t.Context(), d); err != nil {
			t.Error(err)
		}
	}
	for _, r := range h.wire.take() {
		if r.method != http.MethodPost {
			t.Error(r.method, r.path)
		}
	}
	h.deliver()
	for _, p := range []*discordtest.Person{alex, sam} {
		if n := checkins(p); n != 1 {
			t.Errorf("%s sees %d check-ins", p.Name(), n)
		}
	}
}

// checkins counts the check-ins that stand in somebody's DM.
func checkins(p *discordtest.Person) (n int) {
	for _, m := range p.Sees() {
		if slices.ContainsFunc(idsOf(m.Components), func(id string) bool { return strings.HasPrefix(id, customID("checkin/")) }) {
			n++
		}
	}
	return n
}

// A check-in that was put off takes the place of the one before, whatever happens
// to the request that takes that one out.
func TestPutOffStandsOnce(t *testing.T) {
	for name, c := range map[string]struct {
		fault discordtest.Fault
		after int // that stand after the first try
	}{
		"all is well":        {discordtest.Fault{}, 1},
		"an outage":          {discordtest.Fault{Before: true, Status: 502}, 1},
		"a lost reply":       {discordtest.Fault{Lose: true}, 0},
		"a limit":            {discordtest.Fault{Before: true, Status: 429, Body: `{"retry_after": 2}`}, 1},
		"it is not possible": {discordtest.Fault{Before: true, Status: 403, Body: `{"code": 50001}`}, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			h.forged = true // what fails is tried again
			alex, sam := h.discord.Person("alex"), h.discord.Person("sam")
			h.link(alex, sam)
			h.run(alex, "scene ended")
			h.pass(24 * time.Hour)
			h.press(alex, h.newest(alex, "checkin/later"))
			h.discord.SetFault(func(r *http.Request) *discordtest.Fault {
				if r.Method != http.MethodDelete {
					return nil
				}
				return &c.fault
			})
			h.pass(3 * time.Hour)
			if n := checkins(alex); n != c.after {
				t.Errorf("%s: %d stand after the first try, want %d", name, n, c.after)
			}
			h.discord.SetFault(nil)
			time.Sleep(time.Minute)
			h.pass(time.Hour)
			if n := checkins(alex); n != max(c.after, 1) {
				t.Errorf("%s: %d stand in the end", name, n)
			}
			h.newest(alex, "checkin/open")
		})
	}
}

func TestRefusalOfOtherErrors(t *testing.T) {
	for _, err := range []error{nil, io.EOF, store.ErrGone, store.RetryError{After: time.Second}} {
		if got := refusal(err, 99); !errors.Is(got, err) {
			t.Errorf("refusal(%v) = %v", err, got)
		}
	}
}
