package bot

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"aftercare/bot/text"
	"aftercare/store"
)

// newcomer are the sentences for somebody of whom nothing is known, and for a code
// that is used.
var newcomer = []text.Key{text.ErrNotAgreed, text.PartnerCodeNone, text.PartnerRefused}

// The buttons that somebody had before they erased everything do nothing and say so
// neutrally: when they are nobody, and when they are somebody new.
func TestButtonsFromBeforeErasing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newEvening(t)
		disconnect := v.connect(v.bot)
		v.play()
		old := slices.DeleteFunc(slices.Sorted(maps.Keys(v.owners)), func(id string) bool { return !v.owners[id][v.alex.Name()] })
		erase := old[slices.IndexFunc(old, func(id string) bool { return strings.HasPrefix(id, customID("privacy/erased")) })]
		if got := v.press(v.alex, erase); !says(got.content, text.EraseDone) {
			t.Fatalf("%q", got.content)
		}
		v.settle()
		for _, m := range v.alex.Sees() {
			if m.Author == "bot" && m.Flags&flagEphemeral == 0 {
				t.Errorf("this stays in the DM: %q", m.Content)
			}
		}
		pressAll := func() {
			before := v.dump()
			for _, id := range old {
				v.triesOld(id)
			}
			if after := v.dump(); after != before {
				t.Errorf("the database changed:\n%s", firstChange(before, after))
			}
		}
		pressAll()
		v.does(v.alex.Run("/settings"))
		v.presses(v.alex, text.LabelAgree)
		pressAll()
		if ok, err := v.store.Agreed(t.Context(), store.Secret(v.alex.ID())); !ok || err != nil {
			t.Error("an old question erased somebody new", err)
		}
		disconnect()
		v.discord.DropConnections()
	})
}

// triesOld has alex press, pick and submit what they had.
func (v *evening) triesOld(id string) {
	v.t.Helper()
	route := strings.Split(id, ":")[1]
	key, isNobodys := routesOfNobody[route]
	if isNobodys && key == "" || ofOneself(route) {
		return
	}
	for _, own := range []string{"history/", "trend/", "every/"} { // which they may choose at any time, by whatever button
		if strings.HasPrefix(route, own) {
			return
		}
	}
	allowed := append(slices.Clone(neutral), newcomer...)
	if isNobodys {
		allowed = []text.Key{key}
	}
	v.refused(v.alex, id, allowed, func() callback { return v.press(v.alex, id) })
	v.refused(v.alex, id, allowed, func() callback { return v.submit(v.alex, id, "Words from before") })
	for _, value := range v.values[id] {
		v.refused(v.alex, id, allowed, func() callback { return v.press(v.alex, id, value) })
	}
}
