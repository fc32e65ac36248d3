// Package text holds every sentence the bot says, by key. The catalogue is a folder
// for each language, in it a file for each part of what people can do. It gives
// each sentence a kind, which says what rules it obeys, and a note on what it is
// for; the test of this package reads all of them against the rules. An operator's
// own sentences (own.go) obey the same rules, and stand in place of ours.
package text

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Key names a sentence.
type Key string

// Kind is what a sentence is, and so which rules it obeys (see Lint).
type Kind string

// The kinds.
const (
	First   Kind = "first"   // a first line of a DM: fit for a stranger's eyes
	Say     Kind = "say"     // part of a message
	Label   Kind = "label"   // on a button, a menu or a form
	Page    Kind = "page"    // read in calm, by choice: terms, help, privacy
	Command Kind = "command" // shown by Discord to anybody in a server
)

// Sentence is an entry of the catalogue.
type Sentence struct {
	Kind Kind   `json:"kind"`
	Say  string `json:"say"`
	For  string `json:"for"`
}

//go:embed */*.json
var folders embed.FS

// English is the language that is always there.
const English = "en"

var (
	languages = mustReadAll(folders)
	english   = languages[English]
)

// mustReadAll reads the catalogue of each language.
func mustReadAll(folders fs.FS) map[string]map[Key]Sentence {
	names, err := fs.ReadDir(folders, ".")
	if err != nil {
		panic("text: " + err.Error())
	}
	all := map[string]map[Key]Sentence{}
	for _, name := range names {
		all[name.Name()] = mustRead(folders, name.Name())
	}
	return all
}

// Languages lists the languages there are, by the code that names their folder.
func Languages() []string { return slices.Sorted(maps.Keys(languages)) }

// mustRead reads a catalogue: every file of a folder.
func mustRead(folder fs.FS, name string) map[Key]Sentence {
	all := map[Key]Sentence{}
	files, err := fs.Glob(folder, name+"/*.json")
	if err != nil || len(files) == 0 {
		panic("text: no catalogue " + name)
	}
	for _, file := range files {
		b, err := fs.ReadFile(folder, file)
		if err != nil {
			panic("text: " + err.Error())
		}
		part := map[Key]Sentence{}
		if err := json.Unmarshal(b, &part); err != nil {
			panic("text: " + file + ": " + err.Error())
		}
		for key, s := range part {
			if _, twice := all[key]; twice {
				panic(fmt.Sprintf("text: two sentences for %q", key))
			}
			all[key] = s
		}
	}
	return all
}

// All returns the catalogue. It must not be changed.
func All() map[Key]Sentence { return english }

// In returns the catalogue of a language; nil if there is none. It must not be
// changed.
func In(language string) map[Key]Sentence { return languages[language] }

// T returns a sentence, with each {name} in it replaced: T(key, "name", value,
// ...). A value is put in as it is. An unknown key, a missing value and one too
// many are mistakes of the program, and panic.
func T(key Key, values ...string) string {
	s, ok := sentence(key)
	if !ok {
		panic(fmt.Sprintf("text: no sentence %q", key))
	}
	var given []string
	for i := 0; i < len(values); i += 2 {
		given = append(given, values[i])
	}
	slices.Sort(given)
	if want := s.Placeholders(); !slices.Equal(given, want) {
		panic(fmt.Sprintf("text: %q is given %v and has %v", key, given, want))
	}
	pairs := make([]string, len(values))
	for i := range values {
		pairs[i] = values[i]
		if i%2 == 0 {
			pairs[i] = "{" + values[i] + "}"
		}
	}
	return strings.NewReplacer(pairs...).Replace(s.Say)
}
