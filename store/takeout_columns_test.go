package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"aftercare/store"
)

// What becomes of each column in a takeout: the field in which it is, or "not: " and
// why it is in none, or "by: " for what it takes to find or to open the rest. A new
// column fails the test until somebody has decided.
var decided = map[string]string{
	"house.id":          "not: belongs to nobody",
	"house.proof":       "not: belongs to nobody",
	"house.copied_at":   "not: belongs to nobody",
	"house.restored_at": "not: belongs to nobody",
	"condemned.id":      "not: belongs to nobody",
	"condemned.key_id":  "not: names a key that nobody has any more",

	"persons.id":              "not: a row number",
	"persons.lookup":          "by: a hash of the id, which is in the file itself",
	"persons.key_id":          "by: names a key",
	"persons.account":         "account.discord_id",
	"persons.name":            "account.name",
	"persons.channel":         "account.dm_channel_id",
	"persons.seen":            "account.newest_heard_message_id",
	"persons.settings":        "settings.time_zone",
	"persons.chose":           "not: follows from the settings",
	"persons.consent_version": "account.agreed.version",
	"persons.consent_at":      "account.agreed.at",
	"persons.paused_at":       "account.paused_at",
	"persons.paused_until":    "account.paused_until",
	"persons.refused_at":      "not: when a message was refused may tell when a partner left something",
	"persons.woken_at":        "not: when what had waited was made due may tell the same",

	"invites.id":              "not: a row number",
	"invites.code":            "not: a hash; the code itself is kept nowhere",
	"invites.inviter":         "not: the person themself",
	"invites.consent_version": "invites[].agreed.version",
	"invites.consent_at":      "invites[].agreed.at",
	"invites.once":            "invites[].for_one_scene",
	"invites.expires_at":      "invites[].expires_at",

	"refusals.pair":       "not: a hash of two people, by which nobody is found",
	"refusals.refuser":    "not: a hash of the person, by which theirs go when they erase",
	"refusals.refused_at": "not: belongs to that hash",

	"pacts.id":      "not: a row number",
	"pacts.low":     "not: a row number; the partner is there by name",
	"pacts.high":    "not: a row number; the partner is there by name",
	"pacts.made_at": "partners[].linked_at",
	"pacts.once":    "partners[].for_one_scene",

	"sides.pact":            "not: a row number",
	"sides.person":          "not: the person themself",
	"sides.partner":         "not: a row number; the partner is there by name",
	"sides.partner_name":    "partners[].name",
	"sides.partner_account": "by: whom a command names is found by it; they are there by name",
	"sides.terms":           "partners[].sharing_mode",
	"sides.consent_version": "partners[].agreed.version",
	"sides.consent_at":      "partners[].agreed.at",
	"sides.fit_asked_at":    "partners[].does_it_still_fit.last_asked_at",
	"sides.fit_scenes":      "partners[].does_it_still_fit.scenes_since",
	"sides.fit_last_at":     "partners[].does_it_still_fit.last_scene_reached_you_at",

	"scenes.id":        "not: a row number",
	"scenes.kind":      "scenes[].kind",
	"scenes.ended_at":  "scenes[].ended_at",
	"scenes.size":      "scenes[].size",
	"scenes.occasion":  "not: a hash that finds the round of a date",
	"scenes.forget_at": "scenes[].kept_until",

	"participants.scene":       "not: a row number",
	"participants.person":      "not: the person themself",
	"participants.state":       "scenes[].you_are",
	"participants.recorded_at": "scenes[].recorded_by_you_at",
	"participants.request":     "not: a hash of an interaction",
	"participants.replied_at":  "scenes[].replied_at",
	"participants.terms":       "scenes[].together_with[]",

	"checkins.id":        "not: a row number",
	"checkins.scene":     "not: a row number; it stands below its scene",
	"checkins.person":    "not: the person themself",
	"checkins.mark":      "scenes[].checkins[].mark_hours",
	"checkins.due_at":    "scenes[].checkins[].due_at",
	"checkins.state":     "scenes[].checkins[].state",
	"checkins.step":      "scenes[].checkins[].step",
	"checkins.postponed": "scenes[].checkins[].times_put_off",
	"checkins.asked_at":  "scenes[].checkins[].asked_at",
	"checkins.nudge":     "scenes[].checkins[].one_more_time",
	"checkins.joined":    "scenes[].checkins[].asked_with_another",

	"answers.id":         "not: a row number",
	"answers.writer":     "not: the person themself",
	"answers.kind":       "wrote[].kind",
	"answers.checkin":    "scenes[].checkins[].answer.kind",
	"answers.scene":      "scenes[].wrote[].kind",
	"answers.reply_to":   "not: names what somebody else left, and goes with that",
	"answers.state":      "wrote[].state",
	"answers.body":       "wrote[].feeling",
	"answers.source":     "not: a hash of an interaction",
	"answers.only_words": "wrote[].something_beside_words",
	"answers.created_at": "wrote[].begun_at",
	"answers.shared_at":  "wrote[].first_shared_at",
	"answers.forget_at":  "wrote[].kept_until",

	"afters.scene":     "not: a row number; it stands below its scene",
	"afters.person":    "not: the person themself",
	"afters.kind":      "scenes[].look_back[].kind",
	"afters.step":      "scenes[].look_back[].step",
	"afters.postponed": "scenes[].look_back[].times_put_off",

	"words.id":         "not: a row number",
	"words.answer":     "not: a row number; they stand below their answer",
	"words.source":     "wrote[].words[].typed",
	"words.text":       "wrote[].words[].text",
	"words.created_at": "wrote[].words[].at",

	"shares.id":           "not: a row number",
	"shares.answer":       "not: a row number; they stand below their answer",
	"shares.reader":       "wrote[].shared_with[].with",
	"shares.level":        "wrote[].shared_with[].level",
	"shares.read_at":      "not: the reader's",
	"shares.need_read_at": "not: the reader's",

	"cards.person":     "not: the person themself",
	"cards.body":       "care_card.helps",
	"cards.changed_at": "care_card.changed_at",

	"gifts.id":         "not: a row number",
	"gifts.writer":     "not: the person themself",
	"gifts.reader":     "kind_words[].to",
	"gifts.text":       "kind_words[].words",
	"gifts.answer":     "not: whether they were given tells of their reader",
	"gifts.source":     "not: a hash of an interaction",
	"gifts.undone":     "not: whether their reader has left is the reader's",
	"gifts.created_at": "kind_words[].left_at",
	"gifts.forget_at":  "kind_words[].kept_until",

	"standings.id":         "not: a row number",
	"standings.proposer":   "standing_checkins[].suggested_by_you",
	"standings.partner":    "standing_checkins[].with",
	"standings.state":      "standing_checkins[].agreed",
	"standings.spec":       "standing_checkins[].when_cron",
	"standings.request":    "not: a hash of an interaction",
	"standings.created_at": "standing_checkins[].suggested_at",

	"turns.standing": "not: a row number",
	"turns.person":   "not: the person themself",
	"turns.next_at":  "standing_checkins[].next_at",

	"feelings.id":     "not: a row number",
	"feelings.person": "not: the person themself",
	"feelings.answer": "not: a row number",
	"feelings.body":   "history[].feeling",
	"feelings.at":     "history[].at",

	// Of what the bot has to send there is in the file when one's own check-ins come, and
	// notes on one's own history. The rest is about what others left.
	"deliveries.id":        "not: a row number",
	"deliveries.recipient": "not: the person themself",
	"deliveries.kind":      "history_notes[].due_at",
	"deliveries.part":      "not: which of several messages",
	"deliveries.pact":      "not: a row number",
	"deliveries.scene":     "not: a row number",
	"deliveries.checkin":   "scenes[].checkins[].comes_at",
	"deliveries.answer":    "not: a row number",
	"deliveries.share":     "not: a row number, of what somebody else left",
	"deliveries.standing":  "not: a row number",
	"deliveries.words_of":  "not: a row number, of somebody else",
	"deliveries.subject":   "not: a row number",
	"deliveries.note":      "not: which plain sentence a message says",
	"deliveries.want":      "scenes[].checkins[].comes_at",
	"deliveries.due_at":    "history_notes[].due_at",
	"deliveries.wanted_at": "not: where quiet hours moved a check-in from; due_at says it",
	"deliveries.next_at":   "scenes[].checkins[].comes_at",
	"deliveries.waiting":   "not: that Discord refused tells of what others left, too",
	"deliveries.attempts":  "not: how a message fared on its way",
	"deliveries.round":     "not: how a message fared on its way",
	"deliveries.version":   "not: how a message fared on its way",
	"deliveries.unsure_at": "not: how a message fared on its way",
	"deliveries.lease":     "not: how a message fared on its way",
	"deliveries.message":   "not: the message stands in their own DM",
	"deliveries.heard_as":  "not: a hash of that message's id",
	"deliveries.sent_at":   "history_notes[].sent_at",
}

// decidedWithin is decided for what is in a column that is sealed as JSON.
var decidedWithin = map[string]string{
	"persons.settings.ask_first":  "settings.ask_me_first",
	"persons.settings.zone":       "settings.time_zone",
	"persons.settings.quiet.from": "settings.quiet_hours.from",
	"persons.settings.quiet.to":   "settings.quiet_hours.to",
	"persons.settings.marks[]":    "settings.marks_hours[]",
	"persons.settings.touch":      "settings.early_line",
	"persons.settings.much":       "settings.how_much",
	"persons.settings.share":      "settings.share_by_default",
	"persons.settings.plain":      "settings.plain_previews",
	"persons.settings.nudge":      "settings.one_more_time",
	"persons.settings.language":   "settings.language",
	"persons.settings.history":    "settings.keep_history",
	"persons.settings.trend":      "settings.history_notes",
	"persons.settings.after":      "settings.look_back",
	"persons.settings.tidy":       "settings.bot_messages_stay",
	"persons.settings.stopped[]":  "partners[].stopped_by_you",

	"sides.terms.mode":    "partners[].sharing_mode",
	"sides.terms.changed": "partners[].sharing_mode_changed_at",

	"answers.body.feeling": "wrote[].feeling",
	"answers.body.need":    "wrote[].need",
	"answers.body.topic":   "wrote[].topic",
	"answers.body.checkin": "not: a row number",

	"cards.body.helps":   "care_card.helps",
	"cards.body.worse":   "care_card.makes_it_worse",
	"cards.body.reach":   "care_card.how_to_reach_me",
	"cards.body.comfort": "care_card.comfort",
	"cards.body.avoid":   "care_card.words_to_avoid",

	"feelings.body.feeling": "history[].feeling",
	"feelings.body.mark":    "history[].mark_hours",
	"feelings.body.scene":   "not: a row number",
	"feelings.body.size":    "history[].size",
	"feelings.body.round":   "history[].round",
	"feelings.body.asked":   "history[].asked_at",
}

// settingsElsewhere are settings that are in a file, and not among its settings.
var settingsElsewhere = []string{"Stopped"}

// TestTakeoutDecidesWithinColumns is TestTakeoutDecidesAboutEachColumn for what is
// sealed as JSON: a field that is added there is a column that nobody sees.
func TestTakeoutDecidesWithinColumns(t *testing.T) {
	t.Parallel()
	fields, sealed := store.TakeoutFields(), store.SealedFields()
	for _, f := range sealed {
		if where, ok := decidedWithin[f]; !ok || !isLeftOut(where) && !slices.Contains(fields, where) {
			t.Errorf("is %s in a takeout? Say so in decidedWithin (%q is no field), and in export-format.md if it is", f, where)
		}
	}
	for f := range decidedWithin {
		if !slices.Contains(sealed, f) {
			t.Errorf("there is no %s", f)
		}
	}
	if unseen := store.UnseenSettings(); !slices.Equal(unseen, settingsElsewhere) {
		t.Errorf("settings that don't show among those of a takeout: %v, want %v", unseen, settingsElsewhere)
	}
}

func isLeftOut(where string) bool {
	return strings.HasPrefix(where, "not: ") || strings.HasPrefix(where, "by: ")
}

// owns tells which rows of a table are a person's own, or shared by everybody in
// them; $1 is the person.
var owns = map[string]string{
	"house":        "0",
	"condemned":    "0",
	"persons":      "id = $1",
	"invites":      "inviter = $1",
	"refusals":     "0",
	"pacts":        "low = $1 OR high = $1",
	"sides":        "person = $1",
	"scenes":       "id IN (SELECT scene FROM participants WHERE person = $1)",
	"participants": "person = $1",
	"checkins":     "person = $1",
	"answers":      "writer = $1",
	"afters":       "person = $1",
	"words":        "answer IN (SELECT id FROM answers WHERE writer = $1)",
	"shares":       "answer IN (SELECT id FROM answers WHERE writer = $1)",
	"cards":        "person = $1",
	"gifts":        "writer = $1",
	"standings":    "id IN (SELECT standing FROM turns WHERE person = $1)",
	"turns":        "person = $1",
	"feelings":     "person = $1",
	"deliveries":   "recipient = $1",
}

// column is a column as SQLite tells of it.
type column struct {
	table, name, kind string
	number            bool // it is a row number, or points at one
}

func (c column) String() string { return c.table + "." + c.name }

func (w *world) columns() (out []column) {
	w.Helper()
	rows, err := store.DB(w.Store).Query(`
		SELECT t.name, c.name, c.type,
		       c.pk > 0 OR c.hidden > 0 OR EXISTS (SELECT 1 FROM pragma_foreign_key_list(t.name) f WHERE f."from" = c.name)
		FROM sqlite_schema t
		JOIN pragma_table_xinfo(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'
		ORDER BY t.name, c.cid
	`)
	w.ok(err)
	defer rows.Close()
	for rows.Next() {
		var c column
		w.ok(rows.Scan(&c.table, &c.name, &c.kind, &c.number))
		out = append(out, c)
	}
	w.ok(rows.Err())
	return out
}

// TestTakeoutDecidesAboutEachColumn misses a column of which nobody has said whether it
// is in the file.
func TestTakeoutDecidesAboutEachColumn(t *testing.T) {
	t.Parallel()
	fields := store.TakeoutFields()
	columns := newWorld(t).columns()
	for _, c := range columns {
		where, ok := decided[c.String()]
		if !ok {
			t.Errorf("is %s in a takeout? Say so in decided, and in export-format.md if it is", c)
		}
		if !isLeftOut(where) && !slices.Contains(fields, where) {
			t.Errorf("%s is said to be in %q, which is no field", c, where)
		}
		if owns[c.table] == "" {
			t.Errorf("whose are the rows of %s? Say so in owns", c.table)
		}
	}
	for name := range decided {
		if !slices.ContainsFunc(columns, func(c column) bool { return c.String() == name }) {
			t.Errorf("there is no %s", name)
		}
	}
}

// changes are what a column can be changed to, by its type: the first that the schema
// takes is.
var changes = map[string][]string{
	"INTEGER": {"COALESCE(%s, 1000) + 60000", "1 - %s", "%s + 1", "%s - 1"},
	"BLOB":    {"randomblob(40)"},
	"TEXT": {
		"'later'", "'moment'", "'after'", "'skipped'", "'gone'", "'kept'", "'draft'", "'out'", "'asked'", "'round'", "'light'", "'edit'", "'done'",
		"'offered'", "'part'", "'here'", "'nobody'",
	},
}

// TestTakeoutReadsOnlyOwnRows changes everything in the database, a column at a time.
// What is anybody else's changes nothing in somebody's file, whatever it is changed to,
// and is not even opened; what is their own shows, unless it was decided otherwise.
func TestTakeoutReadsOnlyOwnRows(t *testing.T) {
	t.Parallel()
	w := newCrowd(t)
	var me int64
	w.ok(store.InTx(w.ctx, w.Store, func(t *store.Tx) error {
		return t.QueryRow(`SELECT id FROM persons ORDER BY id LIMIT 1`).Scan(&me) // alex, who was there first
	}))
	_, err := store.DB(w.Store).Exec(`INSERT INTO condemned (key_id) VALUES (X'01')`) // which else is empty but for an instant
	w.ok(err)
	before, _, err, _ := store.ChangeAndTake(w.ctx, w.Store, alex.ID, `UPDATE house SET id = id`)
	w.ok(err)
	if !strings.Contains(before, marks[alex]) {
		t.Fatal("this is somebody else's file")
	}
	tried := map[string]int{}
	for _, c := range w.columns() {
		if c.number {
			continue
		}
		for own, where := range map[bool]string{true: owns[c.table], false: "NOT (" + owns[c.table] + ")"} {
			if own && strings.HasPrefix(decided[c.String()], "by: ") {
				continue
			}
			shows, changed := w.shows(c, where, me, before)
			if !changed {
				continue
			}
			tried[fmt.Sprint(c.table, own)]++
			inFile := !isLeftOut(decided[c.String()])
			switch {
			case !own && shows != "":
				t.Errorf("%s of somebody else shows: %s", c, shows)
			case own && inFile && shows == "":
				t.Errorf("%s is said to be in %s, and a change of it does not show", c, decided[c.String()])
			case own && !inFile && shows != "":
				t.Errorf("%s is said not to be in the file, and a change of it shows: %s", c, shows)
			}
		}
	}
	for table, whose := range owns {
		if tried[table+"true"] == 0 && whose != "0" {
			t.Errorf("nothing of alex's was tried in %s", table)
		}
		if tried[table+"false"] == 0 {
			t.Errorf("nothing of anybody else's was tried in %s", table)
		}
	}
}

// shows tells what a change of a column, in the rows of which where is true, does to
// alex's file; changed is false where the schema takes none.
func (w *crowded) shows(c column, where string, me int64, before string) (shows string, changed bool) {
	w.Helper()
	for _, to := range changes[c.kind] {
		if strings.Contains(to, "%s") {
			to = fmt.Sprintf(to, c.name)
		}
		query := fmt.Sprintf(`UPDATE %s SET %s = %s WHERE (%s) AND $1 = $1 AND %s IS NOT %s`, c.table, c.name, to, where, c.name, to)
		file, n, taking, changing := store.ChangeAndTake(w.ctx, w.Store, alex.ID, query, me)
		switch {
		case changing != nil || n == 0:
			continue
		case taking != nil:
			return taking.Error(), true
		case file == before && c.kind == "TEXT":
			changed = true // another word may show
			continue
		case file != before:
			return differs(indented(before), indented(file)), true
		}
		return "", true
	}
	return "", changed
}

func indented(file string) string {
	b, err := json.MarshalIndent(json.RawMessage(file), "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}
