-- Times are UTC in milliseconds. A BLOB marked "sealed" is authenticated
-- ciphertext bound to its table, column and row, under the key of the person
-- named beside it. A BLOB marked "keyed hash" finds a row and says nothing.

CREATE TABLE house (
	id          INTEGER PRIMARY KEY CHECK (id = 1),
	proof       BLOB NOT NULL, -- sealed by the house key: tells that the keys file belongs to this file
	copied_at   INTEGER, -- this is a backup, which was taken then and has not been started on yet
	restored_at INTEGER  -- when it was last started on a backup
) STRICT;

CREATE TABLE condemned ( -- keys that nobody has any more, until the keys file has destroyed them
	id     INTEGER PRIMARY KEY,
	key_id BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE persons (
	id              INTEGER PRIMARY KEY,
	lookup          BLOB NOT NULL UNIQUE, -- keyed hash of the Discord id
	key_id          BLOB NOT NULL UNIQUE, -- names the person's own key in the keys file
	account         BLOB NOT NULL,        -- sealed Discord id
	name            BLOB NOT NULL,        -- sealed
	channel         BLOB,                 -- sealed id of the DM with the bot
	seen            BLOB,                 -- sealed id of the newest message in it that was heard
	settings        BLOB NOT NULL,        -- sealed
	chose           INTEGER NOT NULL DEFAULT 0 CHECK (chose IN (0, 1)), -- their settings are not those that everybody begins with: kept until they are
	consent_version INTEGER NOT NULL,     -- of the words they agreed to
	consent_at      INTEGER NOT NULL,
	paused_at       INTEGER,
	paused_until    INTEGER,              -- the pause ends by itself then
	refused_at      INTEGER,              -- Discord refused a DM to them, and they have not been told yet
	woken_at        INTEGER               -- what had waited for them was made due again
) STRICT;

CREATE INDEX persons_paused ON persons (paused_until) WHERE paused_until IS NOT NULL;

CREATE TABLE invites (
	id              INTEGER PRIMARY KEY,
	code            BLOB NOT NULL UNIQUE, -- keyed hash; the code itself is shown once and kept nowhere
	inviter         INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	consent_version INTEGER NOT NULL,
	consent_at      INTEGER NOT NULL,
	once            INTEGER NOT NULL DEFAULT 0 CHECK (once IN (0, 1)), -- the pact is to be for one scene
	expires_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX invites_inviter ON invites (inviter);

CREATE TABLE refusals ( -- "don't ask again"
	pair       BLOB PRIMARY KEY, -- keyed hash of (who refused, whom)
	refuser    BLOB NOT NULL,    -- keyed hash of who refused: theirs go when they do
	refused_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX refusals_refuser ON refusals (refuser);

CREATE TABLE pacts (
	id      INTEGER PRIMARY KEY,
	low     INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	high    INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	made_at INTEGER NOT NULL,
	once    INTEGER NOT NULL DEFAULT 0 CHECK (once IN (0, 1)), -- for one scene, and then dissolved

	CHECK (low < high),
	UNIQUE (low, high)
) STRICT;

CREATE INDEX pacts_high ON pacts (high);
CREATE INDEX pacts_once ON pacts (made_at) WHERE once = 1;

-- One person's end of a pact. A pact holds while it has both. Who has left has
-- no side any more; the one who stays sees theirs as it was.
CREATE TABLE sides (
	pact            INTEGER NOT NULL REFERENCES pacts (id) ON DELETE CASCADE,
	person          INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	partner         INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	partner_name    BLOB NOT NULL, -- sealed by person: what they see survives the partner's erasing
	partner_account BLOB NOT NULL, -- sealed by person: and so does whom they can name
	terms           BLOB,          -- sealed by person: at once or together, and since when; NULL: at once
	consent_version INTEGER NOT NULL,
	consent_at      INTEGER NOT NULL,
	fit_asked_at    INTEGER,       -- when person was last asked whether it still fits
	fit_scenes      INTEGER NOT NULL DEFAULT 0, -- that person was asked about since
	fit_last_at     INTEGER,       -- when a scene or round of the two last reached person

	PRIMARY KEY (pact, person),
	UNIQUE (person, partner)
) STRICT, WITHOUT ROWID;

-- A round is a check-in that people asked for, now or every week: like a scene
-- that ends when it is due, and has one mark, at once.
CREATE TABLE scenes (
	id        INTEGER PRIMARY KEY,
	kind      TEXT NOT NULL DEFAULT 'scene' CHECK (kind IN ('scene', 'round')),
	ended_at  INTEGER NOT NULL,
	size      TEXT NOT NULL CHECK (size IN ('light', 'usual', 'intense')),
	occasion  BLOB UNIQUE, -- keyed hash of (standing check-in, local date): who has it that day is in one round
	forget_at INTEGER NOT NULL -- last mark + 7 days
) STRICT;

CREATE INDEX scenes_forget ON scenes (forget_at);

CREATE TABLE participants (
	scene       INTEGER NOT NULL REFERENCES scenes (id) ON DELETE CASCADE,
	person      INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	state       TEXT NOT NULL CHECK (state IN ('in', 'asked', 'out')),
	recorded_at INTEGER,     -- NULL: somebody else recorded it
	request     BLOB UNIQUE, -- keyed hash of the interaction that recorded it: twice delivered is once done
	replied_at  INTEGER,     -- to the notice about it
	terms       BLOB,        -- sealed by person: with whom of the others this scene is "together"

	PRIMARY KEY (scene, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX participants_person ON participants (person);

CREATE TABLE checkins (
	id        INTEGER PRIMARY KEY,
	scene     INTEGER NOT NULL REFERENCES scenes (id) ON DELETE CASCADE,
	person    INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	mark      INTEGER NOT NULL CHECK (mark >= 0), -- milliseconds after the scene's end; 0 in a round
	due_at    INTEGER NOT NULL,
	state     TEXT NOT NULL CHECK (state IN ('planned', 'asked', 'answering', 'done', 'skipped', 'folded', 'lapsed', 'cancelled')),
	step      TEXT NOT NULL DEFAULT 'prompt' CHECK (step IN ('prompt', 'feeling', 'need', 'words', 'share', 'done', 'change', 'later', 'skipped')),
	postponed INTEGER NOT NULL DEFAULT 0 CHECK (postponed BETWEEN 0 AND 2), -- times "Later" was chosen
	asked_at  INTEGER,
	nudge     TEXT CHECK (nudge IN ('owed', 'done')), -- the one more time, for those who want it
	joined    INTEGER REFERENCES checkins (id) ON DELETE SET NULL, -- 'folded' into one of another scene, which is asked for both

	UNIQUE (scene, person, mark)
) STRICT;

CREATE INDEX checkins_person ON checkins (person, state);
CREATE INDEX checkins_joined ON checkins (joined) WHERE joined IS NOT NULL;

CREATE TABLE answers (
	id         INTEGER PRIMARY KEY,
	writer     INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	kind       TEXT NOT NULL CHECK (kind IN ('checkin', 'word', 'touch', 'talk', 'part')),
	checkin    INTEGER UNIQUE REFERENCES checkins (id) ON DELETE CASCADE,
	scene      INTEGER REFERENCES scenes (id) ON DELETE SET NULL, -- that a part, or a wish to talk, is about
	reply_to   INTEGER REFERENCES shares (id) ON DELETE SET NULL, -- what was left for the writer, that this answers
	state      TEXT NOT NULL CHECK (state IN ('draft', 'shared', 'kept', 'gone')),
	body       BLOB, -- sealed by writer: feeling and need, or which part it is
	source     BLOB UNIQUE, -- keyed hash of the interaction that wrote it
	only_words INTEGER NOT NULL DEFAULT 0 CHECK (only_words IN (0, 1)), -- something beside the words could not be carried
	created_at INTEGER NOT NULL,
	shared_at  INTEGER, -- when any of it was first shared, whatever came of that
	forget_at  INTEGER NOT NULL,

	CHECK ((kind = 'checkin') = (checkin IS NOT NULL))
) STRICT;

CREATE INDEX answers_writer ON answers (writer);
CREATE INDEX answers_forget ON answers (forget_at);
CREATE INDEX answers_reply  ON answers (reply_to);
CREATE INDEX answers_scene  ON answers (scene) WHERE scene IS NOT NULL;
CREATE INDEX answers_gone   ON answers (created_at) WHERE state = 'gone';

-- What comes to somebody after the last mark of a scene, if they want it: what to
-- keep or to change, and the day after that one moment.
CREATE TABLE afters (
	scene     INTEGER NOT NULL REFERENCES scenes (id) ON DELETE CASCADE,
	person    INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	kind      TEXT NOT NULL CHECK (kind IN ('after', 'moment')),
	step      TEXT NOT NULL DEFAULT 'prompt' CHECK (step IN ('prompt', 'open', 'keep', 'change', 'moment', 'later', 'skipped')),
	postponed INTEGER NOT NULL DEFAULT 0 CHECK (postponed BETWEEN 0 AND 2), -- times "Later" was chosen

	PRIMARY KEY (scene, person, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX afters_person ON afters (person);

CREATE TABLE words (
	id         INTEGER PRIMARY KEY,
	answer     INTEGER NOT NULL REFERENCES answers (id) ON DELETE CASCADE,
	source     BLOB UNIQUE,   -- keyed hash of the message they were typed in; NULL: written in a form
	text       BLOB,          -- sealed by the answer's writer; NULL: forgotten, but its message can still be taken back
	created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX words_answer ON words (answer);

CREATE TABLE shares (
	id      INTEGER PRIMARY KEY,
	answer  INTEGER NOT NULL REFERENCES answers (id) ON DELETE CASCADE,
	reader  INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	level   BLOB NOT NULL, -- sealed by the answer's writer: words, gist or kept
	read_at INTEGER,
	need_read_at INTEGER, -- "together": they read the need, which goes ahead of the rest

	UNIQUE (answer, reader)
) STRICT;

CREATE INDEX shares_reader ON shares (reader);

CREATE TABLE cards ( -- care cards
	person     INTEGER PRIMARY KEY REFERENCES persons (id) ON DELETE CASCADE,
	body       BLOB NOT NULL, -- sealed by person
	changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE gifts ( -- kind words, on their writer's list whether given or not
	id         INTEGER PRIMARY KEY,
	writer     INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	reader     INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	text       BLOB,        -- sealed by writer; NULL once given
	answer     INTEGER UNIQUE REFERENCES answers (id) ON DELETE SET NULL, -- what it was given as, while that is kept
	source     BLOB UNIQUE, -- keyed hash of the interaction that wrote it
	undone     INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1)), -- the reader has left: it stays on the list, and is given to nobody
	created_at INTEGER NOT NULL,
	forget_at  INTEGER NOT NULL,

	CHECK (text IS NULL OR answer IS NULL)
) STRICT;

CREATE INDEX gifts_writer ON gifts (writer);
CREATE INDEX gifts_reader ON gifts (reader);
CREATE INDEX gifts_forget ON gifts (forget_at);
CREATE INDEX gifts_undone ON gifts (created_at) WHERE undone = 1 AND text IS NOT NULL;

CREATE TABLE standings ( -- standing check-ins
	id         INTEGER PRIMARY KEY,
	proposer   INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	partner    INTEGER REFERENCES persons (id) ON DELETE CASCADE, -- NULL: for oneself alone
	state      TEXT NOT NULL CHECK (state IN ('offered', 'on')),
	spec       BLOB NOT NULL, -- sealed by proposer: a cron expression
	request    BLOB UNIQUE,   -- keyed hash of the interaction that proposed it
	created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX standings_proposer ON standings (proposer);
CREATE INDEX standings_partner  ON standings (partner) WHERE partner IS NOT NULL;

-- One person's end of a standing check-in, and when it next comes for them, in
-- their own zone. It runs while it has both. Who has stopped it has no end any
-- more; the other sees theirs as it was.
CREATE TABLE turns (
	standing INTEGER NOT NULL REFERENCES standings (id) ON DELETE CASCADE,
	person   INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	next_at  INTEGER, -- 0: to be computed; NULL: not agreed yet, or person's zone is not known

	PRIMARY KEY (standing, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX turns_person ON turns (person);
CREATE INDEX turns_next   ON turns (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE feelings ( -- somebody's own history, kept only for those who switched it on
	id     INTEGER PRIMARY KEY,
	person INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	answer INTEGER UNIQUE REFERENCES answers (id) ON DELETE SET NULL, -- so that a change reaches it
	body   BLOB NOT NULL, -- sealed by person: when, at which mark, the feeling
	at     INTEGER NOT NULL
) STRICT;

CREATE INDEX feelings_person ON feelings (person, at);
CREATE INDEX feelings_at     ON feelings (at);

-- One direct message that the bot owes somebody, and the only way a message
-- leaves. next_at is the one column that says when to look at it again: when it
-- is due, when to retry, or when its lease runs out. NULL: nothing is owed.
CREATE TABLE deliveries (
	id        INTEGER PRIMARY KEY,
	recipient INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
	kind      TEXT NOT NULL CHECK (kind IN (
		'hello', 'linked', 'notice', 'checkin', 'panel', 'offer', 'relay', 'remark',
		'here', 'standing', 'fits', 'after', 'moment', 'trend', 'stray'
	)),
	part      INTEGER NOT NULL DEFAULT 0, -- of a stray its own id, since nothing else tells two of them apart
	pact      INTEGER REFERENCES pacts (id) ON DELETE CASCADE,
	scene     INTEGER REFERENCES scenes (id) ON DELETE CASCADE,
	checkin   INTEGER REFERENCES checkins (id) ON DELETE CASCADE,
	answer    INTEGER REFERENCES answers (id) ON DELETE CASCADE,
	share     INTEGER REFERENCES shares (id) ON DELETE CASCADE,
	standing  INTEGER REFERENCES standings (id) ON DELETE CASCADE,
	words_of  INTEGER REFERENCES persons (id) ON DELETE SET NULL, -- of a stray: whose words it shows, if another's
	subject   INTEGER NOT NULL GENERATED ALWAYS AS (COALESCE(pact, scene, checkin, answer, share, standing, recipient)) STORED,
	note      TEXT CHECK (note IN ('only_words', 'nobody')), -- what a remark says
	want      TEXT NOT NULL DEFAULT 'post' CHECK (want IN ('post', 'edit', 'delete')),
	due_at    INTEGER NOT NULL,
	wanted_at INTEGER, -- of a prompt: when it was to be due, before their quiet hours moved it
	next_at   INTEGER,
	waiting   INTEGER NOT NULL DEFAULT 0 CHECK (waiting IN (0, 1)), -- Discord refused: it waits for the person
	attempts  INTEGER NOT NULL DEFAULT 0,
	round     INTEGER NOT NULL DEFAULT 0, -- asked again ("Later") is another message, with another nonce
	version   INTEGER NOT NULL DEFAULT 0, -- counts what people did to it, so that a send knows what it missed
	unsure_at INTEGER,  -- when a try began of which nobody knows whether it reached Discord
	lease     INTEGER,  -- names the claim that has it in hand
	message   BLOB,     -- sealed by recipient: the message's id, while it stands in their DM
	heard_as  BLOB,     -- keyed hash of that id: finds what somebody replied to
	sent_at   INTEGER,

	CHECK ((kind = 'remark') = (note IS NOT NULL)),
	CHECK (kind <> 'stray' OR want = 'delete'),
	CHECK (kind = 'stray' OR words_of IS NULL),
	UNIQUE (recipient, kind, subject, part)
) STRICT;

CREATE INDEX deliveries_next    ON deliveries (next_at) WHERE next_at IS NOT NULL; -- claim, wake-up and recovery
CREATE INDEX deliveries_first   ON deliveries (next_at) WHERE next_at IS NOT NULL
	AND NOT kind IN ('checkin', 'here', 'fits', 'after', 'moment', 'trend'); -- ahead of prompts
CREATE INDEX deliveries_failed  ON deliveries (next_at) WHERE next_at IS NOT NULL AND attempts > 0;
CREATE INDEX deliveries_now     ON deliveries (next_at) WHERE next_at IS NOT NULL
	AND (want <> 'post' OR kind IN ('hello', 'linked', 'panel', 'offer', 'remark')) AND kind <> 'stray'; -- never planned ahead
CREATE INDEX deliveries_soon    ON deliveries (next_at) WHERE next_at IS NOT NULL AND kind IN ('relay', 'notice', 'standing');
CREATE INDEX deliveries_leased  ON deliveries (recipient) WHERE lease IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (recipient) WHERE waiting = 1;
CREATE INDEX deliveries_lines   ON deliveries (due_at) WHERE kind IN ('hello', 'linked', 'remark'); -- belong to nothing else
CREATE INDEX deliveries_notes   ON deliveries (due_at) WHERE kind = 'trend'; -- belong to nothing else
CREATE INDEX deliveries_strays  ON deliveries (due_at) WHERE kind = 'stray'; -- belong to nothing else
CREATE INDEX deliveries_words   ON deliveries (words_of) WHERE words_of IS NOT NULL;
CREATE INDEX deliveries_stands  ON deliveries (sent_at) WHERE message IS NOT NULL;
CREATE INDEX deliveries_heard   ON deliveries (heard_as) WHERE heard_as IS NOT NULL;
CREATE INDEX deliveries_pact    ON deliveries (pact) WHERE pact IS NOT NULL;
CREATE INDEX deliveries_scene   ON deliveries (scene) WHERE scene IS NOT NULL;
CREATE INDEX deliveries_checkin ON deliveries (checkin) WHERE checkin IS NOT NULL;
CREATE INDEX deliveries_answer  ON deliveries (answer) WHERE answer IS NOT NULL;
CREATE INDEX deliveries_share   ON deliveries (share) WHERE share IS NOT NULL;
CREATE INDEX deliveries_standing ON deliveries (standing) WHERE standing IS NOT NULL;
