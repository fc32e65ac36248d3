package store

import (
	"context"
	"slices"
	"time"
	_ "time/tzdata" // the zones, for machines that have none
)

// Much is how much somebody wants to hear after a scene.
type Much string

// How much.
const (
	MuchFull  Much = ""      // a check-in at each mark
	MuchLight Much = "light" // one message, which asks nothing
	MuchNone  Much = "none"  // nothing; what partners leave still arrives
)

// Hours are the hours of a day in which nobody is prompted, in minutes after
// midnight in a person's own zone. They may go over midnight; none if both are equal.
type Hours struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// DefaultQuiet holds once a person's zone is known, until they choose otherwise.
var DefaultQuiet = Hours{From: 22 * 60, To: 9 * 60}

// Settings are a person's own choices. They are sealed as one text, and nobody
// else is told of any.
type Settings struct {
	AskFirst bool            `json:"ask_first,omitempty"` // nothing is booked before they say yes
	Zone     string          `json:"zone,omitempty"`      // IANA name; empty: not known
	Quiet    *Hours          `json:"quiet,omitempty"`     // nil: DefaultQuiet
	Marks    []time.Duration `json:"marks,omitempty"`     // rising; nil: the operator's
	Touch    bool            `json:"touch,omitempty"`     // a line an hour after a scene
	Much     Much            `json:"much,omitempty"`
	Share    Level           `json:"share,omitempty"` // of each answer; empty: asked each time
	Plain    bool            `json:"plain,omitempty"` // previews need not be neutral
	Nudge    bool            `json:"nudge,omitempty"` // one more word about a check-in, and no more
	Language string          `json:"language,omitempty"`
	History  bool            `json:"history,omitempty"` // own feelings are kept
	Trend    bool            `json:"trend,omitempty"`   // a private note about them
	After    bool            `json:"after,omitempty"`   // after the last mark: what to keep, what to change
}

// Location returns a person's time zone; ok is false while it is not known.
func (s Settings) Location() (loc *time.Location, ok bool) {
	if s.Zone == "" {
		return time.UTC, false
	}
	loc, err := time.LoadLocation(s.Zone)
	if err != nil {
		return time.UTC, false
	}
	return loc, true
}

// QuietHours returns the hours that hold; none while the zone is not known.
func (s Settings) QuietHours() (h Hours, ok bool) {
	if _, known := s.Location(); !known {
		return Hours{}, false
	}
	h = DefaultQuiet
	if s.Quiet != nil {
		h = *s.Quiet
	}
	return h, h.From != h.To
}

// Awake returns when somebody may be prompted: at the time given, or at the end
// of the quiet hours that it lies in.
func (s Settings) Awake(at time.Time) time.Time {
	h, ok := s.QuietHours()
	if !ok {
		return at
	}
	loc, _ := s.Location()
	local := at.In(loc)
	minute := local.Hour()*60 + local.Minute()
	within := minute >= h.From && minute < h.To
	if h.From > h.To {
		within = minute >= h.From || minute < h.To
	}
	if !within {
		return at
	}
	day := local.Day()
	if minute >= h.To {
		day++ // they end tomorrow
	}
	return time.Date(local.Year(), local.Month(), day, h.To/60, h.To%60, 0, 0, loc).UTC()
}

// prompts are the kinds that the bot sends by itself: they keep off a person's
// quiet hours, and go after what people left for each other.
var prompts = []Kind{KindCheckIn, KindHere, KindNudge, KindFits, KindAfter, KindMoment, KindTrend}

// isPrompt is prompts for SQL. The index deliveries_first has the same words.
const isPrompt = `kind IN ('checkin', 'here', 'nudge', 'fits', 'after', 'moment', 'trend')`

// awake moves a prompt to a person out of their quiet hours.
func (t *tx) awake(person int64, at int64) (int64, error) {
	p, err := t.person(person)
	if err != nil {
		return at, err
	}
	return p.settings.Awake(fromMilli(at)).UnixMilli(), nil
}

// Settings returns a person's own settings, or ErrNotAgreed.
func (s *Store) Settings(ctx context.Context, account Private) (out Settings, err error) {
	err = s.inView(ctx, func(t *tx) error {
		p, err := t.find(account)
		out = p.settings
		return err
	})
	return out, err
}

// quietly tells whether a delivery is a prompt that waits for the end of its
// person's quiet hours, and has it wait.
func (t *tx) quietly(d Delivery) (waits bool, err error) {
	if !slices.Contains(prompts, d.Kind) || d.Want != Post {
		return false, nil
	}
	at, err := t.awake(d.Recipient, t.now)
	if err != nil || at <= t.now {
		return false, err
	}
	_, err = t.Exec(`UPDATE deliveries SET next_at = $2 WHERE id = $1`, d.ID, at)
	return true, err
}

// ChangeSettings changes a person's own settings. ErrNotAgreed for nobody's.
func (s *Store) ChangeSettings(ctx context.Context, account Private, change func(*Settings)) (out Settings, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		p, err := t.find(account)
		if err != nil {
			return err
		}
		change(&p.settings)
		out = p.settings
		return t.saveSettings(p)
	})
	return out, err
}
