package bot

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/text"
	"aftercare/store"
)

// fullCard is a card with all its fields filled in with some words.
func fullCard(words string) (c store.Card) {
	r := []rune(words)
	for _, in := range cardFields {
		*in.of(&c) = store.Secret(string(r[:min(len(r), mostOfField)]))
	}
	return c
}

func TestCardsFit(t *testing.T) {
	for name, words := range hostile {
		c := fullCard(words)
		if says := cardSays(c, mostOfCard); codeUnits(says) > mostOfCard || words != "" && says == "" {
			t.Errorf("%s: a card of %d", name, codeUnits(says))
		}
		for i := range longNames {
			who := named(store.Secret(longNames[i]))
			fits(t, name, line(text.T(text.CareShow, "name", who), cardSays(c, mostListed-100)).add("", text.T(text.DmsClosed)))
			for _, said := range []string{"", "Quiet today.", words} {
				for _, need := range []store.Need{"call", store.NeedCard} {
					for _, level := range []store.Level{store.ShareWords, store.ShareGist} {
						a := answerOf(said)
						a.Need = need
						r := store.Relay{From: store.Secret(longNames[i]), Read: true, Level: level, Answer: a, Card: c, Sent: true}
						for part := range relayParts(r) {
							fits(t, fmt.Sprintf("%s, part %d at %s", name, part, level), relaySays(bigID, part, r).add("", text.T(text.DmsClosed)))
						}
						if n := len(relayParts(r)); level == store.ShareGist && n != 1 {
							t.Errorf("%s: a gist in %d messages", name, n)
						}
					}
				}
			}
		}
		for _, step := range allSteps {
			for _, need := range []store.Need{"call", store.NeedCard} {
				for _, said := range []string{"", words} {
					a := answerOf(said)
					a.Need = need
					in := store.CheckIn{Step: step, LaterAt: houseBegins, LaterLeft: 2, Last: true, Answer: a, Card: c, WithCard: true, Readers: readersOf(3, 0)}
					fits(t, fmt.Sprintf("%s at %s", name, step), checkinSays(bigID, in).add("", text.T(text.DmsClosed)))
				}
			}
		}
		f := cardForm(c)
		for i, in := range f.fields {
			if in.value != cardFields[i].of(&c).Reveal() {
				t.Errorf("%s: the form holds something else", name)
			}
		}
	}
}

// Five whole fields of everyday words are shown in full.
func TestAFullCardIsShownInFull(t *testing.T) {
	c := fullCard(words4000("A blanket, my own cup, and hearing that we're OK. "))
	for _, limit := range []int{mostOfCard, mostListed - 100} {
		if says := cardSays(c, limit); strings.Contains(says, ellipsis) {
			t.Errorf("it was cut: %s", says)
		}
	}
	if says := cardSays(c, mostListed); strings.Index(says, text.T(text.CareWorse)) != 0 {
		t.Errorf("what makes it worse is not first: %s", says)
	}
}

func TestGiftsFit(t *testing.T) {
	for i := range longNames {
		g := store.Gifts{Pact: bigID, To: store.Secret(longNames[i])}
		for range 26 { // with none, and with all there may be
			says := line(text.T(text.CareWordsKept, "name", named(g.To)))
			fits(t, fmt.Sprintf("%d kind words", len(g.Left)), giftsSay([]string{number(bigID), "0123456789ABC"}, says, g).add("", text.T(text.DmsClosed)))
			g.Left = append(g.Left, store.Gift{ID: bigID - int64(len(g.Left)), At: houseBegins})
		}
	}
}

// The gist of an answer does not tell whether there is a card, nor what was said
// before it went.
func TestGistWithoutItsCard(t *testing.T) {
	for _, f := range store.Feelings {
		if got := gist(store.Answer{Feeling: f, CardGone: true}); got != text.T(text.GistHere) {
			t.Errorf("%s: %s", f, got)
		}
	}
	if got := gist(store.Answer{Feeling: "low", Need: store.NeedCard}); got != text.T(text.GistCard) {
		t.Error(got)
	}
}

// Kind words for which there is no room come back to their writer.
func TestASixthIsHandedBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newEvening(t)
		disconnect := v.connect(v.bot)
		v.links(v.alex, v.sam)
		pact, err := v.store.PactWith(t.Context(), store.Secret(v.alex.ID()), store.Secret(v.sam.ID()))
		if err != nil {
			t.Fatal(err)
		}
		v.does(v.alex.Run("/care words partner:@sam"))
		for i := range 5 {
			if _, err := v.store.LeaveGift(t.Context(), store.Secret(v.alex.ID()), pact, store.Secret("words"), fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		v.writes(v.alex, "The sixth, written with care.")
		seen := v.alex.SeesInServer()
		last := seen[len(seen)-1].Content
		if !strings.Contains(last, text.T(text.CareWordsFull)) || !strings.Contains(last, "The sixth, written with care") {
			t.Errorf("alex hears: %s", last)
		}
		time.Sleep(time.Second)
		disconnect()
		v.discord.DropConnections()
	})
}
