package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"
)

// TestEverySecretComesInEveryWay also holds that the file's name is kept, and line ends are not.
func TestEverySecretComesInEveryWay(t *testing.T) {
	files := map[string]string{
		"empty.yaml": "", "token.txt": "\ufeffa.b.c\r\n", "key.txt": "master\n\n",
		"literal.yaml":         "discord: {token: a.b.c}\nstore: {key: master}",
		"files.yaml":           "discord: {token_file: token.txt}\nstore: {key_file: key.txt}",
		"creds/discord.token":  "a.b.c\n",
		"creds/store.key":      "master\n",
		"creds/something.else": "",
	}
	for name, c := range map[string]struct {
		path string
		env  []string
		read bool
	}{
		"as they stand in the file": {"literal.yaml", nil, false},
		"files named in the file":   {"files.yaml", nil, true},
		"variables":                 {"empty.yaml", []string{"AFTERCARE_DISCORD_TOKEN=a.b.c", "AFTERCARE_STORE_KEY=master\n"}, false},
		"files named by variables":  {"empty.yaml", []string{"AFTERCARE_DISCORD_TOKEN_FILE=token.txt", "AFTERCARE_STORE_KEY_FILE=key.txt"}, true},
		"credentials":               {"empty.yaml", []string{"CREDENTIALS_DIRECTORY=creds"}, true},
	} {
		inDir(t, files)
		if err := os.Chmod("creds/store.key", 0o440); err != nil { // as systemd's ACL looks
			t.Fatal(err)
		}
		got, err := loadConfig(c.path, c.env, testDay)
		if err != nil || got.Discord.Token != "a.b.c" || got.Store.Key != "master" {
			t.Errorf("%s: %q, %q, %v", name, string(got.Discord.Token), string(got.Store.Key), err)
		}
		if c.read != (got.Discord.TokenFile != "") || c.read != (got.Store.KeyFile != "") {
			t.Errorf("%s: files %q and %q", name, got.Discord.TokenFile, got.Store.KeyFile)
		}
	}
}

func TestWhatIsWrongWithSecrets(t *testing.T) {
	const hiddenWord = "verysecret"
	files := map[string]string{
		"key": hiddenWord, "open": hiddenWord, "empty": "\n", "large": strings.Repeat("a", maxSecret+1),
		"wide": "\xff\xfev\x00e\x00r\x00y\x00\r\x00\n\x00", "creds/store.key": hiddenWord, "dir/x": "", "openliteral.yaml": "store: {key: " + hiddenWord + "}",
	}
	for _, c := range []struct{ yaml, env, want string }{
		{"store: {key: verysecret}", "AFTERCARE_STORE_KEY=verysecret", "store.key: set in 2 ways, by store.key in c.yaml and by AFTERCARE_STORE_KEY; keep one of them"},
		{"store: {key_file: key}", "AFTERCARE_STORE_KEY_FILE=key", "store.key: set in 2 ways, by store.key_file in c.yaml and by AFTERCARE_STORE_KEY_FILE; keep one of them"},
		{"store: {key: verysecret, key_file: key}", "CREDENTIALS_DIRECTORY=creds", "store.key: set in 3 ways, by store.key in c.yaml and by store.key_file in c.yaml and by the credential store.key; keep one of them"},
		{"store: {key_file: none}", "", "store.key: the file none (store.key_file in c.yaml) cannot be read (no such file or directory); check the path, and that this user may read it"},
		{"store: {key_file: dir}", "", "store.key: the file dir (store.key_file in c.yaml) cannot be read (is a directory); name a file that holds the secret and nothing else"},
		{"store: {key_file: wide}", "", "store.key: the file wide (store.key_file in c.yaml) is written in UTF-16; save it as UTF-8 (in PowerShell, in place of >: | Out-File -Encoding ascii)"},
		{"store: {key_file: open}", "", "store.key: the file open (store.key_file in c.yaml) can be read by others; run: chmod 600 open"},
		{"", "AFTERCARE_STORE_KEY_FILE=empty", "store.key: the file empty (AFTERCARE_STORE_KEY_FILE) is empty; write the secret into it"},
		{"", "AFTERCARE_STORE_KEY_FILE=large", "store.key: the file large (AFTERCARE_STORE_KEY_FILE) is too large for a secret; name a file that holds the secret and nothing else"},
	} {
		files["c.yaml"] = c.yaml
		inDir(t, files)
		if err := os.Chmod("open", 0o640); err != nil {
			t.Fatal(err)
		}
		_, err := loadConfig("c.yaml", []string{c.env}, testDay)
		if runtime.GOOS != "windows" && fmt.Sprint(err) != c.want {
			t.Errorf("%s %s\ngot  %v\nwant %s", c.yaml, c.env, err, c.want)
		}
		if strings.Contains(fmt.Sprint(err), hiddenWord) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
	if err := os.Chmod("openliteral.yaml", 0o644); err != nil {
		t.Fatal(err)
	}
	const want = "store.key: stands in openliteral.yaml, which others can read; run: chmod 600 openliteral.yaml"
	if _, err := loadConfig("openliteral.yaml", nil, testDay); runtime.GOOS != "windows" && fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNoErrorShowsWhatMayBeASecret(t *testing.T) {
	for _, text := range []string{
		"verysecret", "token: verysecret", "discord: verysecret", "discord: {token: Bot verysecret}",
		"discord: {token: [verysecret]}", "discord: {tken: verysecret}", "discord: {api_url: 'https://a:verysecret@b'}",
		"discord: {token: *verysecret}", "- verysecret",
	} {
		_, err := load(t, text, "AFTERCARE_TOKEN=verysecret")
		if err == nil || strings.Contains(err.Error(), "verysecret") || strings.Contains(err.Error(), "verys") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestASecretDoesNotShow(t *testing.T) {
	var c Config
	c.Discord.Token, c.Store.Key = "verysecret", "verysecret"
	printed := fmt.Sprint(c, &c, c.Discord.Token)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%e", "%U"} {
		printed += fmt.Sprintf(verb, c) + fmt.Sprintf(verb, c.Store.Key) + fmt.Sprintf(verb, []any{&c.Store.Key})
	}
	asJSON, err := json.Marshal(map[string]any{"config": c, "list": []Secret{"verysecret"}})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("config", "config", c, "token", c.Discord.Token, "list", []Secret{"verysecret"})
	}
	for _, text := range []string{printed, string(asJSON), log.String()} {
		if strings.Contains(text, "verys") || strings.Contains(text, fmt.Sprintf("%x", "verys")) || !strings.Contains(text, hidden) {
			t.Errorf("shows a secret, or hides it otherwise: %s", text)
		}
	}
}
