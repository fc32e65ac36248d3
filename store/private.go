package store

import (
	"fmt"
	"io"
	"log/slog"
	"unique"
)

// Private is text that belongs to a person: an account, a name, a feeling,
// words. It never prints: every verb, log handler and encoder shows [private].
// Reveal is the one way to the text, so that a search finds each place that
// takes it out. Equal texts are equal by ==.
//
// The text is behind a pointer, because fmt does not ask methods about what is
// in an unexported field: there it prints an address.
type Private struct{ text unique.Handle[string] }

// Secret makes text private.
func Secret(text string) Private {
	if text == "" {
		return Private{}
	}
	return Private{unique.Make(text)}
}

// Reveal returns the text itself, to be sealed or shown to whom it belongs.
func (p Private) Reveal() string {
	if p.IsZero() {
		return ""
	}
	return p.text.Value()
}

// IsZero tells whether there is no text.
func (p Private) IsZero() bool { return p == Private{} }

const private = "[private]"

// Format implements fmt.Formatter, for the verbs that String is not asked about.
func (Private) Format(f fmt.State, _ rune) { io.WriteString(f, private) }

// String implements fmt.Stringer.
func (Private) String() string { return private }

// GoString implements fmt.GoStringer.
func (Private) GoString() string { return private }

// LogValue implements slog.LogValuer.
func (Private) LogValue() slog.Value { return slog.StringValue(private) }

// MarshalText implements encoding.TextMarshaler.
func (Private) MarshalText() ([]byte, error) { return []byte(private), nil }
