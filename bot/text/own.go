package text

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"
)

// own are an operator's sentences.
var own atomic.Pointer[map[Key]Sentence]

// sentence returns what is said for a key.
func sentence(key Key) (Sentence, bool) {
	if mine := own.Load(); mine != nil {
		if s, ok := (*mine)[key]; ok {
			return s, true
		}
	}
	s, ok := english[key]
	return s, ok
}

// Use puts an operator's own sentences in place of ours, for the whole process.
// It is to be called once, before a bot is made, with what ReadOwn returned:
// sentences that break a rule, and a second call, are mistakes of the program and
// panic. None is fine, any number of times.
func Use(sentences map[Key]Sentence) {
	if len(sentences) == 0 {
		return
	}
	if !own.CompareAndSwap(nil, checked(sentences)) {
		panic("text: somebody's own sentences are in use already")
	}
}

// Change replaces an operator's own sentences while a bot runs, by others that
// ReadOwn returned, or by none: then ours are said again. What is being said at
// this moment may be of either. Those that break a rule panic.
func Change(sentences map[Key]Sentence) {
	if len(sentences) == 0 {
		own.Store(nil)
		return
	}
	own.Store(checked(sentences))
}

func checked(sentences map[Key]Sentence) *map[Key]Sentence {
	if broken := Lint(sentences); len(broken) > 0 {
		panic("text: " + errors.Join(broken...).Error())
	}
	mine := maps.Clone(sentences)
	return &mine
}

// UnknownKeyError is a sentence by a key that the bot doesn't know.
type UnknownKeyError struct{ Key Key }

func (e UnknownKeyError) Error() string { return fmt.Sprintf("%s: is no key of ours", e.Key) }

// Keys lists every key.
func Keys() []Key { return slices.Sorted(maps.Keys(english)) }

// ReadOwn reads an operator's own sentences: a JSON object of sentences by key, or
// of entries as the catalogue has them. It holds them against the same rules as
// ours, and returns everything that is wrong, each with its key and the rule.
func ReadOwn(raw []byte) (map[Key]Sentence, []error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	if at, err := d.Token(); err != nil || at != json.Delim('{') {
		return nil, []error{errors.New(`it is no JSON object of sentences by key, as in {"declined": "That's fine."}`)}
	}
	all := map[Key]Sentence{}
	var broken []error
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, append(broken, notJSON(err))
		}
		key := Key(name.(string)) // in an object it is nothing else
		var entry json.RawMessage
		if err := d.Decode(&entry); err != nil {
			return nil, append(broken, notJSON(err))
		}
		_, twice := all[key]
		s, err := readOne(key, entry)
		switch {
		case twice:
			broken = append(broken, fmt.Errorf("%s: has two sentences", key))
		case err != nil:
			broken = append(broken, err)
		default:
			all[key] = s
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, append(broken, notJSON(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, append(broken, errors.New("there is something after its last }"))
	}
	return all, append(broken, Lint(all)...)
}

func notJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early: its last } is missing, or a quotation mark")
	}
	return fmt.Errorf("it is no JSON: %w", err)
}

func readOne(key Key, entry json.RawMessage) (s Sentence, err error) {
	ours, known := english[key]
	if !known {
		return s, UnknownKeyError{key}
	}
	if json.Unmarshal(entry, &s.Say) == nil {
		s.Kind = ours.Kind
		return s, nil
	}
	d := json.NewDecoder(bytes.NewReader(entry))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, fmt.Errorf(`%s: is neither a sentence nor an entry with "say"`, key)
	}
	if s.Kind != "" && s.Kind != ours.Kind {
		return s, fmt.Errorf("%s: is of the kind %q, not %q", key, ours.Kind, s.Kind)
	}
	s.Kind = ours.Kind
	return s, nil
}
