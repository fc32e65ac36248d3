package store

import (
	"context"
	"database/sql"
	"reflect"
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
	Stopped  []int64         `json:"stopped,omitempty"` // pacts whose partner sets up nothing for them (stop.go)
	Tidy     Tidy            `json:"tidy,omitempty"`    // how long the bot's messages stay in their DM
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
	if !h.holds(local) {
		return at
	}
	day := local.Day()
	if local.Hour()*60+local.Minute() >= h.To {
		day++ // they end tomorrow
	}
	end := time.Date(local.Year(), local.Month(), day, h.To/60, h.To%60, 0, 0, loc)
	for !end.After(at) || h.holds(end) { // where clocks go forward over their end
		end = end.Add(15 * time.Minute)
	}
	return end.UTC()
}

// holds tells whether a time of the day lies in the hours.
func (h Hours) holds(local time.Time) bool {
	minute := local.Hour()*60 + local.Minute()
	if h.From > h.To {
		return minute >= h.From || minute < h.To
	}
	return minute >= h.From && minute < h.To
}

// prompts are the kinds that the bot sends by itself: they keep off a person's
// quiet hours, and go after what people left for each other.
var prompts = []Kind{KindCheckIn, KindHere, KindFits, KindAfter, KindMoment, KindTrend}

// isPrompt is prompts for SQL. The index deliveries_first has the same words.
const isPrompt = `kind IN ('checkin', 'here', 'fits', 'after', 'moment', 'trend')`

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

// Agree notes that somebody agreed to what is kept about them, and owes them their
// first line. It returns the id of that delivery, or 0 if they had it before.
func (s *Store) Agree(ctx context.Context, who Who, consent int) (hello int64, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		p, err := t.greet(who, consent)
		if err != nil {
			return err
		}
		hello, err = t.unsent(p.id, KindHello)
		return err
	})
	return hello, err
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
	if d.Kind == KindCheckIn {
		c, err := t.checkinOf(d.ID)
		if err != nil {
			return false, err
		}
		if own, err := t.atOwnWish(c.id); err != nil || own {
			return false, err
		}
	}
	_, err = t.Exec(`UPDATE deliveries SET next_at = $2 WHERE id = $1`, d.ID, at)
	return true, err
}

// mostMarks is how many marks somebody may have, and between what times.
const (
	mostMarks    = 6
	shortestMark = time.Hour
	longestMark  = 7 * 24 * time.Hour
)

// valid tells whether settings are ones that a person can choose.
func (s Settings) valid() bool {
	if _, ok := s.Location(); !ok && s.Zone != "" || len(s.Marks) > mostMarks || !slices.IsSorted(s.Marks) {
		return false
	}
	for i, m := range s.Marks {
		if m < shortestMark || m > longestMark || i > 0 && m == s.Marks[i-1] {
			return false
		}
	}
	if h := s.Quiet; h != nil && (h.From < 0 || h.From >= 24*60 || h.To < 0 || h.To >= 24*60) {
		return false
	}
	return slices.Contains([]Much{MuchFull, MuchLight, MuchNone}, s.Much) &&
		slices.Contains([]Tidy{TidyWeek, TidyDay, TidyNever}, s.Tidy) &&
		slices.Contains(append(levels, unchosen), s.Share)
}

// ChangeSettings changes a person's own settings, also for what is scheduled
// already. ErrNotAgreed; ErrGone for settings that can't be chosen, which change
// nothing.
func (s *Store) ChangeSettings(ctx context.Context, account Private, change func(*Settings)) (out Settings, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		p, err := t.find(account)
		if err != nil {
			return err
		}
		out, err = t.change(p, change)
		return err
	})
	return out, err
}

func (t *tx) change(p person, change func(*Settings)) (Settings, error) {
	before := p.settings
	p.settings.Marks, p.settings.Stopped = slices.Clone(before.Marks), slices.Clone(before.Stopped)
	change(&p.settings)
	p.settings.Trend = p.settings.Trend && p.settings.History // there is nothing to note otherwise
	if !p.settings.valid() {
		return before, ErrGone
	}
	if err := t.saveSettings(p); err != nil {
		return before, err
	}
	chose := !reflect.DeepEqual(p.settings, Settings{})
	if _, err := t.Exec(`UPDATE persons SET chose = $2 WHERE id = $1`, p.id, chose); err != nil {
		return before, err
	}
	return p.settings, t.follow(p, before)
}

// follow brings what is scheduled for somebody in line with their new settings.
func (t *tx) follow(p person, before Settings) error {
	if !slices.Equal(p.settings.Marks, before.Marks) || p.settings.Much != before.Much || p.settings.Touch != before.Touch {
		scenes, err := t.ids(`
			SELECT i.scene FROM participants i
			WHERE i.person = $1 AND i.state = 'in'
			ORDER BY EXISTS (
				SELECT 1 FROM checkins c JOIN checkins j ON j.joined = c.id
				WHERE c.scene = i.scene AND c.person = i.person AND c.state = 'planned'
			) DESC -- what was joined to one on its way may come by itself, and is planned after that
		`, p.id)
		if err != nil {
			return err
		}
		for _, scene := range scenes {
			if err := t.planFor(scene, p.id, false); err != nil {
				return err
			}
		}
	}
	if p.settings.Much != before.Much && p.settings.Much != MuchFull {
		if err := t.askNoMore(p.id); err != nil {
			return err
		}
	}
	if p.settings.Tidy != before.Tidy {
		if err := t.retimeStrays(p); err != nil {
			return err
		}
	}
	if before.History && !p.settings.History {
		if err := t.forgetHistory(p.id); err != nil {
			return err
		}
	}
	return t.requiet(p)
}

// askNoMore stops what was asked after a scene from coming once more: put off, or
// by their wish for one more word. It stands where it is, and can be answered.
func (t *tx) askNoMore(person int64) error {
	again, err := t.ids(`
		SELECT c.id
		FROM checkins c
		JOIN scenes s ON s.id = c.scene AND s.kind = 'scene'
		WHERE c.person = $1 AND c.state IN ('asked', 'answering') AND (c.step = 'later' OR c.nudge = 'owed')
	`, person)
	if err != nil {
		return err
	}
	for _, id := range again {
		_, err := t.Exec(`
			UPDATE checkins
			SET step = CASE step WHEN 'later' THEN 'prompt' ELSE step END, nudge = CASE nudge WHEN 'owed' THEN NULL ELSE nudge END
			WHERE id = $1
		`, id)
		if err != nil {
			return err
		}
		if err := t.amend(`checkin`, id); err != nil {
			return err
		}
	}
	return nil
}

// requiet moves the prompts that are still to come to where the quiet hours that
// hold now leave them.
func (t *tx) requiet(p person) error {
	wanted := map[int64]int64{}
	rows, err := t.Query(`
		SELECT id, wanted_at FROM deliveries
		WHERE recipient = $1 AND `+isPrompt+` AND want = 'post' AND next_at > $2 AND lease IS NULL AND wanted_at IS NOT NULL
	`, p.id, t.now)
	err = each(rows, err, func(r *sql.Rows) error {
		var id, at int64
		err := r.Scan(&id, &at)
		wanted[id] = at
		return err
	})
	if err != nil {
		return err
	}
	for id, at := range wanted {
		due := p.settings.Awake(fromMilli(max(at, t.now))).UnixMilli()
		if _, err := t.Exec(`UPDATE deliveries SET due_at = $2, next_at = $2 WHERE id = $1`, id, due); err != nil {
			return err
		}
	}
	return nil
}

// Here is a line that asks nothing, after a scene.
type Here struct {
	Instead bool // it stands in place of the scene's check-ins
}
