// Package conformance holds a bot's requests against Discord's own OpenAPI
// document, and against the rules that the document leaves to prose. It is for
// tests only: a discordtest.Options.Check.
//
// The document is not part of this repository: it is looked for where the
// environment variable DISCORD_OPENAPI says.
package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Env names the environment variable that names Discord's OpenAPI document.
const Env = "DISCORD_OPENAPI"

// docURL is what the document is called while schemas are compiled.
const docURL = "https://discord.test/openapi.json"

// opened reads the document once for all tests of a package.
var opened = sync.OnceValues(func() (*Spec, error) { return Load(os.Getenv(Env)) })

// Open returns the verdict for discordtest.Options.Check, or nil if Env is
// not set. A document that is named and can't be read fails the test.
func Open(tb testing.TB) func(method, path string, body []byte) error {
	tb.Helper()
	if os.Getenv(Env) == "" {
		return nil
	}
	s, err := opened()
	if err != nil {
		tb.Fatal(err)
	}
	return s.Check
}

// Spec is Discord's OpenAPI document. It may be used from any goroutine.
type Spec struct {
	paths []template

	mu       sync.Mutex // also serialises the compiler
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema // by JSON pointer
}

// template is a path of the document, cut at its slashes.
type template struct {
	path    string
	parts   []string
	params  int
	methods map[string]operation
}

type operation struct {
	Body *struct {
		Required bool                       `json:"required"`
		Content  map[string]json.RawMessage `json:"content"`
	} `json:"requestBody"`
}

// Load reads the document at a path and closes its object schemas, so that a
// field which Discord does not know is an error.
func Load(path string) (*Spec, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("conformance: %w", err)
	}
	var index struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(b, &index); err != nil {
		return nil, fmt.Errorf("conformance: %s: %w", path, err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("conformance: %s: %w", path, err)
	}
	shut(doc, false)
	s := &Spec{compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	s.compiler.DefaultDraft(jsonschema.Draft2020)
	if err := s.compiler.AddResource(docURL, doc); err != nil {
		return nil, fmt.Errorf("conformance: %s: %w", path, err)
	}
	for path, methods := range index.Paths {
		t, err := newTemplate(path, methods)
		if err != nil {
			return nil, err
		}
		s.paths = append(s.paths, t)
	}
	// A path without parameters is meant before one that would fit as well.
	slices.SortFunc(s.paths, func(a, b template) int {
		if a.params != b.params {
			return a.params - b.params
		}
		return strings.Compare(a.path, b.path)
	})
	return s, nil
}

func newTemplate(path string, methods map[string]json.RawMessage) (template, error) {
	t := template{path: path, parts: strings.Split(path, "/"), methods: map[string]operation{}}
	t.params = strings.Count(path, "{")
	for method, raw := range methods {
		if method == "parameters" {
			continue
		}
		var op operation
		if err := json.Unmarshal(raw, &op); err != nil {
			return t, fmt.Errorf("conformance: %s %s: %w", method, path, err)
		}
		t.methods[method] = op
	}
	return t, nil
}

// shut closes every object schema that lists its properties. Parts of an allOf
// stay open: each would refuse what the other part asks for.
func shut(v any, part bool) {
	switch v := v.(type) {
	case []any:
		for _, each := range v {
			shut(each, part)
		}
	case map[string]any:
		_, lists := v["properties"].(map[string]any)
		_, decided := v["additionalProperties"]
		_, whole := v["allOf"]
		if lists && !decided && !part && !whole {
			v["additionalProperties"] = false
		}
		for key, inner := range v {
			shut(inner, key == "allOf")
		}
	}
}

// Check returns what is wrong with a request: a path or method that Discord
// does not have, a body that its document or its prose forbids. The path comes
// without the version prefix.
func (s *Spec) Check(method, path string, body []byte) error {
	t, ok := s.find(path)
	if !ok {
		return fmt.Errorf("no path %s at Discord", path)
	}
	method = strings.ToLower(method)
	op, ok := t.methods[method]
	switch {
	case !ok:
		return fmt.Errorf("%s takes no %s", t.path, strings.ToUpper(method))
	case op.Body == nil && len(body) > 0:
		return fmt.Errorf("%s %s takes no body", strings.ToUpper(method), t.path)
	case op.Body == nil, len(body) == 0 && !op.Body.Required:
		return nil
	case len(body) == 0:
		return fmt.Errorf("%s %s needs a body", strings.ToUpper(method), t.path)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	v = tidy(t.path, v)
	schema, err := s.schema(t.path, method)
	if err != nil {
		return err
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("against Discord's document: %w", err)
	}
	return prose(t.path, v)
}

func (s *Spec) find(path string) (template, bool) {
	parts := strings.Split(path, "/")
	at := slices.IndexFunc(s.paths, func(t template) bool {
		return len(t.parts) == len(parts) && t.fits(parts)
	})
	if at < 0 {
		return template{}, false
	}
	return s.paths[at], true
}

func (t template) fits(parts []string) bool {
	for i, part := range t.parts {
		if part != parts[i] && (!strings.HasPrefix(part, "{") || parts[i] == "") {
			return false
		}
	}
	return true
}

// schema compiles an operation's schema on first use.
func (s *Spec) schema(path, method string) (*jsonschema.Schema, error) {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace
	at := docURL + "#/paths/" + escape(path) + "/" + method + "/requestBody/content/application~1json/schema"
	s.mu.Lock()
	defer s.mu.Unlock()
	if schema := s.schemas[at]; schema != nil {
		return schema, nil
	}
	schema, err := s.compiler.Compile(at)
	if err != nil {
		return nil, fmt.Errorf("conformance: %w", err)
	}
	s.schemas[at] = schema
	return schema, nil
}
