package discordtest

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode"
)

// The fixed inhabitants. Everything else gets its id from the clock.
const (
	botID     = "100000000000000001" // also the application's id
	serverID  = "300000000000000001"
	channelID = "400000000000000001"
	peopleID  = 200000000000000000 // first person: this plus one
	dmsID     = 500000000000000000 // the DM channel of the first person: this plus one
)

// Options are the ways in which one Discord may differ from another. The zero
// value is a Discord on the wall clock that accepts any token and says nothing.
type Options struct {
	// Now is the only clock: ids, deadlines, the nonce window, and the
	// relative times in the transcript. Nil means time.Now.
	Now func() time.Time

	// Check gives a verdict on each request; path has no version prefix.
	// Its error is kept for Errors, the request is carried out all the same.
	Check func(method, path string, body []byte) error

	// Say is called for each thing that a person can now see, one call at a
	// time and in order. It may call back into the Discord.
	Say func(Line)

	// Changed is called after each thing that may have changed what somebody sees,
	// or whether the bot is connected. It must not block, nor call back.
	Changed func()

	// Token, if set, is the bot's: other requests get 401, another Identify
	// is closed with 4004.
	Token string

	// Fault is asked about each request before it is carried out. Nil, or a
	// nil answer, means nothing goes wrong. See SetFault.
	Fault func(*http.Request) *Fault

	// Gateway says what goes wrong with the gateway. See SetGateway.
	Gateway Gateway

	// Application has fields of the application, as GET /applications/@me shows it,
	// that are not as they have to be, and its owner. See SetApplication.
	Application map[string]any
}

// Line is something that a person can now see.
type Line struct {
	Person string // who sees it; "" is everyone in the server
	Text   string // one or more lines, without a final newline
}

// Discord is one fake Discord. Its methods may be called from any goroutine.
type Discord struct {
	opts Options
	mux  *http.ServeMux

	mu           sync.Mutex // guards everything below; never held while something waits
	lastID       int64
	people       []*Person
	server       *channel
	channels     map[string]*channel
	messages     []*message // all of them, in order of their ids
	commands     []Command
	rawCommands  []object // the same, as they were registered
	interactions map[string]*interaction
	sessions     map[string]*session
	conns        map[*conn]bool
	open         int // gateway connections, counted until both sides are gone
	identifies   int
	resumes      int
	beats        int
	closedWith   []int // codes of the clients' close frames
	starts       int   // sessions that may still be begun, until startsReset
	startsReset  time.Time
	requests     int
	errs         []error
	lines        []Line // seen, not yet said
	speaking     bool
}

// channel is a DM, or the one channel of the server.
type channel struct {
	id   string
	with *Person // nil: the channel of the server
}

// object is a JSON object on its way in or out.
type object = map[string]any

// New returns a Discord in which only the bot lives as yet.
func New(o Options) *Discord {
	d := &Discord{
		opts:         o,
		server:       &channel{id: channelID},
		channels:     map[string]*channel{},
		interactions: map[string]*interaction{},
		sessions:     map[string]*session{},
		conns:        map[*conn]bool{},
	}
	d.channels[channelID] = d.server
	d.mux = d.routes()
	return d
}

// Person returns the person of that name, who joins the server when first
// named. Ids follow the order of arrival, so a test sees the same ones always.
func (d *Discord) Person(name string) *Person {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.person(name)
}

func (d *Discord) person(name string) *Person {
	for _, p := range d.people {
		if p.name == name {
			return p
		}
	}
	n := int64(len(d.people) + 1)
	p := &Person{d: d, id: strconv.FormatInt(peopleID+n, 10), name: name, locale: "en-US"}
	p.dm = &channel{id: strconv.FormatInt(dmsID+n, 10), with: p}
	d.channels[p.dm.id] = p.dm
	d.people = append(d.people, p)
	return p
}

func (d *Discord) personByID(id string) *Person {
	for _, p := range d.people {
		if p.id == id {
			return p
		}
	}
	return nil
}

// Known returns the names of the people, in order of arrival.
func (d *Discord) Known() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for _, p := range d.people {
		names = append(names, p.name)
	}
	return names
}

// Errors returns what a correct bot would not have caused: requests that Check
// objected to, malformed ones, unknown routes, unknown fields.
func (d *Discord) Errors() []error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]error(nil), d.errs...)
}

// Requests returns how many REST requests have arrived.
func (d *Discord) Requests() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests
}

// Posted returns every message that the bot has made and not deleted, oldest
// first: DMs, ephemeral and public ones alike.
func (d *Discord) Posted() []Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []Message
	for _, m := range d.messages {
		if m.author == nil && !m.gone && !m.loading {
			all = append(all, m.Message)
		}
	}
	return all
}

// SetNow replaces Options.Now. It is to be called before anything happens.
func (d *Discord) SetNow(now func() time.Time) { d.opts.Now = now }

func (d *Discord) now() time.Time {
	if d.opts.Now == nil {
		return time.Now()
	}
	return d.opts.Now()
}

// snowflake returns the next id: Discord's milliseconds in the upper bits,
// and always larger than the one before.
func (d *Discord) snowflake() string {
	const epoch = 1420070400000 // the first second of 2015
	id := max(d.now().UnixMilli()-epoch, 1) << 22
	d.lastID = max(id, d.lastID+1)
	return strconv.FormatInt(d.lastID, 10)
}

// do runs f with the lock held and then says what came of it.
func (d *Discord) do(f func()) {
	d.mu.Lock()
	f()
	d.mu.Unlock()
	if d.opts.Changed != nil {
		d.opts.Changed()
	}
	d.speak()
}

// see notes that p (nil: everyone) can now see text.
func (d *Discord) see(p *Person, text string) {
	l := Line{Text: text}
	if p != nil {
		l.Person = p.name
	}
	d.lines = append(d.lines, l)
}

// speak hands the lines to Say. Whoever is speaking already says ours too:
// so Say is called by one at a time, in order, and may call us back.
func (d *Discord) speak() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.speaking {
		return
	}
	d.speaking = true
	for len(d.lines) > 0 {
		l := d.lines[0]
		d.lines = d.lines[1:]
		if d.opts.Say == nil {
			continue
		}
		d.mu.Unlock()
		d.opts.Say(l)
		d.mu.Lock()
	}
	d.speaking = false
}

func (d *Discord) wrong(format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf(format, args...))
}

func capitalised(name string) string {
	r := []rune(name)
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}
