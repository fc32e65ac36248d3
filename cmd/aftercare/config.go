package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"

	sentences "aftercare/bot/text"
)

// Config is everything an operator can decide. It may be printed, logged and marshalled:
// its secrets are of a type that shows nothing.
type Config struct {
	Discord struct {
		Token             Secret // from the Bot page of the application
		TokenFile         string // the file that Token was read from, where a file was named
		APIURL            string // without the version and without a slash at the end
		AgeRestricted     bool   // whether Discord shows the commands to adults only
		RequestsPerSecond int    // the global limit, 1 to 1000
	}
	Store struct {
		Path     string // the database
		KeysPath string // the file of the persons' own keys; never the same as Path
		Key      Secret // the master key itself
		KeyFile  string // the file that Key was read from, where a file was named
	}
	Backup struct {
		Dir   string // the folder of the backups; "": none are taken
		Every string // when, as a cron line in UTC that scheduler.CheckTimes takes
		Keep  int    // how many databases are kept, 1 to 1000
	}
	Checkins struct {
		Marks []time.Duration // strictly rising, 1 to 10 of them, whole milliseconds, each up to 30 days
	}
	Log struct {
		Level  slog.Level // debug, info, warn or error
		Format string     // text or json
	}
	HTTP struct {
		Listen string // host and port for health and metrics; "" for none
	}
	Operator struct {
		Name string // who runs this bot: shown to people before they agree
	}
	Help struct {
		Lines []HelpLine // shown by "More help", after the emergency number
	}
	Text struct {
		File string                               // the file of the operator's own sentences, where one was named
		Own  map[sentences.Key]sentences.Sentence // what stands in it, by the rules
	}
}

// HelpLine is somebody to turn to, as the operator found it on the day Checked.
type HelpLine struct {
	Name    string
	Contact string    // a number or an address, as people are to see it
	Checked time.Time // a date: midnight UTC
}

const (
	defaultConfigFile = "config.yaml"
	envPrefix         = "AFTERCARE_"
)

// defaultConfig is what holds where the operator decides nothing. It lacks what Ready asks for.
func defaultConfig() Config {
	var c Config
	c.Discord.APIURL = "https://discord.com/api"
	c.Discord.AgeRestricted = true
	c.Discord.RequestsPerSecond = 50
	c.Store.Path = "aftercare.db"
	c.Store.KeysPath = keysPathFor(c.Store.Path)
	c.Backup.Every = "0 4 * * *"
	c.Backup.Keep = 7
	c.Checkins.Marks = []time.Duration{24 * time.Hour, 48 * time.Hour}
	c.Log.Format = "text"
	return c
}

// loadConfig reads the file at path, then env (in the form of os.Environ), which wins over it.
// An empty path stands for config.yaml in the working directory where there is one. now is the
// day on which help lines are judged. The error joins every problem found, a line each; a line
// names the key and the fix and never shows a secret.
func loadConfig(path string, env []string, now time.Time) (Config, error) {
	given, p := readSources(path, env)
	c := defaultConfig()
	c.Store.KeysPath = ""
	for _, k := range keys {
		if value, origin := given.lookup(k.path); k.set != nil && value != nil {
			k.set(&c, value, now, p.reporter(k.path+origin))
		}
	}
	c.Discord.Token, c.Discord.TokenFile = given.secret(&p, "discord.token")
	c.Store.Key, c.Store.KeyFile = given.secret(&p, "store.key")
	checkToken(string(c.Discord.Token), p.reporter("discord.token"))
	checkKeysPath(&c, p.reporter("store.keys_path"))
	if err := errors.Join(p...); err != nil {
		return Config{}, err
	}
	return c, nil
}

// listenAddress reads http.listen as loadConfig does, and looks at nothing else: what is wrong
// with the rest of a configuration says nothing of the bot that runs already.
func listenAddress(path string, env []string, now time.Time) (string, error) {
	const key = "http.listen"
	given, rest := readSources(path, env)
	value, origin := given.lookup(key)
	if value == nil {
		return "", errors.Join(rest...) // it may be what could not be read
	}
	c := defaultConfig()
	var own problems
	keys[slices.IndexFunc(keys, func(k configKey) bool { return k.path == key })].set(&c, value, now, own.reporter(key+origin))
	return c.HTTP.Listen, errors.Join(own...)
}

// Ready says what `run` still needs, a line for each, and how to come by it. Other commands
// work without, and so loadConfig does not ask.
func (c Config) Ready() error {
	var errs []error
	need := func(missing bool, line string) {
		if missing {
			errs = append(errs, errors.New(line))
		}
	}
	need(c.Discord.Token == "", "discord.token: missing; set AFTERCARE_DISCORD_TOKEN or discord.token_file, "+
		"the token is on the Bot page of your application")
	need(c.Store.Key == "", "store.key: missing; make one with: aftercare key new > aftercare.key && "+
		"chmod 600 aftercare.key, then set store.key_file: aftercare.key")
	need(c.Operator.Name == "", "operator.name: missing; write the name people know you by, "+
		"it is shown to them before they agree")
	return errors.Join(errs...)
}

// problems collects what is wrong, so that an operator can mend all of it in one go.
type problems []error

// report adds one problem: what is wrong, a semicolon, and the fix.
type report func(format string, args ...any)

// reporter returns the report for one key.
func (p *problems) reporter(name string) report {
	return func(format string, args ...any) {
		*p = append(*p, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
	}
}

// sources is what the operator gave, before it is understood. An empty value counts as not given.
type sources struct {
	path   string            // of the file, as named; "" for none
	file   map[string]any    // by key
	env    map[string]string // by variable, those with our prefix and known
	creds  string            // the directory that systemd puts credentials in, or ""
	shared bool              // whether others can read the file
}

// readSources reads the file at path, and env.
func readSources(path string, env []string) (given sources, p problems) {
	given = sources{file: map[string]any{}, env: map[string]string{}}
	given.readFile(&p, path)
	given.readEnv(&p, env)
	return given, p
}

// lookup returns the value given for a key, and what to add to the key's name in a report.
func (s *sources) lookup(key string) (value any, origin string) {
	if v := s.env[envName(key)]; v != "" {
		return v, " (from " + envName(key) + ")"
	}
	return s.file[key], ""
}

func (s *sources) readFile(p *problems, path string) {
	name := path
	if path == "" {
		name = defaultConfigFile
	}
	raw, err := os.ReadFile(name)
	if path == "" && errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		p.reporter(name)("cannot be read (%v); check the path given with --config", reason(err))
		return
	}
	s.path = name
	s.shared = readableByOthers(name)
	v := viper.New()
	v.SetConfigType("yaml")
	if err := v.ReadConfig(bytes.NewReader(raw)); err != nil {
		p.reporter(name)("is not valid YAML: %s", yamlReason(err))
		return
	}
	if twice := writtenTwice(raw); twice != "" {
		p.reporter(name)("%s are one key, and only one of them would count; write it once", twice)
	}
	for _, key := range slices.Sorted(slices.Values(v.AllKeys())) {
		s.take(p, key, v.Get(key))
	}
}

// writtenTwice returns how a key is spelled that a file has more than once, or "". Viper
// takes capitals for small letters, and a dot for a section, and the last one for all.
func writtenTwice(raw []byte) string {
	var all map[string]any
	if yaml.Unmarshal(raw, &all) != nil {
		return "" // Viper has read it
	}
	spelled := map[string]string{}
	var walk func(above string, section map[string]any) string
	walk = func(above string, section map[string]any) string {
		for _, name := range slices.Sorted(maps.Keys(section)) {
			key := strings.ToLower(strings.ReplaceAll(above+name, ": ", "."))
			if first, is := spelled[key]; is {
				return first + " and " + above + name
			}
			spelled[key] = above + name
			if below, is := section[name].(map[string]any); is {
				if twice := walk(above+name+": ", below); twice != "" {
					return twice
				}
			}
		}
		return ""
	}
	return walk("", all)
}

// take files one value of the YAML file. It never reports the value of a key it does not know:
// that may be a secret under a misspelt name.
func (s *sources) take(p *problems, key string, value any) {
	switch {
	case known(key):
		if value != nil && value != "" {
			s.file[key] = value
		}
	case isSection(key):
		if value != nil {
			p.reporter(key)("is a section; write its keys on lines of their own below it, indented")
		}
	default:
		p.reporter(key)("unknown key in %s; %s", s.path, suggest(key, allKeys(), "."))
	}
}

func (s *sources) readEnv(p *problems, env []string) {
	names := map[string]bool{}
	for _, k := range keys {
		names[envName(k.path)] = true
	}
	for _, entry := range slices.Sorted(slices.Values(env)) {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case name == "CREDENTIALS_DIRECTORY":
			s.creds = value
		case !strings.HasPrefix(name, envPrefix):
		case names[name]:
			s.env[name] = value
		default:
			p.reporter(name)("unknown variable; %s", suggest(name, slices.Sorted(maps.Keys(names)), "_"))
		}
	}
}

func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func known(key string) bool { return slices.Contains(allKeys(), key) }

func isSection(key string) bool {
	return slices.ContainsFunc(keys, func(k configKey) bool { return strings.HasPrefix(k.path, key+".") })
}

func allKeys() []string {
	var all []string
	for _, k := range keys {
		all = append(all, k.path)
	}
	return all
}

var (
	yamlNoKeys = regexp.MustCompile(`cannot unmarshal .* into map.*`)
	yamlQuotes = regexp.MustCompile("`[^`]*`|anchor '[^']*'")
	yamlBreaks = regexp.MustCompile(`\s*\n\s*`)
)

// yamlReason makes one line of a parser's error. What the parser quotes of the file is left
// out: somebody may have named the file of a secret by mistake.
func yamlReason(err error) string {
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	text := strings.NewReplacer("yaml: ", "", "unmarshal errors:\n", "",
		"cannot start any token", "cannot start any token; indent with spaces and no tab, and quote a value that begins with a sign").Replace(err.Error())
	text = yamlNoKeys.ReplaceAllString(text, "no keys here; write each as key: value")
	text = yamlQuotes.ReplaceAllString(text, "[text]")
	return yamlBreaks.ReplaceAllString(strings.TrimSpace(text), "; ")
}

// reason is an error of the file system without the path, which the report names already.
func reason(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// keysPathFor puts the file of keys beside the database.
func keysPathFor(path string) string {
	if ext := filepath.Ext(path); ext != "" && ext != ".keys" {
		path = strings.TrimSuffix(path, ext)
	}
	return path + ".keys"
}

func checkKeysPath(c *Config, bad report) {
	if c.Store.KeysPath == "" {
		c.Store.KeysPath = keysPathFor(c.Store.Path)
	}
	if filepath.Clean(c.Store.KeysPath) == filepath.Clean(c.Store.Path) {
		bad("%s is the database itself; name another file, so that the two can be backed up apart", show(c.Store.KeysPath))
	}
}
