package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/store"
)

// command runs the real binary to its end, with the environment of p.
func (p *process) command(stdin string, args ...string) (stdout, stderr string, code int) {
	p.t.Helper()
	path, err := buildOnce()
	p.do(err)
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Dir, cmd.Stdin = append(os.Environ(), p.env...), p.dir, strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	for _, secret := range []string{"test-token", "aftercare-key-1-C"} {
		if strings.Contains(out.String()+errs.String(), secret) {
			p.t.Errorf("%v shows a secret:\n%s%s", args, out.String(), errs.String())
		}
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// stateOf returns what a check said of one thing.
func stateOf(t *testing.T, printed, name string) string {
	t.Helper()
	for line := range strings.Lines(printed) {
		if len(line) > 21 && strings.TrimSpace(line[6:20]) == name {
			return strings.TrimSpace(line[:6]) + ": " + strings.TrimSpace(line[21:])
		}
	}
	t.Errorf("nothing is said of %s:\n%s", name, printed)
	return ""
}

// TestCheckBesideTheBot checks before the first start, beside the bot, and after it.
func TestCheckBesideTheBot(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.do(os.Chmod(p.dir, 0o700))
	p.env = append(p.env, "AFTERCARE_HTTP_LISTEN="+freePort(t))
	for _, c := range []struct {
		before                   func()
		database, commands, http string
	}{
		{func() {}, "ok: none yet; the first start makes ", "note: none are registered yet", "is free"},
		{func() { p.start() }, "a bot is running on it, so it was only read", "ok: 6 are registered, as this build has them", "is in use; a bot is running"},
		{func() { p.terminate() }, "no bot is running on it", "ok: 6 are registered", "is free"},
	} {
		c.before()
		out, errs, code := p.command("", "check")
		if code != 0 || errs != "" {
			t.Errorf("exit %d\n%s%s", code, out, errs)
		}
		if got := stateOf(t, out, "database"); !strings.Contains(got, c.database) {
			t.Error(got)
		}
		if got := stateOf(t, out, "commands"); !strings.Contains(got, c.commands) {
			t.Error(got)
		}
		if got := stateOf(t, out, "http"); !strings.Contains(got, c.http) {
			t.Error(got)
		}
		for _, name := range []string{"token", "clock", "application", "installation", "servers", "intents", "sessions"} {
			if got := stateOf(t, out, name); !strings.HasPrefix(got, "ok: ") {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
	for _, err := range p.discord.Errors() {
		t.Errorf("Discord would refuse: %v", err)
	}
}

func TestCheckAsJSON(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.env[0] = "AFTERCARE_DISCORD_TOKEN=zzz-token"
	out, errs, code := p.command("", "check", "--json")
	var got struct {
		OK     bool
		Checks []finding
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.OK || code != 1 {
		t.Fatalf("exit %d, %v\n%s", code, err, out)
	}
	if errs != "aftercare: 1 thing to fix; see above\n" {
		t.Error(errs)
	}
	i := slices.IndexFunc(got.Checks, func(f finding) bool { return f.State == isFix })
	if i < 0 || got.Checks[i].Name != "token" || !strings.Contains(got.Checks[i].Says, "copy it anew") {
		t.Errorf("%+v", got.Checks)
	}
	requests := p.discord.Requests()
	out, _, code = p.command("", "check", "--json", "--offline")
	if err := json.Unmarshal([]byte(out), &got); err != nil || !got.OK || code != 0 || p.discord.Requests() != requests {
		t.Errorf("offline: exit %d, %v, %d requests\n%s", code, err, p.discord.Requests()-requests, out)
	}
}

func TestCheckRefusesFlagsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	for _, args := range [][]string{{"check", "--dm", "robin"}, {"check", "--dm", "123456789012345678", "--offline"}} {
		if out, errs, code := p.command("", args...); code != 1 || !strings.Contains(errs, "--dm: ") || out != "" || strings.Contains(errs, "robin") {
			t.Errorf("%v: exit %d\n%s%s", args, code, out, errs)
		}
	}
}

// checked is a check in this process, in front of a Discord over sockets.
type checked struct {
	*process
	o     checkOptions
	fault func(path string) string // a body in place of the true one, or ""
}

func newChecked(t *testing.T) *checked {
	p := newProcess(t)
	p.do(os.Chmod(p.dir, 0o700))
	c := &checked{process: p}
	c.o = checkOptions{now: time.Now, free: func(string) (uint64, error) { return 1 << 40, nil }}
	c.discord.SetFault(func(r *http.Request) *discordtest.Fault {
		if c.fault == nil {
			return nil
		}
		if body := c.fault(r.URL.Path); body != "" {
			return &discordtest.Fault{Status: 200, Body: body}
		}
		return nil
	})
	return c
}

// database makes one, as a bot would.
func (c *checked) database() (path string) {
	c.t.Helper()
	key, err := store.ParseMasterKey(strings.TrimPrefix(c.env[2], "AFTERCARE_STORE_KEY="))
	c.do(err)
	path = strings.TrimPrefix(c.env[3], "AFTERCARE_STORE_PATH=")
	st, err := store.Open(c.t.Context(), store.Options{Path: path, KeysPath: keysPathFor(path), Key: key, Marks: []time.Duration{time.Hour}})
	c.do(err)
	c.do(st.Close())
	return path
}

// beside makes a file whose name is that of another one with an end in place of a part.
func (c *checked) beside(path, end, without string) {
	c.t.Helper()
	c.do(os.WriteFile(strings.TrimSuffix(path, without)+end, []byte("x"), 0o600))
}

// unfinishedKey is a copy of the key that was killed before it had its name.
func (c *checked) unfinishedKey(end string) {
	file := c.keyFile()
	c.beside(filepath.Join(filepath.Dir(file), "."+filepath.Base(file)), end, "")
}

// backups names the folder of the backups, and backUp takes one there.
func (c *checked) backups(name string) (dir string) {
	dir = filepath.Join(c.dir, name)
	c.env = append(c.env, "AFTERCARE_BACKUP_DIR="+dir)
	return dir
}

func (c *checked) backUp() (dir string) {
	c.t.Helper()
	dir, path := c.backups("backups"), c.database()
	c.do(os.Mkdir(dir, 0o700))
	_, err := store.TakeBackup(c.t.Context(), store.Files{Path: path, KeysPath: keysPathFor(path)}, dir, time.Now())
	c.do(err)
	return dir
}

func (c *checked) later(by time.Duration) {
	c.o.now = func() time.Time { return time.Now().Add(by) }
}

func (c *checked) listens(address string) {
	c.env = append(c.env, "AFTERCARE_HTTP_LISTEN="+address)
}

// register has the commands registered, by a start of the bot.
func (c *checked) register() {
	c.once()
	c.discord.Person("robin")
}

// owned says that the application is robin's.
func owned(c *checked) {
	c.discord.SetApplication(map[string]any{"owner": map[string]any{"id": c.discord.Person("robin").ID()}})
}

// app changes what Discord says of the application.
func app(fields map[string]any) func(*checked) {
	return func(c *checked) { c.discord.SetApplication(fields) }
}

// gateway changes what Discord says of new connections.
func gateway(body string) func(*checked) {
	return func(c *checked) {
		c.fault = func(path string) string {
			if strings.HasSuffix(path, "/gateway/bot") {
				return body
			}
			return ""
		}
	}
}

// findable is what a check finds: how to spoil it, and part of the line about it. A
// clock may be off by a second more or less, hence the |.
var findable = map[string]struct {
	spoil func(c *checked)
	about string
	want  string
}{
	"a key that is unknown":   {func(c *checked) { c.env = append(c.env, "AFTERCARE_STORE_PTAH=x") }, "configuration", "fix: AFTERCARE_STORE_PTAH: unknown variable; did you mean AFTERCARE_STORE_PATH?"},
	"no operator":             {func(c *checked) { c.env[4] = "AFTERCARE_OPERATOR_NAME=" }, "configuration", "fix: operator.name: missing; write the name people know you by"},
	"a help line almost old":  {func(c *checked) { c.helpLine(340) }, "help lines", `note: help.lines: "Night line" was tried on `},
	"no key":                  {func(c *checked) { c.env[2] = "AFTERCARE_STORE_KEY=" }, "key", "-: not looked at: store.key is missing"},
	"a key that is none":      {func(c *checked) { c.env[2] = "AFTERCARE_STORE_KEY=hunter2" }, "key", "fix: store.key: "},
	"no folder":               {func(c *checked) { c.env[3] = "AFTERCARE_STORE_PATH=" + c.dir + "/a/b.db" }, "folder", "/a is not there; run: mkdir -p -m 700 "},
	"a file for a folder":     {func(c *checked) { c.env[3] = "AFTERCARE_STORE_PATH=" + c.database() + "/b.db" }, "folder", "can't be looked at (not a directory)|is a file; name another place"},
	"an open folder":          {func(c *checked) { c.do(os.Chmod(c.dir, 0o770)) }, "folder", "fix: others can write in "},
	"an open database":        {func(c *checked) { c.do(os.Chmod(c.database(), 0o640)) }, "files", "fix: others can read them; run: chmod 600 "},
	"a damaged database":      {func(c *checked) { c.do(os.WriteFile(c.database(), []byte("no database at all"), 0o600)) }, "database", "the file is damaged; put a backup in its place"},
	"another key":             {func(c *checked) { c.database(); c.env[2] = "AFTERCARE_STORE_KEY=" + newKey(c.t) }, "keys file", "the master key does not open the keys file"},
	"keys without their key":  {func(c *checked) { c.database(); c.env[2] = "AFTERCARE_STORE_KEY=" }, "keys file", "note: sound; whether it opens shows with the master key"},
	"no keys file":            {func(c *checked) { c.do(os.Remove(keysPathFor(c.database()))) }, "keys file", "restore it from the folder of your backups"},
	"a full disk":             {func(c *checked) { c.o.free = func(string) (uint64, error) { return 5 << 20, nil } }, "disk", "fix: 5.0 MiB free in "},
	"no backups":              {func(c *checked) {}, "backups", "note: none is taken by itself; set backup.dir"},
	"no folder for backups":   {func(c *checked) { c.backups("nowhere") }, "backups", "/nowhere is not there, so none is taken; run: mkdir -p -m 700 "},
	"a file for backups":      {func(c *checked) { c.backups(filepath.Base(c.database())) }, "backups", "fix: backup.dir: "},
	"no backup yet":           {func(c *checked) { c.backups(".") }, "backups", "yet; the bot takes one by itself"},
	"a backup":                {func(c *checked) { c.backUp() }, "backups", "ok: the newest in "},
	"a backup of last month":  {func(c *checked) { c.backUp(); c.later(30 * 24 * time.Hour) }, "backups", "and one has been missed since"},
	"a backup without keys":   {func(c *checked) { c.do(os.Remove(filepath.Join(c.backUp(), "keys", "aftercare.keys"))) }, "backups", "fix: "},
	"nothing from before":     {func(c *checked) { c.database() }, "leftovers", "ok: nothing is kept from before"},
	"what an update kept":     {func(c *checked) { c.beside(c.database(), "-before-v2-20260101T000000Z.db", ".db") }, "leftovers", "aftercare-before-v2-20260101T000000Z.db"},
	"what a restore kept":     {func(c *checked) { c.beside(c.database(), ".replaced-20260101T000000Z", "") }, "leftovers", "delete "},
	"what a restore took":     {func(c *checked) { c.beside(keysPathFor(c.database()), ".replaced-20260101T000000Z", "") }, "leftovers", "aftercare.keys.replaced-20260101T000000Z"},
	"half a restore":          {func(c *checked) { c.beside(c.database(), ".restoring", "") }, "leftovers", "aftercare.db.restoring"},
	"a key from before":       {func(c *checked) { c.database(); c.beside(c.keyFile(), ".old", "") }, "leftovers", "note: kept from before an update, a restore or a new master key"},
	"a key without a name":    {func(c *checked) { c.database(); c.unfinishedKey(".old-123") }, "leftovers", "key.old-123"},
	"half a rotation":         {func(c *checked) { c.database(); c.beside(c.keyFile(), ".new", "") }, "leftovers", "run aftercare key rotate again"},
	"a disk that fills":       {func(c *checked) { c.o.free = func(string) (uint64, error) { return 700 << 20, nil } }, "disk", "note: 700.0 MiB free in "},
	"a disk that is silent":   {func(c *checked) { c.o.free = func(string) (uint64, error) { return 0, errors.New("no") } }, "disk", "note: how much is free in "},
	"a port that is free":     {func(c *checked) { c.listens("127.0.0.1:0") }, "http", "ok: 127.0.0.1:0 is free"},
	"a port that is taken":    {func(c *checked) { c.listens(c.server.Listener.Addr().String()) }, "http", "; choose another port, or stop what has it"},
	"an address elsewhere":    {func(c *checked) { c.listens("192.0.2.1:9464") }, "http", "; write a port alone, or an address that this machine has"},
	"a wrong token":           {func(c *checked) { c.env[0] = "AFTERCARE_DISCORD_TOKEN=zzz-token" }, "token", "fix: discord.token: Discord does not know this token any more; copy it anew"},
	"no token":                {func(c *checked) { c.env[0] = "AFTERCARE_DISCORD_TOKEN=" }, "token", "-: not looked at: discord.token is missing"},
	"offline":                 {func(c *checked) { c.o.offline = true }, "clock", "-: not looked at: --offline"},
	"something else answers":  {func(c *checked) { c.fault = func(string) string { return "<html>" } }, "token", "fix: Discord did not answer as it should"},
	"a slow clock":            {func(c *checked) { c.skew(10 * time.Minute) }, "clock", "fix: 10m0s behind Discord's; turn on time synchronisation|fix: 9m59s behind Discord's; turn on time synchronisation|fix: 10m1s behind Discord's; turn on time synchronisation"},
	"a fast clock":            {func(c *checked) { c.skew(-time.Hour) }, "clock", "ahead of Discord's; turn on time synchronisation"},
	"an endpoint":             {app(map[string]any{"interactions_endpoint_url": "https://a.b"}), "application", "fix: it has an Interactions Endpoint URL"},
	"a code grant":            {app(map[string]any{"bot_require_code_grant": true}), "application", "fix: it requires an OAuth2 code grant"},
	"no privacy policy":       {app(map[string]any{"privacy_policy_url": nil}), "application", "note: no privacy policy is linked"},
	"no user install":         {app(map[string]any{"integration_types_config": map[string]any{"0": map[string]any{}}}), "installation", "fix: turn on both Guild Install and User Install"},
	"a link without a bot":    {app(map[string]any{"integration_types_config": map[string]any{"1": nil, "0": map[string]any{"oauth2_install_params": map[string]any{"scopes": []string{"applications.commands"}}}}}), "installation", "lacks the scope bot; add it"},
	"no server":               {app(map[string]any{"approximate_guild_count": 0}), "servers", "note: it is in none yet; add it with https://discord.com/oauth2/authorize?client_id="},
	"servers nobody counts":   {app(map[string]any{"approximate_guild_count": nil}), "servers", "ok: Discord does not say how many"},
	"privileged intents":      {app(map[string]any{"flags": 1 << 15}), "intents", "note: privileged intents are switched on and not needed"},
	"other commands":          {func(c *checked) { c.register(); c.fewerCommands() }, "commands", "note: 1 are registered, and not as this build has them"},
	"an age limit that fell":  {func(c *checked) { c.register(); c.openCommands() }, "age limit", "fix: discord.age_restricted is true, and Discord shows commands to everybody"},
	"an age limit that stays": {func(c *checked) { c.register(); c.env = append(c.env, "AFTERCARE_DISCORD_AGE_RESTRICTED=false") }, "age limit", "fix: discord.age_restricted is false, and Discord shows commands to adults only"},
	"no age limit":            {func(c *checked) { c.env = append(c.env, "AFTERCARE_DISCORD_AGE_RESTRICTED=false"); c.register() }, "age limit", "note: none, by discord.age_restricted"},
	"an age limit":            {func(c *checked) { c.register() }, "age limit", "ok: for adults only"},
	"no sessions left":        {func(c *checked) { c.discord.SetStartLimit(discordtest.StartLimit{ResetAfter: 3 * time.Hour}) }, "sessions", "fix: Discord allows no more new connections for 3h0m0s"},
	"few sessions left": {func(c *checked) {
		c.discord.SetStartLimit(discordtest.StartLimit{Remaining: 7, ResetAfter: 3 * time.Hour})
	}, "sessions", "note: 7 more new connections for 3h0m0s"},
	"shards":            {gateway(`{"url": "wss://a.b", "shards": 3, "session_start_limit": {"remaining": 900}}`), "sessions", "note: Discord would like 3 shards"},
	"a dm to the owner": {func(c *checked) { owned(c); c.o.dm = c.discord.Person("robin").ID() }, "dm", "ok: a test message was sent"},
	"a dm to somebody":  {func(c *checked) { owned(c); c.o.dm = c.discord.Person("sam").ID() }, "dm", "fix: that account does not own the application"},
	"closed DMs": {func(c *checked) {
		owned(c)
		c.discord.Person("robin").CloseDMs()
		c.o.dm = c.discord.Person("robin").ID()
	}, "dm", "fix: Discord refused it; share a server"},
}

// TestCheckFinds spoils one thing at a time, and reads the line about it.
func TestCheckFinds(t *testing.T) {
	for name, c := range findable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newChecked(t)
			c.spoil(w)
			w.o.env = w.env
			f := check(t.Context(), w.o)
			var out strings.Builder
			w.do(f.print(&out))
			got := stateOf(t, out.String(), c.about)
			if !slices.ContainsFunc(strings.Split(c.want, "|"), func(want string) bool { return strings.Contains(got, want) }) {
				t.Errorf("%s: %s\nwant %s", c.about, got, c.want)
			}
			if (f.verdict() != nil) != strings.Contains(out.String(), "fix ") {
				t.Errorf("verdict %v:\n%s", f.verdict(), out.String())
			}
			for _, secret := range []string{"test-token", "zzz-token", "hunter2", "aftercare-key-1-C", w.discord.Person("robin").ID()} {
				if strings.Contains(out.String(), secret) {
					t.Errorf("it shows a secret:\n%s", out.String())
				}
			}
		})
	}
}

func newKey(t testing.TB) string {
	t.Helper()
	key, err := store.NewMasterKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// helpLine adds one that was tried so many days ago.
func (c *checked) helpLine(days int) {
	day := time.Now().AddDate(0, 0, -days).Format(time.DateOnly)
	c.env = append(c.env, `AFTERCARE_HELP_LINES=[{"name": "Night line", "contact": "116 123", "checked": "`+day+`"}]`)
}

// skew puts a Discord there whose clock is ahead of ours.
func (c *checked) skew(ahead time.Duration) {
	c.discord.SetNow(func() time.Time { return time.Now().Add(ahead) })
}

// put replaces the registered commands.
func (c *checked) put(commands string) {
	c.t.Helper()
	app := "100000000000000001"
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPut, c.server.URL+"/api/v10/applications/"+app+"/commands", strings.NewReader(commands))
	c.do(err)
	r.Header.Set("Authorization", "Bot test-token")
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	c.do(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		c.t.Fatal(resp.Status)
	}
}

func (c *checked) fewerCommands() {
	c.put(`[{"name": "care", "description": "x", "type": 1, "nsfw": true}]`)
}
func (c *checked) openCommands() { c.put(`[{"name": "care", "description": "x", "type": 1}]`) }

// TestCheckNamesWhatIsOpen holds that each file which others can read is named.
func TestCheckNamesWhatIsOpen(t *testing.T) {
	t.Parallel()
	w := newChecked(t)
	path := w.database()
	w.do(os.Chmod(path, 0o644))
	w.do(os.Chmod(keysPathFor(path), 0o604))
	w.o.env, w.o.offline = w.env, true
	var out strings.Builder
	w.do(check(t.Context(), w.o).print(&out))
	want := "chmod 600 " + path + " " + filepath.Join(w.dir, "aftercare.keys")
	if got := stateOf(t, out.String(), "files"); !strings.HasSuffix(got, want) {
		t.Errorf("%s\nwant %s", got, want)
	}
}
