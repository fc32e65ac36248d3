package bot

import (
	"fmt"
	"testing"
	"time"

	"aftercare/bot/text"
	"aftercare/store"
)

// More people than are remembered take no more room and no more time: whoever used
// theirs longest ago is forgotten.
func TestBudgetIsBounded(t *testing.T) {
	now := houseBegins
	b := newBudget(3, time.Hour, func() time.Time { return now })
	for i := range 20 * mostBudgets {
		b.spend(fmt.Sprint(i))
		if i%3 == 0 {
			b.spend("alex")
		}
	}
	if len(b.used) != mostBudgets || b.order.Len() != mostBudgets {
		t.Errorf("%d and %d are remembered, want %d", len(b.used), b.order.Len(), mostBudgets)
	}
	if b.count("alex") == 0 || b.count("0") != 0 || b.count(fmt.Sprint(20*mostBudgets-1)) != 1 {
		t.Error("others than those of long ago were forgotten")
	}
}

// With everybody's wrong codes used up by an army of accounts, the first code that
// somebody enters in an hour is looked at as ever; after a wrong one they wait.
func TestGuessesOfAll(t *testing.T) {
	h := newHouse(t)
	alex, sam, kit := h.discord.Person("alex"), h.discord.Person("sam"), h.discord.Person("kit")
	code := codeIn.FindString(h.press(alex, customID("partner/invited")).content)
	for i := range 2 * guessesAll {
		h.bot.guesses.spend(fmt.Sprint(910000000000000000 + i))
	}
	accept := func(code string) string { return h.run(kit, "partner accept", text3("code", code)).content }
	if got := h.run(sam, "partner accept", text3("code", code)).content; !says(got, text.PartnerFrom) {
		t.Errorf("sam is locked out: %s", got)
	}
	if got := accept("AAAAA-AAAAA"); !says(got, text.PartnerCodeNone) {
		t.Errorf("a first wrong one: %s", got)
	}
	for _, code := range []string{code, "AAAAA-AAAAB"} {
		if got := accept(code); !says(got, text.PartnerCodeOften) {
			t.Errorf("a second one: %s", got)
		}
	}
	h.pass(20 * time.Minute) // some of everybody's are free again, kit's is not
	if got := accept(code); !says(got, text.PartnerFrom) {
		t.Errorf("with room for all again: %s", got)
	}
	if agreed, err := h.store.Agreed(t.Context(), store.Secret(kit.ID())); err != nil || agreed {
		t.Errorf("something is kept of who entered a code: %v %v", agreed, err)
	}
}
