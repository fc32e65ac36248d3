package store

import "log/slog"

// Private is text that belongs to a person: an account, a name, a feeling,
// words. It never prints: every verb, log handler and encoder shows [private].
// Reveal is the one way to the text, so that a search finds each place that
// takes it out.
type Private struct{ text string }

// Secret makes text private.
func Secret(text string) Private { return Private{text} }

// Reveal returns the text itself, to be sealed or shown to whom it belongs.
func (p Private) Reveal() string { return p.text }

// IsZero tells whether there is no text.
func (p Private) IsZero() bool { return p.text == "" }

const private = "[private]"

// String implements fmt.Stringer.
func (Private) String() string { return private }

// GoString implements fmt.GoStringer.
func (Private) GoString() string { return private }

// LogValue implements slog.LogValuer.
func (Private) LogValue() slog.Value { return slog.StringValue(private) }

// MarshalText implements encoding.TextMarshaler.
func (Private) MarshalText() ([]byte, error) { return []byte(private), nil }
