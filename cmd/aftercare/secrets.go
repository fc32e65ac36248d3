package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"
)

// Secret is text that does not show itself, whatever prints, logs or marshals it.
// Convert it to a string at the one place that needs it.
type Secret string

const hidden = "[secret]"

// String returns [secret].
func (Secret) String() string { return hidden }

// GoString returns [secret].
func (Secret) GoString() string { return hidden }

// Format writes [secret] for every verb; without it, %d would print the text in its complaint.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue returns [secret].
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText returns [secret].
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON returns "[secret]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// maxSecret bounds what is read of a secret's file: a key set is under 1 KiB.
const maxSecret = 64 << 10

// secretOrigin is one way in which a secret was given: as it stands, or as a file to read.
type secretOrigin struct {
	said  string // where it was said: a key with its file, a variable, a credential
	value string
	file  string
	open  bool // whether the file's mode is somebody else's care
}

// secret returns the secret of a key and the file it was read from, if it came by one.
// A secret given in two ways is a problem: one of them is out of date, and nobody can tell which.
func (s *sources) secret(p *problems, key string) (Secret, string) {
	bad := p.reporter(key)
	origins := s.origins(p, key)
	if len(origins) == 0 {
		return "", ""
	}
	if len(origins) > 1 {
		var said []string
		for _, o := range origins {
			said = append(said, o.said)
		}
		bad("set in %d ways, by %s; keep one of them", len(said), strings.Join(said, " and by "))
		return "", ""
	}
	o := origins[0]
	if o.file == "" {
		return Secret(strings.TrimRight(o.value, "\r\n")), ""
	}
	value, err := readSecret(o.file, o.open)
	if err != nil {
		bad("the file %s (%s) %v", o.file, o.said, err)
	}
	return value, o.file
}

// origins looks in every place where a secret may be given.
func (s *sources) origins(p *problems, key string) []secretOrigin {
	fileKey := key + "_file"
	var found []secretOrigin
	if value, ok := s.file[key]; ok {
		if literal, ok := value.(string); !ok {
			p.reporter(key)("is not text; put it in quotes")
		} else if s.shared {
			p.reporter(key)("stands in %s, which others can read; run: chmod 600 %s", s.path, s.path)
		} else {
			found = append(found, secretOrigin{said: key + " in " + s.path, value: literal})
		}
	}
	if value, ok := s.file[fileKey]; ok {
		if path, ok := text(value, p.reporter(fileKey)); ok {
			found = append(found, secretOrigin{said: fileKey + " in " + s.path, file: path})
		}
	}
	if value := s.env[envName(key)]; value != "" {
		found = append(found, secretOrigin{said: envName(key), value: value})
	}
	if path := s.env[envName(fileKey)]; path != "" {
		found = append(found, secretOrigin{said: envName(fileKey), file: path})
	}
	if s.creds != "" {
		path := filepath.Join(s.creds, key)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			// systemd grants a service its credentials by an ACL, which shows as a group's right.
			found = append(found, secretOrigin{said: "the credential " + key, file: path, open: true})
		}
	}
	return found
}

// readSecret reads a file that holds one secret. Its error goes on after the file's name, and
// ends in the fix.
func readSecret(path string, open bool) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot be read (%v); check the path, and that this user may read it", reason(err))
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err == nil && !open && !fromEngine(path) && othersMayRead(info) {
		return "", fmt.Errorf("can be read by others; run: chmod 600 %s", path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("cannot be read (%v); name a file that holds the secret and nothing else", reason(err))
	}
	// Windows' editors begin a file with such a mark, and its older shells write UTF-16.
	value := strings.TrimRight(strings.TrimPrefix(string(raw), "\ufeff"), "\r\n")
	switch {
	case strings.HasPrefix(value, "\xff\xfe"), strings.HasPrefix(value, "\xfe\xff"):
		return "", errors.New("is written in UTF-16; save it as UTF-8 (in PowerShell, in place of >: | Out-File -Encoding ascii)")
	case strings.TrimSpace(value) == "":
		return "", errors.New("is empty; write the secret into it")
	case len(raw) > maxSecret:
		return "", errors.New("is too large for a secret; name a file that holds the secret and nothing else")
	}
	return Secret(value), nil
}

func readableByOthers(path string) bool {
	info, err := os.Stat(path)
	return err == nil && othersMayRead(info)
}

// fromEngine tells whether a container engine handed a secret over. It mounts them readable by
// all who are in the container, which is nobody else.
func fromEngine(path string) bool {
	return strings.HasPrefix(filepath.ToSlash(filepath.Clean(path)), "/run/secrets/")
}

// othersMayRead looks at the mode of a regular file. Windows has no such mode, and a pipe
// belongs to whoever holds its ends.
func othersMayRead(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0
}

// checkToken finds what is often copied along with a token.
func checkToken(token string, bad report) {
	switch {
	case strings.HasPrefix(token, "Bot "):
		bad(`begins with "Bot "; leave that out, it is added`)
	case strings.ContainsFunc(token, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		bad("has a space or a line break in it; copy the token alone")
	case strings.ContainsFunc(token, notOfAToken):
		bad("has a character in it that no token has, such as a quotation mark; copy the token alone")
	case token != "" && strings.Trim(token, "0123456789") == "":
		bad("is a number, such as that of an application; the token is longer, and on the Bot page of your application")
	}
}

// notOfAToken tells a character that Discord's tokens don't have: they are parts in URL-safe
// base64, with dots between.
func notOfAToken(r rune) bool {
	return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", r)
}
