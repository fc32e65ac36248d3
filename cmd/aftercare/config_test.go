package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// testDay is the day on which every test loads its configuration.
var testDay = time.Date(2026, 11, 21, 15, 4, 5, 0, time.UTC)

// inDir makes an empty working directory of files, each readable by its owner alone.
func inDir(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// load loads text as config.yaml, with env.
func load(t *testing.T, text string, env ...string) (Config, error) {
	t.Helper()
	inDir(t, map[string]string{"config.yaml": text})
	return loadConfig("", env, testDay)
}

// mustLoad is load where nothing may be wrong.
func mustLoad(t *testing.T, text string, env ...string) Config {
	t.Helper()
	c, err := load(t, text, env...)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return c
}

func TestDefaultsHoldWithoutAFile(t *testing.T) {
	inDir(t, nil)
	got, err := loadConfig("", nil, testDay)
	if err != nil {
		t.Fatal(err)
	}
	if want := defaultConfig(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Store.KeysPath != "aftercare.keys" || got.Discord.RequestsPerSecond != 50 || !got.Discord.AgeRestricted {
		t.Errorf("defaults: %+v", got)
	}
}

func TestAFileSetsEveryKey(t *testing.T) {
	c := mustLoad(t, `
discord:
  token: a.b.c
  api_url: http://localhost:8080/api/
  age_restricted: false
  requests_per_second: 7
store:
  path: data/pacts.sqlite
  key: master
backup: {dir: b/, every: "@every 6h", keep: 30}
checkins:
  marks: [1m, 2m, 720h]
log: {level: debug, format: json}
operator: {name: " Kit "}
help:
  lines:
    - name: Night line
      contact: "116 123"
      checked: 2026-11-21
    - {name: Day line, contact: "https://line.net", checked: "2025-11-21"}
`)
	want := defaultConfig()
	want.Discord.Token = "a.b.c"
	want.Discord.APIURL = "http://localhost:8080/api"
	want.Discord.AgeRestricted = false
	want.Discord.RequestsPerSecond = 7
	want.Store.Path, want.Store.KeysPath, want.Store.Key = "data/pacts.sqlite", "data/pacts.keys", "master"
	want.Backup.Dir, want.Backup.Every, want.Backup.Keep = "b/", "@every 6h", 30
	want.Checkins.Marks = []time.Duration{time.Minute, 2 * time.Minute, 720 * time.Hour}
	want.Log.Level, want.Log.Format = slog.LevelDebug, "json"
	want.Operator.Name = "Kit"
	want.Help.Lines = []HelpLine{
		{"Night line", "116 123", time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)},
		{"Day line", "https://line.net", time.Date(2025, 11, 21, 0, 0, 0, 0, time.UTC)},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	if err := c.Ready(); err != nil {
		t.Errorf("Ready: %v", err)
	}
}

func TestTheEnvironmentSetsEveryKeyAndWins(t *testing.T) {
	c := mustLoad(t, "checkins: {marks: [5h]}\nlog: {level: debug}\n",
		"AFTERCARE_DISCORD_TOKEN=a.b.c\n", "AFTERCARE_DISCORD_API_URL=https://proxy.local/api",
		"AFTERCARE_DISCORD_AGE_RESTRICTED=false", "AFTERCARE_DISCORD_REQUESTS_PER_SECOND=1000",
		"AFTERCARE_STORE_PATH=x", "AFTERCARE_STORE_KEYS_PATH=y", "AFTERCARE_STORE_KEY=k",
		"AFTERCARE_CHECKINS_MARKS=1m,2m", "AFTERCARE_LOG_LEVEL=", "AFTERCARE_LOG_FORMAT=json",
		"AFTERCARE_OPERATOR_NAME=Robin",
		`AFTERCARE_HELP_LINES=[{"name": "Night line", "contact": "116 123", "checked": "2026-11-01"}]`,
		"PATH=/usr/bin", "AFTERCAREX=1", "ODD")
	want := defaultConfig()
	want.Discord.Token, want.Discord.APIURL = "a.b.c", "https://proxy.local/api"
	want.Discord.AgeRestricted, want.Discord.RequestsPerSecond = false, 1000
	want.Store.Path, want.Store.KeysPath, want.Store.Key = "x", "y", "k"
	want.Checkins.Marks = []time.Duration{time.Minute, 2 * time.Minute}
	want.Log.Level, want.Log.Format = slog.LevelDebug, "json" // an empty variable is not set
	want.Operator.Name = "Robin"
	want.Help.Lines = []HelpLine{{"Night line", "116 123", time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestWaysToWriteMarks(t *testing.T) {
	day := 24 * time.Hour
	for text, want := range map[string][]time.Duration{
		`[24h, 48h]`:       {day, 2 * day},
		`"24h, 48h"`:       {day, 2 * day},
		`24h,48h`:          {day, 2 * day},
		`90m`:              {90 * time.Minute},
		`[1h30m]`:          {90 * time.Minute},
		`[1ms, 0.5s, 30s]`: {time.Millisecond, 500 * time.Millisecond, 30 * time.Second},
	} {
		if got := mustLoad(t, "checkins:\n  marks: "+text).Checkins.Marks; !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

func TestKeysPathStandsBesideTheDatabase(t *testing.T) {
	for path, want := range map[string]string{
		"aftercare.db": "aftercare.keys", "/data/a.sqlite": "/data/a.keys", "plain": "plain.keys",
		"my.dir/plain": "my.dir/plain.keys", "odd.keys": "odd.keys.keys",
	} {
		if got := mustLoad(t, "store: {path: "+path+"}").Store.KeysPath; got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

// TestWhatIsWrongIsNamedWithItsFix holds the whole text of every complaint about a value.
func TestWhatIsWrongIsNamedWithItsFix(t *testing.T) {
	long := strings.Repeat("a", 101)
	lines := func(fields string) string { return "help: {lines: [{" + fields + "}]}" }
	for _, c := range []struct{ yaml, want string }{
		// names
		{"discord: {tokn: abc}", `discord.tokn: unknown key in config.yaml; did you mean discord.token?`},
		{"token: abc", `token: unknown key in config.yaml; did you mean discord.token?`},
		{"store: {marks: [24h]}", `store.marks: unknown key in config.yaml; did you mean checkins.marks?`},
		{"zzzzz: abc", `zzzzz: unknown key in config.yaml; remove it; config.example.yaml has every key`},
		{"discord: abc", `discord: is a section; write its keys on lines of their own below it, indented`},
		{"store: {path: {a: b}}", `store.path.a: unknown key in config.yaml; did you mean store.path?`},
		// YAML
		{"log:\n\tlevel: info", `config.yaml: is not valid YAML: line 2: found character that cannot start any token; indent with spaces and no tab, and quote a value that begins with a sign`},
		{"log: {level: info}\nlog: {}", `config.yaml: is not valid YAML: line 2: mapping key "log" already defined at line 1`},
		{"log: {level: info}\nLog: {format: json}", `config.yaml: Log and log are one key, and only one of them would count; write it once`},
		{"store:\n  path: a.db\n  Path: b.db", `config.yaml: store: Path and store: path are one key, and only one of them would count; write it once`},
		{"store.path: a.db\nstore: {path: b.db}", `config.yaml: store: path and store.path are one key, and only one of them would count; write it once`},
		{"secretwords", `config.yaml: is not valid YAML: line 1: no keys here; write each as key: value`},
		{"a: *secretwords", `config.yaml: is not valid YAML: unknown [text] referenced`},
		// discord
		{"discord: {token: 12}", `discord.token: is not text; put it in quotes`},
		{"discord: {token: Bot abc}", `discord.token: begins with "Bot "; leave that out, it is added`},
		{`discord: {token: "'abc'"}`, `discord.token: has a character in it that no token has, such as a quotation mark; copy the token alone`},
		{"discord: {token: TOKEN=abc}", `discord.token: has a character in it that no token has, such as a quotation mark; copy the token alone`},
		{"discord: {token: '1234567890123456789'}", `discord.token: is a number, such as that of an application; the token is longer, and on the Bot page of your application`},
		{"discord: {token: ab c}", `discord.token: has a space or a line break in it; copy the token alone`},
		{"discord: {token_file: 12}", `discord.token_file: "12" is not text; put it in quotes`},
		{"discord: {api_url: 5}", `discord.api_url: "5" is not text; put it in quotes`},
		{"discord: {api_url: discord.com}", `discord.api_url: "discord.com" is no address; write an address such as https://discord.com/api`},
		{"discord: {api_url: ftp://a.b}", `discord.api_url: "ftp://a.b" is no address; write an address such as https://discord.com/api`},
		{"discord: {api_url: 'https://a.b/?c=d'}", `discord.api_url: "https://a.b/?c=d" has something after ? or #; write an address such as https://discord.com/api`},
		{"discord: {api_url: https://a:pw@b}", `discord.api_url: holds a user name or a password; leave them out`},
		{"discord: {api_url: https://discord.com/api/v10/}", `discord.api_url: "https://discord.com/api/v10/" ends in a version; leave it out, it is added`},
		{"discord: {age_restricted: yes}", `discord.age_restricted: "yes" is neither true nor false; write one of them`},
		{"discord: {requests_per_second: 0}", `discord.requests_per_second: "0" is no whole number from 1 to 1000; Discord's limit is 50`},
		{"discord: {requests_per_second: 1001}", `discord.requests_per_second: "1001" is no whole number from 1 to 1000; Discord's limit is 50`},
		{"discord: {requests_per_second: 2.5}", `discord.requests_per_second: "2.5" is no whole number from 1 to 1000; Discord's limit is 50`},
		// store
		{"store: {path: 5}", `store.path: "5" is not text; put it in quotes`},
		{"store: {path: ':memory:'}", `store.path: ":memory:" is not a path; write the plain path of a file`},
		{"store: {path: 'file:a.db'}", `store.path: "file:a.db" is not a path; write the plain path of a file`},
		{"store: {keys_path: /data/}", `store.keys_path: "/data/" is a directory; add the file's name`},
		{"store: {path: a.db, keys_path: ./a.db}", `store.keys_path: "./a.db" is the database itself; name another file, so that the two can be backed up apart`},
		{"store: {key: [a]}", `store.key: is not text; put it in quotes`},
		// checkins
		{"checkins: {marks: [24, 48h]}", `checkins.marks: "24" is no duration; write a number and h, m or s, as in [24h, 48h]`},
		{"checkins: {marks: 24}", `checkins.marks: "24" is no duration; write a number and h, m or s, as in [24h, 48h]`},
		{"checkins: {marks: '0'}", `checkins.marks: "0" is no duration; write a number and h, m or s, as in [24h, 48h]`},
		{"checkins: {marks: 2d}", `checkins.marks: "2d" is no duration; write a number and h, m or s, as in [24h, 48h]`},
		{"checkins: {marks: '24h,'}", `checkins.marks: "" is no duration; write a number and h, m or s, as in [24h, 48h]`},
		{"checkins: {marks: []}", `checkins.marks: has 0 marks; write from 1 to 10, as in [24h, 48h]`},
		{"checkins: {marks: '1h,2h,3h,4h,5h,6h,7h,8h,9h,10h,11h'}", `checkins.marks: has 11 marks; write from 1 to 10, as in [24h, 48h]`},
		{"checkins: {marks: [0s]}", `checkins.marks: "0s" is not after the scene's end; write a longer one, as in [24h, 48h]`},
		{"checkins: {marks: [10us]}", `checkins.marks: "10us" is not after the scene's end; write a longer one, as in [24h, 48h]`},
		{"checkins: {marks: [-1h]}", `checkins.marks: "-1h" is not after the scene's end; write a longer one, as in [24h, 48h]`},
		{"checkins: {marks: [720h1s]}", `checkins.marks: "720h1s" is longer than 30 days; write 720h or less`},
		{"checkins: {marks: [48h, 24h]}", `checkins.marks: "24h" does not come after the one before it; write them in rising order, each once, as in [24h, 48h]`},
		{"checkins: {marks: [24h, 1440m]}", `checkins.marks: "1440m" does not come after the one before it; write them in rising order, each once, as in [24h, 48h]`},
		// backup
		{"backup: {every: 4}", `backup.every: "4" is not text; put it in quotes`},
		{"backup: {every: at four}", `backup.every: "at four" says no time (expected exactly 5 fields, found 2: [at four]); write a cron line such as "0 4 * * *", every day at 04:00 UTC, or @daily`},
		{"backup: {every: 0 0 31 2 *}", `backup.every: "0 0 31 2 *" says no time (it never comes); write a cron line such as "0 4 * * *", every day at 04:00 UTC, or @daily`},
		{"backup: {keep: 0}", `backup.keep: "0" is no whole number from 1 to 1000; write how many databases to keep`},
		{"backup: {keep: all}", `backup.keep: "all" is no whole number from 1 to 1000; write how many databases to keep`},
		{"backup: {dir: 5}", `backup.dir: "5" is not text; put it in quotes`},
		{"backup: {evry: '@daily'}", `backup.evry: unknown key in config.yaml; did you mean backup.every?`},
		// log, operator
		{"log: {level: trace}", `log.level: "trace" is no level; write debug, info, warn or error`},
		{"log: {format: xml}", `log.format: "xml" is no format; write text or json`},
		{"operator: {name: 5}", `operator.name: "5" is not text; put it in quotes`},
		{"operator: {name: " + long + "}", `operator.name: has 101 characters; shorten it to 80`},
		{`operator: {name: "a\nb"}`, `operator.name: "a\nb" has a line break or a control character; write it on one line`},
		// help
		{"help: {lines: 5}", `help.lines: not a list; write each line with name, contact and checked (in the environment as JSON)`},
		{"help: {lines: [a]}", `help.lines: line 1 is not written as name, contact and checked; give it these three`},
		{lines("name: A, contact: B, checked: 2026-11-01, chekced: x"), `help.lines: line 1 ("A"): unknown field "chekced"; did you mean checked?`},
		{lines("contact: B, checked: 2026-11-01"), `help.lines: line 1: name empty; fill it in, or remove the line`},
		{lines("name: A, contact: ' ', checked: 2026-11-01"), `help.lines: line 1 ("A"): contact empty; fill it in, or remove the line`},
		{lines("name: A, contact: 0111, checked: 2026-11-01"), `help.lines: line 1 ("A"): contact "73" is not text; put it in quotes`},
		{lines("name: A, contact: 555-0100, checked: 2026-11-01"), `help.lines: line 1 ("A"): contact "555-0100" looks like a placeholder; write the real one, or remove the line`},
		{lines("name: Example line, contact: B, checked: 2026-11-01"), `help.lines: line 1 ("Example line"): name "Example line" looks like a placeholder; write the real one, or remove the line`},
		{lines("name: A, contact: '000', checked: 2026-11-01"), `help.lines: line 1 ("A"): contact "000" looks like a placeholder; write the real one, or remove the line`},
		{lines("name: A, contact: 1234-5678, checked: 2026-11-01"), `help.lines: line 1 ("A"): contact "1234-5678" looks like a placeholder; write the real one, or remove the line`},
		{lines("name: EXAMPLE, contact: EXAMPLE, checked: 2026-11-01"), "help.lines: line 1 (\"EXAMPLE\"): name \"EXAMPLE\" looks like a placeholder; write the real one, or remove the line\nhelp.lines: line 1 (\"EXAMPLE\"): contact \"EXAMPLE\" looks like a placeholder; write the real one, or remove the line"},
		{lines("name: A, contact: <number>, checked: 2026-11-01"), `help.lines: line 1 ("A"): contact "<number>" looks like a placeholder; write the real one, or remove the line`},
		{lines("name: A, contact: XXX, checked: 2026-11-01"), `help.lines: line 1 ("A"): contact "XXX" looks like a placeholder; write the real one, or remove the line`},
		{lines("name: A, contact: todo, checked: 2026-11-01"), `help.lines: line 1 ("A"): contact "todo" looks like a placeholder; write the real one, or remove the line`},
		{lines("name: A, checked: 2026-11-01, contact: " + long), `help.lines: line 1 ("A"): contact has 101 characters; shorten it to 100`},
		{lines("name: A, contact: B"), `help.lines: line 1 ("A"): checked empty; write the date you last tried this line, as in 2026-03-31`},
		{lines("name: A, contact: B, checked: last week"), `help.lines: line 1 ("A"): checked "last week" is no date; write year, month and day, as in 2026-03-31`},
		{lines("name: A, contact: B, checked: 2026-02-30"), `help.lines: line 1 ("A"): checked "2026-02-30" is no date; write year, month and day, as in 2026-03-31`},
		{lines("name: A, contact: B, checked: 2026-11-22"), `help.lines: line 1 ("A"): checked 2026-11-22 is in the future; write the date you last tried this line`},
		{lines("name: A, contact: B, checked: 2025-11-20"), `help.lines: line 1 ("A"): checked 2025-11-20 is 366 days ago; try the line, then write today's date, or remove it`},
		{"help:\n  lines:" + strings.Repeat("\n    - {name: A, contact: B, checked: 2026-11-01}", 9), `help.lines: has 9 lines; keep the best 8, so that they fit one message`},
	} {
		got, err := load(t, c.yaml)
		if fmt.Sprint(err) != c.want {
			t.Errorf("%s\ngot  %v\nwant %s", c.yaml, err, c.want)
		}
		if !reflect.DeepEqual(got, Config{}) {
			t.Errorf("%s: a configuration came with the error: %+v", c.yaml, got)
		}
	}
}

func TestWhatIsWrongInTheEnvironmentNamesTheVariable(t *testing.T) {
	for variable, want := range map[string]string{
		"AFTERCARE_STORE_PTH=x":         `AFTERCARE_STORE_PTH: unknown variable; did you mean AFTERCARE_STORE_PATH?`,
		"AFTERCARE_TOKEN=verysecret":    `AFTERCARE_TOKEN: unknown variable; did you mean AFTERCARE_DISCORD_TOKEN?`,
		"AFTERCARE_CHECKINS_MARKS=24":   `checkins.marks (from AFTERCARE_CHECKINS_MARKS): "24" is no duration; write a number and h, m or s, as in [24h, 48h]`,
		"AFTERCARE_HELP_LINES=[{]":      `help.lines (from AFTERCARE_HELP_LINES): not a list; write each line with name, contact and checked (in the environment as JSON)`,
		"AFTERCARE_DISCORD_TOKEN=Bot a": `discord.token: begins with "Bot "; leave that out, it is added`,
	} {
		if _, err := load(t, "", variable); fmt.Sprint(err) != want {
			t.Errorf("%s\ngot  %v\nwant %s", variable, err, want)
		}
	}
}

func TestAllProblemsComeTogether(t *testing.T) {
	_, err := load(t, "discord: {tokn: a}\nlog: {level: loud}\ncheckins: {marks: [24]}",
		"AFTERCARE_NOPE=1", "AFTERCARE_STORE_KEY=a", "AFTERCARE_STORE_KEY_FILE=b")
	var names []string
	for line := range strings.Lines(fmt.Sprint(err)) {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, name)
	}
	want := []string{"discord.tokn", "AFTERCARE_NOPE", "checkins.marks", "log.level", "store.key"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q\n%v", names, want, err)
	}
}

func TestWhichFileIsRead(t *testing.T) {
	inDir(t, map[string]string{"config.yaml": "log: {format: json}", "other.yaml": "log: {level: warn}", "dir/x": ""})
	if c, err := loadConfig("", nil, testDay); err != nil || c.Log.Format != "json" {
		t.Errorf("config.yaml of the working directory: %+v, %v", c, err)
	}
	if c, err := loadConfig("other.yaml", nil, testDay); err != nil || c.Log.Format != "text" || c.Log.Level != slog.LevelWarn {
		t.Errorf("a named file: %+v, %v", c, err)
	}
	for path, want := range map[string]string{
		"missing.yaml": "missing.yaml: cannot be read (no such file or directory); check the path given with --config",
		"dir":          "dir: cannot be read (is a directory); check the path given with --config",
	} {
		if _, err := loadConfig(path, nil, testDay); runtime.GOOS != "windows" && fmt.Sprint(err) != want {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
}

func TestReadyNamesWhatIsMissing(t *testing.T) {
	const want = `discord.token: missing; set AFTERCARE_DISCORD_TOKEN or discord.token_file, the token is on the Bot page of your application
store.key: missing; make one with: aftercare key new > aftercare.key && chmod 600 aftercare.key, then set store.key_file: aftercare.key
operator.name: missing; write the name people know you by, it is shown to them before they agree`
	if got := fmt.Sprint(defaultConfig().Ready()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOwnSentences(t *testing.T) {
	read := func(file string) (Config, error) {
		inDir(t, map[string]string{"config.yaml": "text: {file: own.json}", "own.json": file})
		return loadConfig("", nil, testDay)
	}
	c, err := read(`{"declined": "All right. Nothing was kept."}`)
	if err != nil || c.Text.File != "own.json" || c.Text.Own["declined"].Say != "All right. Nothing was kept." {
		t.Errorf("%+v, %v", c.Text, err)
	}
	for file, want := range map[string]string{
		`{"declined": "You must answer."}`:      `text.file: declined: has "must": words that press, judge or diagnose`,
		`{"declinde": "All right."}`:            `text.file: declinde: no such key; the nearest is declined`,
		`{"checkin.shared": "It's with them."}`: `text.file: checkin.shared: has the placeholders [] and needs [names]`,
		`{"declined": "You must!"}`:             "text.file: declined: has \"must\": words that press, judge or diagnose\ntext.file: declined: has \"!\": an exclamation mark",
		`{"help": "Call somebody.{lines}"}`:     "text.file: help: leaves out the \"emergency number\", with which help begins\ntext.file: help: leaves out \"findahelpline.com\", which comes next",
		`{"declined": "All right."`:             `text.file: it ends too early: its last } is missing, or a quotation mark`,
		`[]`:                                    `text.file: it is no JSON object of sentences by key, as in {"declined": "That's fine."}`,
	} {
		if c, err := read(file); fmt.Sprint(err) != want || !reflect.DeepEqual(c, Config{}) {
			t.Errorf("%s\ngot  %v\nwant %s", file, err, want)
		}
	}
	for yaml, want := range map[string]string{
		"text: {file: none.json}": `text.file: "none.json" cannot be read (no such file or directory); name the file of your own sentences, or leave the key out`,
		"text: {file: .}":         `text.file: "." is no file of sentences; name one of at most 1 MiB, or leave the key out`,
		"text: {file: 5}":         `text.file: "5" is not text; put it in quotes`,
	} {
		if _, err := load(t, yaml); fmt.Sprint(err) != want {
			t.Errorf("%s\ngot  %v\nwant %s", yaml, err, want)
		}
	}
}
