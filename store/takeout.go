package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"
)

// TakeoutVersion is the version of the format of a Takeout. A field that is taken out,
// or means something else, makes a new one; a field that is added does not.
const TakeoutVersion = 1

// keepInTakeout is how long words that somebody else may have read are in a takeout,
// from when they could first be read. They are kept until a day after they were: up to
// then every such word is there, and later whether it is would tell if it was read.
const keepInTakeout = keepReadWords

// takeout is everything that is kept about one person, and nothing of anybody else:
// nothing in it depends on what a partner answered, read, set or wrote, nor on whether
// they have paused or left. cmd/aftercare/docs/export-format.md explains each field, and the test of
// this file holds the two together. A nil is nothing: never, not chosen, not known.
type takeout struct {
	Format   string            `json:"format"`
	Version  int               `json:"version"`
	MadeAt   time.Time         `json:"made_at"`
	Account  takenAccount      `json:"account"`
	Settings takenSettings     `json:"settings"`
	Invites  []takenInvite     `json:"invites"`
	Partners []takenPartner    `json:"partners"`
	Card     *takenCard        `json:"care_card"`
	Gifts    []takenGift       `json:"kind_words"`
	Scenes   []takenScene      `json:"scenes"`
	Wrote    []takenAnswer     `json:"wrote"`
	Standing []takenStanding   `json:"standing_checkins"`
	History  []takenFeeling    `json:"history"`
	Notes    []takenTrendNotes `json:"history_notes"`
}

type takenAgreement struct {
	Version int        `json:"version"`
	At      *time.Time `json:"at"`
}

type takenAccount struct {
	ID     string         `json:"discord_id"`
	Name   string         `json:"name"`
	DM     *string        `json:"dm_channel_id"`
	Heard  *string        `json:"newest_heard_message_id"`
	Agreed takenAgreement `json:"agreed"`
	Paused *time.Time     `json:"paused_at"`
	Until  *time.Time     `json:"paused_until"`
}

type takenHours struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type takenSettings struct {
	AskFirst bool        `json:"ask_me_first"`
	Zone     *string     `json:"time_zone"`
	Quiet    *takenHours `json:"quiet_hours"`
	Marks    []float64   `json:"marks_hours"`
	Touch    bool        `json:"early_line"`
	Much     string      `json:"how_much"`
	Share    *string     `json:"share_by_default"`
	Plain    bool        `json:"plain_previews"`
	Nudge    bool        `json:"one_more_time"`
	Language *string     `json:"language"`
	History  bool        `json:"keep_history"`
	Trend    bool        `json:"history_notes"`
	After    bool        `json:"look_back"`
	Tidy     string      `json:"bot_messages_stay"`
}

type takenInvite struct {
	Expires *time.Time     `json:"expires_at"`
	Once    bool           `json:"for_one_scene"`
	Agreed  takenAgreement `json:"agreed"`
}

type takenPartner struct {
	Name    string         `json:"name"`
	Linked  *time.Time     `json:"linked_at"`
	Agreed  takenAgreement `json:"agreed"`
	Once    bool           `json:"for_one_scene"`
	Mode    Mode           `json:"sharing_mode"`
	Changed *time.Time     `json:"sharing_mode_changed_at"`
	Stopped bool           `json:"stopped_by_you"`
	Fits    takenFits      `json:"does_it_still_fit"`
}

type takenFits struct {
	Asked  *time.Time `json:"last_asked_at"`
	Scenes int64      `json:"scenes_since"`
	Last   *time.Time `json:"last_scene_reached_you_at"`
}

type takenCard struct {
	Helps   string     `json:"helps"`
	Worse   string     `json:"makes_it_worse"`
	Reach   string     `json:"how_to_reach_me"`
	Comfort string     `json:"comfort"`
	Avoid   string     `json:"words_to_avoid"`
	Changed *time.Time `json:"changed_at"`
}

type takenGift struct {
	To      string     `json:"to"`
	Left    *time.Time `json:"left_at"`
	Until   *time.Time `json:"kept_until"`
	Words   *string    `json:"words"`
	Omitted bool       `json:"words_left_out"`
}

type takenScene struct {
	Kind     string         `json:"kind"`
	Ended    *time.Time     `json:"ended_at"`
	Size     Size           `json:"size"`
	Until    *time.Time     `json:"kept_until"`
	With     []string       `json:"with"`
	Together []string       `json:"together_with"`
	State    string         `json:"you_are"`
	Recorded *time.Time     `json:"recorded_by_you_at"`
	Replied  *time.Time     `json:"replied_at"`
	CheckIns []takenCheckIn `json:"checkins"`
	After    []takenAfter   `json:"look_back"`
	Wrote    []takenAnswer  `json:"wrote"`
}

type takenCheckIn struct {
	Mark      float64      `json:"mark_hours"`
	Due       *time.Time   `json:"due_at"`
	Comes     *time.Time   `json:"comes_at"`
	Asked     *time.Time   `json:"asked_at"`
	State     string       `json:"state"`
	Step      Step         `json:"step"`
	Postponed int          `json:"times_put_off"`
	Nudge     *string      `json:"one_more_time"`
	Joined    bool         `json:"asked_with_another"`
	Answer    *takenAnswer `json:"answer"`
}

type takenAfter struct {
	Kind      string `json:"kind"`
	Step      string `json:"step"`
	Postponed int    `json:"times_put_off"`
}

type takenAnswer struct {
	Kind      string       `json:"kind"`
	Made      *time.Time   `json:"begun_at"`
	Until     *time.Time   `json:"kept_until"`
	State     string       `json:"state"`
	Feeling   *Feeling     `json:"feeling"`
	Need      *Need        `json:"need"`
	Topic     *Topic       `json:"topic"`
	Words     []takenWords `json:"words"`
	Omitted   bool         `json:"words_left_out"`
	OnlyWords bool         `json:"something_beside_words"`
	Shared    *time.Time   `json:"first_shared_at"`
	Shares    []takenShare `json:"shared_with"`
}

type takenWords struct {
	At    *time.Time `json:"at"`
	Typed bool       `json:"typed"`
	Text  string     `json:"text"`
}

type takenShare struct {
	With  string `json:"with"`
	Level Level  `json:"level"`
}

type takenStanding struct {
	With *string    `json:"with"`
	Cron string     `json:"when_cron"`
	Made *time.Time `json:"suggested_at"`
	Own  bool       `json:"suggested_by_you"`
	On   bool       `json:"agreed"`
	Next *time.Time `json:"next_at"`
}

type takenFeeling struct {
	At      *time.Time `json:"at"`
	Asked   *time.Time `json:"asked_at"`
	Feeling Feeling    `json:"feeling"`
	Mark    float64    `json:"mark_hours"`
	Size    *Size      `json:"size"`
	Round   bool       `json:"round"`
}

type takenTrendNotes struct {
	Due  *time.Time `json:"due_at"`
	Sent *time.Time `json:"sent_at"`
}

// Takeout returns everything that is kept about a person, as one JSON text.
// ErrNotAgreed for somebody about whom nothing is.
func (s *Store) Takeout(ctx context.Context, account Private) (file Private, err error) {
	err = s.inView(ctx, func(t *tx) error {
		p, err := t.find(account)
		if err != nil {
			return err
		}
		out, err := t.takeout(p)
		if err != nil {
			return err
		}
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false) // it is read by people, and shown on no page
		err = e.Encode(out)
		file = Secret(b.String())
		return err
	})
	return file, err
}

// taker gathers one person's takeout.
type taker struct {
	*tx
	me    person
	sides []side // their own ends of pacts, of which they see the names
}

func (t *tx) takeout(p person) (out takeout, err error) {
	k := taker{tx: t, me: p}
	if k.sides, err = t.sides(p.id); err != nil {
		return out, err
	}
	out = takeout{Format: "aftercare-export", Version: TakeoutVersion, MadeAt: t.time(), Settings: takeSettings(p.settings)}
	for _, part := range []func(*takeout) error{
		k.takeAccount, k.takeInvites, k.takePartners, k.takeCard, k.takeGifts,
		k.takeScenes, k.takeWrote, k.takeStandings, k.takeHistory, k.takeNotes,
	} {
		if err := part(&out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// moment is a time of the database as the file has it.
func moment(ms sql.NullInt64) *time.Time {
	if !ms.Valid {
		return nil
	}
	at := fromMilli(ms.Int64)
	return &at
}

// some is a text that may be none.
func some[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}

func hours(ms int64) float64 { return (time.Duration(ms) * time.Millisecond).Hours() }

// name is how the person sees a partner; ok is false for whoever they have left, and
// for strangers.
func (k taker) name(partner int64) (name string, ok bool) {
	for _, s := range k.sides {
		if s.partner == partner {
			return s.name.Reveal(), true
		}
	}
	return "", false
}
