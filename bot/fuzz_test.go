package bot

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"aftercare/bot/discordtest"
	"aftercare/store"
)

// forge is a house in which alex and sam are linked and have an open check-in
// each, alex has read what sam left and has an offer open, and robin is a
// stranger. One serves all runs of a fuzz worker. In what the fuzzer writes, a
// name in capitals stands for what differs from house to house.
type forge struct {
	*house
	alex, sam, kit, robin *discordtest.Person
	real                  *strings.Replacer
}

func newForge(f *testing.F) *forge {
	h := newHouse(f)
	g := &forge{house: h, alex: h.discord.Person("alex"), sam: h.discord.Person("sam"), kit: h.discord.Person("kit"), robin: h.discord.Person("robin")}
	h.link(g.alex, g.sam)
	h.types(g.alex, "Thank you for the walk.")
	offer := row(h.newest(g.alex, "offer/pass"))
	scene := h.run(g.alex, "scene ended", user6(g.sam)).id(f, "scene/undo")
	notice := row(h.newest(g.sam, "scene/notice"))
	h.pass(24 * time.Hour)
	sams := row(h.newest(g.sam, "checkin/open"))
	pacts, err := h.store.Pacts(context.Background(), store.Secret(g.alex.ID()))
	if err != nil || len(pacts) != 1 {
		f.Fatal(pacts, err)
	}
	pact := number(pacts[0].ID)
	h.press(g.sam, customID("checkin/feel", sams, "low"))
	h.submit(g.sam, customID("checkin/write", sams), "Far away.")
	h.press(g.sam, customID("checkin/share", sams, pact, "words"))
	relay := row(h.newest(g.alex, "relay/read"))
	h.press(g.alex, customID("relay/read", relay))
	g.real = strings.NewReplacer(
		"CHECKIN", row(h.newest(g.alex, "checkin/open")), "SAMS", sams, "RELAY", relay, "OFFER", offer, "NOTICE", notice, "PACT", pact,
		"SCENE", row(scene), "ALEXDM", h.dm(g.alex), "ALEX", g.alex.ID(), "SAM", g.sam.ID(), "ROBIN", g.robin.ID(), "MOMENT", moment(houseBegins),
	)
	g.calm(f)
	g.forged = true
	return g
}

// row is the row number in a custom id.
func row(id string) string { return strings.Split(id, ":")[2] }

// calm fails the test if something went wrong inside the bot.
func (g *forge) calm(t testing.TB) {
	t.Helper()
	for _, bad := range g.log.take() {
		t.Errorf("the log: %s", bad)
	}
}

// check fails the test if anything that went out must not go out.
func (g *forge) check(t testing.TB, out []request) {
	t.Helper()
	for _, wrong := range g.complaints(out) {
		t.Error(wrong)
	}
	g.calm(t)
}

// untouched checks that a stranger caused nothing but an answer to themselves.
func (g *forge) untouched(t testing.TB, before string, out []request) {
	t.Helper()
	if after := g.commits(); after != before {
		t.Error("a stranger wrote into the database")
	}
	for _, r := range out {
		if !strings.Contains(r.path, "/interactions/") {
			t.Errorf("a stranger caused %s %s", r.method, r.path)
		}
	}
}

// Events as they come from Discord, and as they never should.
var interactionSeeds = []string{
	// A command, in a server and in the DM.
	`{"id":"1","application_id":"100000000000000001","type":2,"token":"t","guild_id":"3","channel_id":"4","context":0,"member":{"user":{"id":"ALEX","username":"alex","global_name":"Alex"},"roles":[]},"data":{"id":"9","name":"scene","type":1,"options":[{"type":1,"name":"ended","options":[{"type":6,"name":"partner","value":"SAM"},{"type":3,"name":"when","value":"2h ago"},{"type":3,"name":"size","value":"intense"}]}]}}`,
	`{"id":"2","type":2,"token":"t","channel_id":"ALEXDM","context":1,"user":{"id":"ALEX","username":"alex","global_name":"Alex"},"data":{"name":"partner","options":[{"type":1,"name":"list"}]}}`,
	`{"id":"3","type":2,"token":"t","member":{"user":{"id":"ROBIN","username":"robin"}},"data":{"name":"partner","options":[{"type":1,"name":"accept","options":[{"type":3,"name":"code","value":"ABCDE-FGHJK"}]}]}}`,
	`{"id":"4","type":2,"token":"t","user":{"id":"ALEX"},"data":{"name":"scene","options":[{"type":1,"name":"ended","options":[{"type":6,"name":"partner","value":"ALEX"},{"type":6,"name":"partner2","value":"ROBIN"},{"type":3,"name":"size","value":"huge"}]}]}}`,
	`{"id":"4","type":2,"token":"t","user":{"id":"ALEX"},"data":{"name":"scene","options":[{"type":1,"name":"ended","options":[{"type":6,"name":"partner","value":18446744073709551616},{"type":3,"name":"when","value":-1e308},{"type":3,"name":"when","value":{"a":[]}}]}]}}`,
	`{"id":"5","type":2,"token":"t","user":{"id":"ROBIN"},"data":{"name":"scene","options":[{"type":1,"name":"ended"}]}}`,
	`{"id":"5","type":2,"token":"t","user":{"id":"SAM"},"data":{"name":"care","options":[{"type":1,"name":"help"}]}}`,
	`{"id":"6","type":2,"token":"t","user":{"id":"ALEX"},"data":{"name":"1:checkin","options":[]}}`,
	// A button, a menu.
	`{"id":"7","type":3,"token":"t","member":{"user":{"id":"ALEX","username":"alex","global_name":"Alex"}},"message":{"id":"70","flags":64},"data":{"custom_id":"1:checkin/open:CHECKIN","component_type":2}}`,
	`{"id":"8","type":3,"token":"t","user":{"id":"ALEX"},"data":{"custom_id":"1:scene/resize:SCENE","component_type":3,"values":["light"]}}`,
	`{"id":"8","type":3,"token":"t","user":{"id":"ROBIN"},"data":{"custom_id":"1:scene/with:MOMENT:usual","component_type":3,"values":["PACT","PACT",""]}}`,
	`{"id":"8","type":3,"token":"t","user":{"id":"SAM"},"data":{"custom_id":"1:partner/yes:PACT:","component_type":2}}`,
	`{"id":"9","type":3,"token":"t","user":{"id":"777"},"message":null,"data":{"custom_id":"1:partner/invited","component_type":2}}`,
	// A form, in a row and in a Label.
	`{"id":"10","type":5,"token":"t","user":{"id":"ALEX"},"message":{"id":"70"},"data":{"custom_id":"1:checkin/write:CHECKIN","components":[{"type":1,"components":[{"type":4,"custom_id":"words","value":"Quiet."}]}]}}`,
	`{"id":"11","type":5,"token":"t","user":{"id":"ALEX"},"data":{"custom_id":"1:relay/word:RELAY","components":[{"type":18,"id":2,"component":{"type":4,"custom_id":"words","value":"@everyone"}}]}}`,
	`{"id":"12","type":5,"token":"t","user":{"id":"ALEX"},"data":{"custom_id":"1:scene/retime:SCENE","components":[{"type":18,"component":{"type":3,"custom_id":"words","values":["a"]}}]}}`,
	// What is no such thing.
	`{}`, `null`, `[]`, `7`, `""`, `{`, ``,
	`{"type":3,"data":null}`,
	`{"type":3,"user":{"id":"ALEX"}}`,
	`{"type":3,"user":{"id":"ALEX"},"data":null}`,
	`{"type":3,"user":null,"member":null,"data":{"custom_id":"1:declined"}}`,
	`{"type":3,"user":{"id":7},"data":{"custom_id":["1"]}}`,
	`{"id":1e400,"type":"3","user":{"id":"ALEX"}}`,
	`{"type":99999999999999999999,"user":{"id":"ALEX"},"data":{"custom_id":"1:declined"}}`,
	`{"type":1,"user":{"id":"ALEX"},"data":{"custom_id":"1:care/lines"}}`,
	`{"type":4,"user":{"id":"ALEX"},"data":{"name":"scene","options":[{"type":1,"name":"ended","options":[{"type":3,"name":"when","value":"1h","focused":true}]}]}}`,
	`{"type":5,"user":{"id":"ALEX"},"data":{"custom_id":"1:checkin/write:CHECKIN","components":[{"component":{"component":{"component":null}}}]}}`,
	`{"type":2,"user":{"id":"ALEX"},"data":{"name":"a","options":[{"type":2,"name":"b","options":[{"type":2,"name":"c","options":[{"type":1}]}]}]}}`,
	`{"id":"13","token":"a/../../b?c#d\u0000","application_id":"..","type":3,"user":{"id":"ALEX"},"data":{"custom_id":"1:care/lines"}}`,
}

// FuzzInteraction hands the bot events of every shape. Whatever comes: no panic,
// no answer for more than one pair of eyes, no DM to somebody who has not agreed,
// and nothing that Discord would refuse.
func FuzzInteraction(f *testing.F) {
	for _, s := range interactionSeeds {
		f.Add(s)
	}
	g := newForge(f)
	f.Fuzz(func(t *testing.T, raw string) {
		g.t = t
		raw = g.real.Replace(raw)
		g.check(t, g.hear("INTERACTION_CREATE", raw))
	})
}

// FuzzCustomID presses, picks and submits any custom id: by a stranger, for whom
// nothing may happen, and by alex.
func FuzzCustomID(f *testing.F) {
	g := newForge(f)
	for route := range g.bot.routes {
		f.Add(customID(route), "")
		for _, arg := range []string{"CHECKIN", "SAMS", "RELAY", "SCENE", "0"} {
			f.Add(customID(route, arg), "PACT")
		}
	}
	for _, id := range []string{
		"", ":", "1", "1:", "2:checkin/open:CHECKIN", "1:checkin/feel:CHECKIN:low", "1:checkin/feel:CHECKIN:LOW", "1:checkin/need:CHECKIN:space",
		"1:checkin/share:CHECKIN:PACT:words", "1:checkin/share:CHECKIN:PACT:all", "1:checkin/go:CHECKIN:share", "1:checkin/go:CHECKIN:prompt",
		"1:scene/notice:NOTICE:ok", "1:scene/notice:NOTICE:not", "1:scene/notice:NOTICE:", "1:scene/alone:MOMENT:usual:0", "1:scene/alone:MOMENT:huge:2",
		"1:offer/forget:OFFER", "1:scene/with:MOMENT", "1:partner/left:PACT", "1:checkin/open:-1", "1:relay/read:zzzzzzzzzzzzzz",
		"1:scene/alone:1y2p0ij32e8e7:usual:0", "1:offer/pass:OFFER:PACT", "1:partner/yes:SCENE:0000000000000", "1:\x00:\xff", strings.Repeat("1:", 50),
	} {
		f.Add(id, "light")
	}
	f.Fuzz(func(t *testing.T, id, value string) {
		g.t = t
		id, value = g.real.Replace(id), g.real.Replace(value)
		if !isConsent(id) {
			before := g.commits()
			for _, raw := range g.attempts(g.robin, id, value) {
				out := g.hear("INTERACTION_CREATE", raw)
				g.untouched(t, before, out)
				g.check(t, out)
			}
		}
		for _, raw := range g.attempts(g.alex, id, value) {
			g.check(t, g.hear("INTERACTION_CREATE", raw))
		}
	})
}

func (g *forge) attempts(p *discordtest.Person, id, value string) []string {
	return []string{
		g.craft(p, onComponent, object{"custom_id": id}),
		g.craft(p, onComponent, object{"custom_id": id, "values": []string{value}}),
		g.craft(p, onSubmit, formData(id, value)),
	}
}

// isConsent holds for the buttons that anybody may press and that make them a
// person: a yes to the terms.
func isConsent(id string) bool {
	return id == customID("partner/invited") || strings.HasPrefix(id, customID("partner/invited", "")) || strings.HasPrefix(id, customID("scene/alone", ""))
}

var messageSeeds = []string{
	`{"id":"1","channel_id":"ALEXDM","author":{"id":"ALEX","username":"alex","global_name":"Alex"},"content":"Quiet today.","type":0}`,
	`{"id":"2","channel_id":"ALEXDM","author":{"id":"ALEX"},"content":"","type":0,"attachments":[{"id":"9","filename":"a.png"}]}`,
	`{"id":"3","channel_id":"ALEXDM","author":{"id":"ALEX"},"content":"","sticker_items":[{}],"message_snapshots":[null],"poll":{}}`,
	`{"id":"4","channel_id":"ALEXDM","author":{"id":"ALEX"},"content":"in reply","type":19,"message_reference":{"message_id":"5"},"referenced_message":null}`,
	`{"id":"1","channel_id":"ALEXDM","author":{"id":"ALEX"},"content":"Quiet, and good.","edited_timestamp":"2026-03-11T20:00:00Z"}`,
	`{"id":"1","channel_id":"ALEXDM","author":{"id":"ALEX"},"content":"","edited_timestamp":"x"}`,
	`{"id":"1","channel_id":"ALEXDM"}`,
	`{"id":"6","channel_id":"ALEXDM","author":{"id":"ALEX","bot":true},"content":"mine"}`,
	`{"id":"7","channel_id":"4","guild_id":"3","author":{"id":"ALEX"},"content":"in a server"}`,
	`{"id":"8","channel_id":"ALEXDM","author":null,"content":"nobody's"}`,
	`{"id":"9","channel_id":"ALEXDM","flags":64,"author":{"id":"ALEX"},"content":"ephemeral"}`,
	`{"id":"10","channel_id":"4","author":{"id":"ROBIN"},"content":"hello?"}`,
	`{"id":"11","channel_id":"4","author":{"id":"777"},"content":"hello?","components":[{"type":99}]}`,
	`{"id":"12","channel_id":"ALEXDM","author":{"id":"SAM"},"content":"\u0000\ufffd\ud800 @everyone <@1> [a](b)","type":0}`,
	`{"id":13,"channel_id":"ALEXDM","author":{"id":"ALEX"}}`,
	`{"id":"14","channel_id":"ALEXDM","author":{"id":"ALEX"},"type":1e99,"flags":-1,"attachments":{}}`,
	`{}`, `null`, `[]`, `7`, `{`, ``,
}

var messageKinds = []string{"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK", "TYPING_START", ""}

// FuzzMessage hands the bot messages of every shape, new, edited and deleted. The
// bot answers only by deliveries, so nothing at all goes to whoever has not agreed.
func FuzzMessage(f *testing.F) {
	for i := range messageKinds {
		for _, s := range messageSeeds {
			f.Add(uint8(i), s)
		}
	}
	g := newForge(f)
	f.Fuzz(func(t *testing.T, kind uint8, raw string) {
		g.t = t
		raw = g.real.Replace(raw)
		before := g.commits()
		what := messageKinds[int(kind)%len(messageKinds)]
		out := g.hear(what, raw)
		if by := author(raw); what != "MESSAGE_DELETE" && by != g.alex.ID() && by != g.sam.ID() && by != "" {
			g.untouched(t, before, out)
		}
		g.checkTyped(t, out)
	})
}

// checkTyped is check, where too many words are refused on purpose.
func (g *forge) checkTyped(t testing.TB, out []request) {
	t.Helper()
	for _, wrong := range g.complaints(out) {
		t.Error(wrong)
	}
	for _, bad := range g.log.take() {
		if !strings.Contains(bad, store.ErrTooOften.Error()) {
			t.Errorf("the log: %s", bad)
		}
	}
}

// author is who wrote a message. A deletion names nobody, whatever is in it.
func author(raw string) string {
	var m message
	if json.Unmarshal([]byte(raw), &m) != nil || m.Author == nil {
		return ""
	}
	return m.Author.ID
}

// FuzzForm fills any words into each form. They arrive whole, in messages that
// fit, and can be changed and taken out again.
func FuzzForm(f *testing.F) {
	for _, words := range hostile {
		f.Add(words)
	}
	for _, words := range []string{"", " \n ", "\x00", "\xff\xfe", "2h ago", "tomorrow", strings.Repeat("@here ", 1000), strings.Repeat("𝔘", 6000)} {
		f.Add(words)
	}
	g := newForge(f)
	checkin := g.real.Replace("CHECKIN")
	share := customID("checkin/share", checkin, g.real.Replace("PACT"), "words")
	f.Fuzz(func(t *testing.T, words string) {
		g.t = t
		words = string([]rune(words)[:min(utf8.RuneCountInString(words), 6000)]) // valid, as JSON is
		g.fill(t, customID("checkin/write", checkin), words)
		g.check(t, g.hear("INTERACTION_CREATE", g.craft(g.alex, onComponent, object{"custom_id": share})))
		g.arrive(t, words)
		g.fill(t, g.real.Replace("1:relay/word:RELAY"), words)
		g.fill(t, g.real.Replace("1:relay/rewrite:RELAY"), words)
		g.fill(t, g.real.Replace("1:scene/retime:SCENE"), words)
		for _, id := range []string{customID("checkin/write", checkin), g.real.Replace("1:relay/rewrite:RELAY")} {
			g.check(t, g.hear("INTERACTION_CREATE", g.craft(g.alex, onComponent, object{"custom_id": id}))) // opens it again
		}
		g.check(t, g.hear("INTERACTION_CREATE", g.craft(g.alex, onComponent, object{"custom_id": g.real.Replace("1:relay/back:RELAY")})))
	})
}

func (g *forge) fill(t testing.TB, id, words string) {
	t.Helper()
	g.check(t, g.hear("INTERACTION_CREATE", g.craft(g.alex, onSubmit, formData(id, words))))
}

// arrive lets sam read, and finds every part of the words in sam's DM.
func (g *forge) arrive(t testing.TB, words string) {
	t.Helper()
	want := parts(strings.TrimSpace(words), perMessage)
	if len(want) == 0 {
		return
	}
	out := g.hear("INTERACTION_CREATE", g.craft(g.sam, onComponent, object{"custom_id": g.newest(g.sam, "relay")}))
	g.check(t, out)
	var shown []string
	for _, r := range out {
		if strings.HasSuffix(r.path, "/callback") {
			shown = append(shown, readCallback(t, r.body).content)
		}
	}
	for _, m := range g.sam.Sees() {
		shown = append(shown, m.Content)
	}
	for i, part := range want {
		if !slices.ContainsFunc(shown, func(s string) bool { return strings.Contains(s, part) }) {
			t.Errorf("part %d of %d did not arrive: %q", i+1, len(want), part)
		}
	}
}
