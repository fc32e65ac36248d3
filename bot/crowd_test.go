package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/text"
	"aftercare/store"
)

// befriend links alex with n people of long names, and returns their pacts as
// alex has them.
func befriend(h *house, n int) []store.Pact {
	h.t.Helper()
	ctx := context.Background()
	alex := store.Who{ID: store.Secret(h.discord.Person("alex").ID()), Name: store.Secret("Alex")}
	for i := range n {
		code, _, err := h.store.Invite(ctx, alex, consentVersion)
		if err != nil {
			h.t.Fatal(err)
		}
		who := store.Who{ID: store.Secret(h.discord.Person(fmt.Sprintf("kit%d", i)).ID()), Name: store.Secret(strings.Repeat("🧡", 31) + "*")}
		inv, err := h.store.Invitation(ctx, who.ID, code)
		if err != nil {
			h.t.Fatal(err)
		}
		if _, err := h.store.Accept(ctx, who, inv.ID, consentVersion); err != nil {
			h.t.Fatal(err)
		}
	}
	h.deliver()
	pacts, err := h.store.Pacts(ctx, alex.ID)
	if err != nil || len(pacts) != n {
		h.t.Fatal(len(pacts), err)
	}
	return pacts
}

func answerFits(t *testing.T, what string, c callback) {
	t.Helper()
	for _, wrong := range wrongAnswer([]byte(c.raw)) {
		t.Errorf("%s: %s", what, wrong)
	}
}

// TestManyPartners has more people and scenes than one message or menu holds.
func TestManyPartners(t *testing.T) { synctest.Test(t, manyPartners) } // opening DMs takes its time

func manyPartners(t *testing.T) {
	h := newHouse(t)
	alex := h.discord.Person("alex")
	pacts := befriend(h, 27)
	for what, c := range map[string]callback{
		"the list":      h.run(alex, "partner list"),
		"whom to leave": h.run(alex, "partner leave"),
		"with whom":     h.run(alex, "scene ended"),
	} {
		answerFits(t, what, c)
	}
	for i := range 9 {
		ended := store.Ended{
			By: store.Who{ID: store.Secret(alex.ID())}, At: h.now().Add(-time.Duration(i) * 7 * time.Hour), Size: store.Intense,
			Pacts: []int64{pacts[i].ID, pacts[i+9].ID, pacts[i+18].ID}, Request: fmt.Sprint(i),
		}
		if _, err := h.store.EndScene(t.Context(), ended); err != nil {
			t.Fatal(err)
		}
	}
	list := h.run(alex, "scene list")
	answerFits(t, "many scenes", list)
	if strings.Count(list.content, "<t:") < 3 {
		t.Errorf("the list shows hardly any: %q", list.content)
	}
	h.types(alex, "Thank you all.")
	if ids := h.newest(alex, "offer/pass"); ids == "" {
		t.Error("nobody to pass words on to")
	}
	if bad := h.log.take(); len(bad) > 0 {
		t.Errorf("the log: %s", bad)
	}
}

// What people and operators write in is only text.
func TestNamesAreOnlyText(t *testing.T) {
	h := newHouse(t)
	h.bot.o.Operator = "[Robin](https://example.org) @everyone " + strings.Repeat("🧡", 40)
	for name, c := range map[string]callback{
		"the terms": h.run(h.discord.Person("alex"), "partner invite"),
		"about":     h.run(h.discord.Person("alex"), "privacy about"),
		"alone":     h.run(h.discord.Person("robin"), "scene ended"),
	} {
		answerFits(t, name, c)
		if strings.Contains(c.content, "](https://example.org)") || strings.Contains(c.content, "@everyone") {
			t.Errorf("%s: the operator's name is alive: %q", name, c.content)
		}
	}
}

// Help fits, whatever the operator wrote: first our own lines, then what there is
// room for.
func TestHelpFits(t *testing.T) {
	for _, name := range []string{"Night line", strings.Repeat("x", 60), strings.Repeat("*", 60), strings.Repeat("🧡", 60)} {
		for _, contact := range []string{"0800 1234", strings.Repeat("x", 100), strings.Repeat("🧡", 100)} {
			h := &Bot{o: Options{HelpLines: slices.Repeat([]HelpLine{{Name: name, Contact: contact, Checked: houseBegins}}, 8)}}
			s := h.help()
			fits(t, "help", s.add("", text.T(text.DmsClosed)))
			if !says(s.content(), text.Help) || !strings.Contains(s.content(), plain(name)) {
				t.Errorf("help says %q", s.content())
			}
			if len(name)+len(contact) < 30 && strings.Count(s.content(), name) != 8 {
				t.Errorf("short lines were left out: %q", s.content())
			}
		}
	}
}
