package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"runtime/debug"
	"strings"
)

// component is a part of the program, as CycloneDX writes it.
type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl,omitempty"`
}

// writeSBOM lists the modules that this binary was built from, as CycloneDX 1.5. The
// same build writes the same list: there is no time and no chance in it.
func writeSBOM(w io.Writer) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("this build does not know what it was built from")
	}
	parts := []component{{Type: "library", Ref: "go-std", Name: "std", Version: info.GoVersion, PURL: purl("std", strings.TrimPrefix(info.GoVersion, "go"))}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		parts = append(parts, component{Type: "library", Ref: m.Path + "@" + m.Version, Name: m.Path, Version: m.Version, PURL: purl(m.Path, m.Version)})
	}
	type metadata struct {
		Component component `json:"component"`
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Format     string      `json:"bomFormat"`
		Spec       string      `json:"specVersion"`
		Version    int         `json:"version"`
		Metadata   metadata    `json:"metadata"`
		Components []component `json:"components"`
	}{"CycloneDX", "1.5", 1, metadata{component{Type: "application", Ref: "aftercare", Name: "aftercare", Version: version()}}, parts})
}

// purl names a Go module for scanners.
func purl(path, version string) string {
	return "pkg:golang/" + strings.ReplaceAll(url.PathEscape(path), "%2F", "/") + "@" + url.PathEscape(version)
}
