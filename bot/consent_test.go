package bot

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"aftercare/bot/discordtest"
	"aftercare/bot/text"
)

var (
	consentSeed = flag.Uint64("consent-seed", 0, "the acts of TestConsent; 0 draws some")
	consentActs = flag.Int("consent-acts", 0, "how many acts; 0 is the usual number")
)

// TestConsent lets four people do anything they can, in any order: record scenes,
// answer, share, take back, edit, delete, pause, leave, erase everything, clear their
// DM, change settings, wait. After
// every act it looks at all that each of them can see. Nobody sees words that their
// writer does not give them at that moment, and a stranger who asks for anybody
// gets one answer, whether that person is linked, has paused, has left, or never came.
//
//	go test ./bot -run TestConsent -consent-seed 7 -consent-acts 5000
//
// What somebody gives is known from what they pressed and wrote, never from the
// bot's tables; those only tell which check-in a message is about.
func TestConsent(t *testing.T) {
	seeds, acts := []uint64{1, 2, 3, rand.Uint64()}, 500
	if testing.Short() {
		seeds, acts = seeds[3:], 200
	}
	if *consentSeed != 0 {
		seeds = []uint64{*consentSeed}
	}
	if *consentActs != 0 {
		acts = *consentActs
	}
	for _, seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newConsent(t, seed)
				disconnect := c.connect(c.bot)
				c.begin()
				for range acts {
					c.act()
					c.judge()
					if t.Failed() {
						t.Logf("-consent-seed %d; what they did:\n%s", seed, strings.Join(c.diary[max(0, len(c.diary)-60):], "\n"))
						break
					}
				}
				t.Logf("%d words, %d of them seen by whom they were given to; %d questions about others; %d times erased", len(c.said), len(c.seen), c.probes, c.erased)
				if !t.Failed() && acts >= 500 && (len(c.seen) == 0 || c.probes == 0) {
					t.Error("nothing was tried")
				}
				disconnect()
				c.discord.DropConnections()
				for _, err := range c.discord.Errors() {
					t.Errorf("Discord would refuse: %v", err)
				}
			})
		})
	}
}

// consent is an evening, and what everybody gives to whom.
type consent struct {
	*evening
	rng    *rand.Rand
	people []*discordtest.Person
	rows   map[string]*discordtest.Person // by their row in the table of persons
	linked map[[2]string]bool             // both ways, by name
	paused map[string]bool
	buried map[string]bool            // rows that are nobody's
	said   map[string]*spoken         // by the word that marks it
	typed  map[string][]string        // the words that somebody typed, and could edit
	forms  map[string]string          // by name: what the form before them is about
	given  map[string]map[string]bool // by subject: who is given it
	seen   map[string]bool            // words that were seen by somebody they were given to
	probes int
	erased int
	diary  []string
}

// spoken is something that somebody wrote.
type spoken struct {
	by      *discordtest.Person
	subject string // what it belongs to: a check-in, or an answer on its own
	replyTo string // what was left for them, that it answers
	form    bool
	gone    bool // deleted
}

func newConsent(t *testing.T, seed uint64) *consent {
	c := &consent{
		evening: newEvening(t), rng: rand.New(rand.NewPCG(seed, 3)), rows: map[string]*discordtest.Person{},
		linked: map[[2]string]bool{}, said: map[string]*spoken{}, given: map[string]map[string]bool{},
		paused: map[string]bool{}, buried: map[string]bool{}, typed: map[string][]string{}, forms: map[string]string{}, seen: map[string]bool{},
	}
	c.people = []*discordtest.Person{c.alex, c.sam, c.kit}
	return c
}

// begin links alex with sam and with kit; robin stays a stranger.
func (c *consent) begin() {
	c.t.Helper()
	c.pair(c.alex, c.sam)
	c.pair(c.alex, c.kit)
}

func (c *consent) pair(a, b *discordtest.Person) {
	c.t.Helper()
	c.links(a, b)
	c.linked[[2]string{a.Name(), b.Name()}], c.linked[[2]string{b.Name(), a.Name()}] = true, true
	for _, p := range []*discordtest.Person{a, b} { // rows come in the order in which people agree
		if !slices.Contains(slices.Collect(maps.Values(c.rows)), p) {
			for _, id := range c.column(`SELECT id FROM persons ORDER BY id`) {
				if c.rows[id] == nil && !c.buried[id] {
					c.rows[id] = p
					break
				}
			}
		}
	}
}

func (c *consent) note(format string, args ...any) {
	c.diary = append(c.diary, c.now().Format("02 15:04 ")+fmt.Sprintf(format, args...))
}

func one[T any](c *consent, list []T) T { return list[c.rng.IntN(len(list))] }

// probe has somebody ask for a person whom they can't name, for whatever reason.
func (c *consent) probe() {
	p, q := one(c, append(c.people, c.robin)), one(c, append(c.people, c.robin))
	if p == q || c.paused[p.Name()] || c.linked[[2]string{p.Name(), q.Name()}] && !c.paused[q.Name()] {
		return
	}
	before := len(q.Sees())
	c.run(p, "/scene ended partner:@"+q.Name())
	c.probes++
	if sees := p.SeesInServer(); len(sees) == 0 || sees[len(sees)-1].Content != text.T(text.SceneNotLinked) {
		c.t.Errorf("%s, who can't name %s, hears something else: %q", p.Name(), q.Name(), sees[len(sees)-1].Content)
	}
	if n := len(q.Sees()); n > before {
		c.t.Errorf("%s was written to: %q", q.Name(), q.Sees()[n-1].Content)
	}
}

// judge looks at all that everybody can see.
func (c *consent) judge() {
	c.t.Helper()
	for _, p := range append(c.people, c.robin) {
		for _, m := range append(p.Sees(), p.SeesInServer()...) {
			if m.Author != "bot" {
				continue
			}
			for _, name := range marked.FindAllString(m.Content, -1) {
				switch s := c.said[name]; {
				case s == nil || s.by == p:
				case s.subject == "card "+s.by.Name() && (p == c.alex || s.by == c.alex) && p != c.robin: // those who are linked, or were
					c.seen[name] = true
				case s.gone:
					c.t.Errorf("%s sees %s, which %s deleted", p.Name(), name, s.by.Name())
				case !c.given[s.subject][p.Name()]:
					c.t.Errorf("%s sees %s of %s (%s), which is not given to them: %q", p.Name(), name, s.by.Name(), s.subject, m.Content)
				default:
					c.seen[name] = true
				}
			}
		}
	}
}
