package store

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const masterPrefix = "aftercare-key-1-"

// MasterKey is the operator's key. It prints as [private].
type MasterKey struct{ text Private }

// Format implements fmt.Formatter.
func (k MasterKey) Format(f fmt.State, verb rune) { k.text.Format(f, verb) }

// LogValue implements slog.LogValuer.
func (k MasterKey) LogValue() slog.Value { return k.text.LogValue() }

// MarshalText implements encoding.TextMarshaler.
func (k MasterKey) MarshalText() ([]byte, error) { return k.text.MarshalText() }

// NewMasterKey returns a fresh master key in the form that ParseMasterKey reads.
// It is one line of printable text.
func NewMasterKey() (string, error) {
	h, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewBinaryWriter(&b)); err != nil {
		return "", err
	}
	return masterPrefix + base64.RawURLEncoding.EncodeToString(b.Bytes()), nil
}

// ParseMasterKey reads a master key. Its errors never contain the text.
func ParseMasterKey(text string) (MasterKey, error) {
	k := MasterKey{Secret(strings.TrimSpace(text))}
	if _, err := k.aead(); err != nil {
		return MasterKey{}, err
	}
	return k, nil
}

func (k MasterKey) aead() (tink.AEAD, error) {
	text, ok := strings.CutPrefix(k.text.Reveal(), masterPrefix)
	if !ok {
		return nil, errors.New("this is no master key; `aftercare key new` prints one, and it begins with " + masterPrefix)
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("the master key is damaged; copy the whole line that `aftercare key new` printed")
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(b)))
	if err != nil {
		return nil, errors.New("the master key is damaged; copy the whole line that `aftercare key new` printed")
	}
	return aead.New(h)
}

const padTo = 64 // more than any feeling with any need takes

func pad(b []byte) []byte {
	n := (len(b)/padTo + 1) * padTo
	p := make([]byte, n)
	copy(p, b)
	p[len(b)] = 0x80
	return p
}

func unpad(b []byte) ([]byte, error) {
	i := bytes.LastIndexByte(b, 0x80)
	if i < 0 {
		return nil, errors.New("sealed text is not padded")
	}
	return b[:i], nil
}

// place is where a ciphertext belongs. It opens nowhere else.
func place(column string, row int64) []byte { return fmt.Appendf(nil, "%s:%d", column, row) }

func sealBytes(a tink.AEAD, column string, row int64, b []byte) ([]byte, error) {
	return a.Encrypt(pad(b), place(column, row))
}

func openBytes(a tink.AEAD, column string, row int64, sealed []byte) ([]byte, error) {
	b, err := a.Decrypt(sealed, place(column, row))
	if err != nil {
		return nil, fmt.Errorf("open %s:%d: %w", column, row, err)
	}
	return unpad(b)
}

// seal seals text with a person's key for one column of one row.
func (t *tx) seal(person int64, column string, row int64, text Private) ([]byte, error) {
	a, err := t.personKey(person)
	if err != nil {
		return nil, err
	}
	return sealBytes(a, column, row, []byte(text.Reveal()))
}

// open is the way back. No ciphertext is no text.
func (t *tx) open(person int64, column string, row int64, sealed []byte) (Private, error) {
	if sealed == nil {
		return Private{}, nil
	}
	a, err := t.personKey(person)
	if err != nil {
		return Private{}, err
	}
	b, err := openBytes(a, column, row, sealed)
	return Secret(string(b)), err
}

func (t *tx) sealJSON(person int64, column string, row int64, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return t.seal(person, column, row, Secret(string(b)))
}

func (t *tx) openJSON(person int64, column string, row int64, sealed []byte, v any) error {
	text, err := t.open(person, column, row, sealed)
	if err != nil || text.IsZero() {
		return err
	}
	return json.Unmarshal([]byte(text.Reveal()), v)
}

// lookup is the keyed hash by which a row is found. The kind keeps a person and
// a message with one number apart.
func (s *Store) lookup(kind string, parts ...string) []byte {
	m := hmac.New(sha256.New, s.keys.hashKey)
	m.Write([]byte(kind))
	for _, p := range parts {
		m.Write([]byte{0})
		m.Write([]byte(p))
	}
	return m.Sum(nil)[:16]
}
