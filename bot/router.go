package bot

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/text"
	"aftercare/store"
)

// event is an interaction as a handler sees it.
type event struct {
	who     store.Who
	path    string            // of the route
	request string            // Discord's id of it: the same one twice is done once
	options map[string]string // of a command, or of a form by field
	people  []store.Private   // accounts named in a command, in order
	args    []string          // of a custom id
	values  []string          // chosen from a menu
	inForm  bool
	focused string // the option that is being typed, when asked for choices
	app     string
	token   string
}

// arg returns an argument of a custom id; there may be fewer than asked for.
func (e *event) arg(i int) string {
	if i >= len(e.args) {
		return ""
	}
	return e.args[i]
}

// id returns a row number from a custom id; 0 finds nothing.
func (e *event) id(i int) int64 {
	n, _ := strconv.ParseInt(e.arg(i), 36, 64)
	return n
}

// reply is what a handler wants said.
type reply struct {
	say    say
	change bool     // show it in place of the message that carries the button
	form   *form    // open a form instead
	offer  []choice // choices for the option that is being typed, at most 25
	// after runs when the reply was given, and may change it once more.
	after func(ctx context.Context) (say, bool)
}

// tell replies with a message of its own, for the reader alone.
func tell(s say) reply { return reply{say: s} }

// show replies by changing the message that carries the button.
func show(s say) reply { return reply{say: s, change: true} }

// ask replies with a form.
func ask(f form) reply { return reply{form: &f} }

// errTooLong is for far more in one place than Discord lets anybody write.
var errTooLong = errors.New("more than a form takes")

// mostTaken is how many characters are taken at all. Discord holds people to
// mostWords; a little more, however it came about, is carried rather than lost.
const mostTaken = 4 * mostWords

// fits returns errTooLong for a form with very much more in a field than any of ours takes.
func (e *event) fits() error {
	for _, words := range e.options {
		if e.inForm && utf8.RuneCountInString(words) > mostTaken {
			return errTooLong
		}
	}
	return nil
}

// handler decides what to say to an event. It never sends.
type handler func(ctx context.Context, e *event) (reply, error)

// completing ends the route that offers choices for a command's options as they
// are typed. It is static: nothing about anybody is looked up for it.
const completing = "?"

type route struct {
	do     handler
	static bool // touches no database, so that it answers with the database gone
}

// table is every route: a command's path, or the one in a custom id.
func (b *Bot) table() map[string]route {
	t := map[string]route{}
	for _, group := range []map[string]handler{b.partnerRoutes(), b.sceneRoutes(), b.checkinRoutes(), b.relayRoutes(), b.roundRoutes(), b.standingRoutes(), b.settingsRoutes(), b.careRoutes(), b.historyRoutes(), b.afterRoutes(), b.talkRoutes(), b.privacyRoutes(), b.eraseRoutes()} {
		for path, do := range group {
			if _, twice := t[path]; twice {
				panic("bot: two handlers for " + path)
			}
			t[path] = route{do: do}
		}
	}
	for path, do := range b.staticRoutes() {
		t[path] = route{do: do, static: true}
	}
	t["settings"+completing] = route{do: b.settingsCompletions, static: true}
	for _, path := range paths(b.commands()) {
		if _, ok := t[path]; !ok {
			panic("bot: no handler for /" + path)
		}
	}
	return t
}

// answer runs the handler of an interaction and says what it returns.
func (b *Bot) answer(i *interaction, who store.Who) {
	ctx, cancel := context.WithTimeout(context.Background(), handleWithin)
	defer cancel()
	answering, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	defer b.Wake()
	path, e := read(i, who)
	r, ok := b.routes[path]
	if !ok {
		r = route{static: true, do: func(context.Context, *event) (reply, error) { return reply{}, store.ErrGone }}
	}
	var waiting func(say) func(context.Context) (say, bool)
	out, err := reply{}, e.fits()
	if err == nil {
		err = b.people.tried(func() (err error) {
			waiting = b.welcomeBack(ctx, r, who)
			out, err = r.do(ctx, e)
			return err
		})
	}
	if err != nil {
		out = b.excuse(path, err)
		out.say = out.say.add(handBack(e)...)
	}
	if waiting != nil && out.form == nil && out.after == nil {
		out.after = waiting(out.say)
	}
	err = b.respond(answering, i, out)
	b.o.Observer.Answered(i.sort(), time.Since(i.heard), err == nil)
	if err != nil {
		b.log.Warn("an answer did not reach Discord in time, and its person saw that; if it goes on, look at the network and the disk", "route", path, "err", err)
		b.reshow(path, e, out)
		return
	}
	b.follow(i, out)
}

// handBack returns what somebody wrote into a form that led nowhere: it is theirs.
func handBack(e *event) []string {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(e.options)) {
		if words := strings.TrimSpace(e.options[id]); e.inForm && words != "" {
			all = append(all, words)
		}
	}
	back := parts(strings.Join(all, "\n"), perMessage)
	if len(back) == 0 {
		return nil
	}
	return []string{text.T(text.FormBackToYou), back[0]}
}

// reshow has a message in a DM shown as things are now, after the answer that was
// to do so came too late: its buttons stay usable, and say what they do.
func (b *Bot) reshow(path string, e *event, out reply) {
	group, _, _ := strings.Cut(path, "/")
	if !out.change || e.id(0) == 0 || group == "scene" || group == "partner" || group == "talk" || group == "care" || group == "privacy" {
		return
	}
	ctx, cancel := context.WithTimeout(b.stopping, messageWithin)
	defer cancel()
	if err := b.store.Reshow(ctx, e.who.ID, e.id(0)); err != nil {
		b.log.Error("a message could not be brought up to date; if it goes on, see aftercare check", "route", path, "err", err)
	}
}

// welcomeBack has what Discord refused tried again, now that its person is at the
// keyboard, and returns how to tell them if it is refused once more.
func (b *Bot) welcomeBack(ctx context.Context, r route, who store.Who) func(say) func(context.Context) (say, bool) {
	if r.static {
		return nil
	}
	waiting, err := b.store.Here(ctx, who)
	if err != nil {
		b.log.Error("somebody's return could not be noted; if it goes on, see aftercare check", "err", err)
	}
	if waiting == 0 {
		return nil
	}
	outcome := b.outcomes.expect(waiting)
	if err := b.store.Retry(ctx, who.ID); err != nil {
		b.log.Error("what was refused could not be tried again; it is at their next command", "err", err)
		return nil
	}
	return func(s say) func(context.Context) (say, bool) { return b.unlessSent(waiting, outcome, s) }
}

// read takes an interaction apart.
func read(i *interaction, who store.Who) (path string, e *event) {
	e = &event{who: who, request: i.ID, options: map[string]string{}, app: i.AppID, token: i.Token}
	if i.Type == onCommand || i.Type == onCompletion {
		path, options := i.command()
		if i.Type == onCompletion {
			path += completing
		}
		for _, o := range options {
			if o.Type == int(discordgo.ApplicationCommandOptionUser) {
				e.people = append(e.people, store.Secret(o.text()))
				continue
			}
			e.options[o.Name] = o.text()
			if o.Focused {
				e.focused = o.Name
			}
		}
		e.path = path
		return path, e
	}
	parts := strings.Split(i.Data.CustomID, ":")
	if len(parts) < 2 || parts[0] != idVersion || strings.HasSuffix(parts[1], completing) {
		return "", e
	}
	e.path, e.args, e.values, e.inForm = parts[1], parts[2:], i.Data.Values, i.Type == onSubmit
	if e.inForm {
		e.options = i.fields()
	}
	return parts[1], e
}

// respond gives an interaction its one answer. Every message is for the reader
// alone, in servers and in the DM.
func (b *Bot) respond(ctx context.Context, i *interaction, r reply) error {
	type body struct {
		Type int `json:"type"`
		Data any `json:"data,omitempty"`
	}
	var out body
	switch {
	case i.Type == onCompletion:
		out = body{int(discordgo.InteractionApplicationCommandAutocompleteResult), map[string]any{"choices": choices(r.offer)}}
	case r.form != nil:
		out = body{int(discordgo.InteractionResponseModal), r.form.payload()}
	case r.change && i.Message != nil:
		p := withoutFlags(r.say.payload())
		p.Attachments = r.say.attached()
		out = body{int(discordgo.InteractionResponseUpdateMessage), p}
	default:
		p := r.say.payload()
		p.Flags |= flagEphemeral
		p.Attachments = r.say.attached()
		out = body{int(discordgo.InteractionResponseChannelMessageWithSource), p}
	}
	var sent any = out
	if f := r.say.file; f != nil && r.form == nil {
		sent = upload{body: out, name: f.name, kind: f.kind, data: f.data}
	}
	err := b.patiently(ctx, http.MethodPost, apiVersion+"/interactions/"+i.ID+"/"+i.Token+"/callback", sent, nil)
	if hasCode(err, codeAlreadyAnswered) {
		return nil // the first try did arrive
	}
	return err
}

// choices are what is offered for an option; none is no error to whoever types.
func choices(offer []choice) []discordgo.ApplicationCommandOptionChoice {
	out := []discordgo.ApplicationCommandOptionChoice{}
	for _, c := range offer {
		out = append(out, discordgo.ApplicationCommandOptionChoice{Name: c.label, Value: c.value})
	}
	return out
}

// withoutFlags is for changes in place, which keep the flags of the message.
func withoutFlags(p payload) payload { p.Flags = 0; return p }

const followWithin = 20 * time.Second

// follow lets a reply be changed once more, when something became known that the
// reply could not wait for.
func (b *Bot) follow(i *interaction, r reply) {
	if r.after == nil {
		return
	}
	b.outcomes.busy.Go(func() { b.people.guard(func() { b.changeOnce(i, r) }) })
}

func (b *Bot) changeOnce(i *interaction, r reply) {
	ctx, cancel := context.WithTimeout(b.stopping, followWithin)
	defer cancel()
	s, ok := r.after(ctx)
	if !ok {
		return
	}
	path := apiVersion + "/webhooks/" + i.AppID + "/" + i.Token + "/messages/@original"
	if err := b.patiently(ctx, http.MethodPatch, path, withoutFlags(s.payload()), nil); err != nil {
		b.log.Warn("an answer could not be changed", "err", err)
	}
}
