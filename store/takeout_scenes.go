package store

import "database/sql"

// takeScenes takes those that the person is in, with their own check-ins and answers. Of the
// others in them there is only the name of whom they are linked with.
func (k taker) takeScenes(out *takeout) error {
	out.Scenes = []takenScene{}
	ids, err := k.ids(`SELECT scene FROM participants WHERE person = $1 ORDER BY scene`, k.me.id)
	if err != nil {
		return err
	}
	for _, id := range ids {
		s, err := k.takeScene(id)
		if err != nil {
			return err
		}
		out.Scenes = append(out.Scenes, s)
	}
	return nil
}

func (k taker) takeScene(id int64) (s takenScene, err error) {
	var ended, until, recorded, replied sql.NullInt64
	err = k.QueryRow(`
		SELECT s.kind, s.ended_at, s.size, s.forget_at, p.state, p.recorded_at, p.replied_at
		FROM scenes s
		JOIN participants p ON p.scene = s.id AND p.person = $2
		WHERE s.id = $1
	`, id, k.me.id).Scan(&s.Kind, &ended, &s.Size, &until, &s.State, &recorded, &replied)
	if err != nil {
		return s, err
	}
	s.Ended, s.Until, s.Recorded, s.Replied = moment(ended), moment(until), moment(recorded), moment(replied)
	if err := k.takeCompany(id, &s); err != nil {
		return s, err
	}
	if s.CheckIns, err = k.takeCheckIns(id); err != nil {
		return s, err
	}
	if s.After, err = k.takeAfters(id); err != nil {
		return s, err
	}
	s.Wrote, err = k.takeAnswers(`scene = $2`, id)
	return s, err
}

// takeCompany is who else is in a scene, as the person sees it.
func (k taker) takeCompany(scene int64, s *takenScene) error {
	s.With, s.Together = []string{}, []string{}
	modes, err := k.sceneModes(scene, k.me.id)
	if err != nil {
		return err
	}
	readers, err := k.readers(scene, k.me.id)
	for _, r := range readers {
		s.With = append(s.With, r.name.Reveal())
		if modes[r.partner] == 1 {
			s.Together = append(s.Together, r.name.Reveal())
		}
	}
	return err
}

func (k taker) takeCheckIns(scene int64) ([]takenCheckIn, error) {
	out, ids := []takenCheckIn{}, []int64{}
	rows, err := k.Query(`
		SELECT c.id, c.mark, c.due_at, c.asked_at, c.state, c.step, c.postponed, c.nudge, c.joined IS NOT NULL,
		       CASE WHEN d.want = 'post' AND (c.state = 'planned' OR c.step = 'later' OR c.nudge = 'owed') THEN MAX(d.due_at, d.next_at) END
		FROM checkins c
		LEFT JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
		WHERE c.scene = $1 AND c.person = $2
		ORDER BY c.mark, c.id
	`, scene, k.me.id)
	err = each(rows, err, func(r *sql.Rows) error {
		var c takenCheckIn
		var id, mark int64
		var due, asked, comes sql.NullInt64
		err := r.Scan(&id, &mark, &due, &asked, &c.State, &c.Step, &c.Postponed, &c.Nudge, &c.Joined, &comes)
		c.Mark, c.Due, c.Asked, c.Comes = hours(mark), moment(due), moment(asked), moment(comes)
		out, ids = append(out, c), append(ids, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		answers, err := k.takeAnswers(`checkin = $2`, id)
		if err != nil {
			return nil, err
		}
		if len(answers) > 0 {
			out[i].Answer = &answers[0]
		}
	}
	return out, nil
}

func (k taker) takeAfters(scene int64) ([]takenAfter, error) {
	out := []takenAfter{}
	rows, err := k.Query(`SELECT kind, step, postponed FROM afters WHERE scene = $1 AND person = $2 ORDER BY kind`, scene, k.me.id)
	err = each(rows, err, func(r *sql.Rows) error {
		var a takenAfter
		err := r.Scan(&a.Kind, &a.Step, &a.Postponed)
		out = append(out, a)
		return err
	})
	return out, err
}

// takeWrote takes what the person wrote that belongs to no scene: words that they sent back,
// or typed by themselves. What came of kind words is on their list, and not here.
func (k taker) takeWrote(out *takeout) (err error) {
	out.Wrote, err = k.takeAnswers(`checkin IS NULL AND scene IS NULL AND $2 = 0`, 0)
	return err
}

// takeAnswers takes the person's own answers; $2 of where is arg.
func (k taker) takeAnswers(where string, arg int64) ([]takenAnswer, error) {
	out := []takenAnswer{}
	ids, err := k.ids(`
		SELECT id FROM answers
		WHERE writer = $1 AND `+where+` AND state <> 'gone' AND forget_at > $3
		  AND NOT EXISTS (SELECT 1 FROM gifts g WHERE g.answer = answers.id)
		ORDER BY id
	`, k.me.id, arg, k.now)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		a, err := k.takeAnswer(id)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func (k taker) takeAnswer(id int64) (out takenAnswer, err error) {
	a, err := k.loadAnswer(`id = $1`, id)
	if err != nil {
		return out, err
	}
	out = takenAnswer{
		Kind: a.kind, State: a.state, Feeling: some(a.body.Feeling), Need: some(a.body.Need), Topic: some(a.body.Topic),
		Words: []takenWords{}, OnlyWords: a.onlyWords,
	}
	var made, until, shared sql.NullInt64
	err = k.QueryRow(`SELECT created_at, forget_at, shared_at FROM answers WHERE id = $1`, id).Scan(&made, &until, &shared)
	if err != nil {
		return out, err
	}
	out.Made, out.Until, out.Shared = moment(made), moment(until), moment(shared)
	out.Omitted = k.past(a)
	if !out.Omitted {
		if out.Words, err = k.takeWords(id); err != nil {
			return out, err
		}
	}
	out.Shares, err = k.sharedWith(a)
	return out, err
}

func (k taker) takeWords(answer int64) ([]takenWords, error) {
	out := []takenWords{}
	rows, err := k.Query(`SELECT id, source IS NOT NULL, text, created_at FROM words WHERE answer = $1 AND text IS NOT NULL ORDER BY id`, answer)
	err = each(rows, err, func(r *sql.Rows) error {
		var w takenWords
		var id int64
		var sealed []byte
		var at sql.NullInt64
		if err := r.Scan(&id, &w.Typed, &sealed, &at); err != nil {
			return err
		}
		text, err := k.open(k.me.id, "words.text", id, sealed)
		w.Text, w.At = text.Reveal(), moment(at)
		out = append(out, w)
		return err
	})
	return out, err
}

// sharedWith is what the person chose for whom. What became of it is the others'.
func (k taker) sharedWith(a answer) ([]takenShare, error) {
	out := []takenShare{}
	shares, err := k.shares(a)
	for _, s := range shares {
		if name, ok := k.name(s.reader); ok && s.level != unchosen {
			out = append(out, takenShare{name, s.level})
		}
	}
	return out, err
}
