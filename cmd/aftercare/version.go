package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	var parts bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print which build this is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if parts {
				return writeSBOM(cmd.OutOrStdout())
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "aftercare %s\ncommit %s\n%s for %s/%s\n",
				version(), cmp.Or(committed(), commit()), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	cmd.Flags().BoolVar(&parts, "sbom", false, "print the modules in this build in place of it, as CycloneDX JSON")
	return cmd
}

// committed is the whole commit and its time, where the build knows them.
func committed() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	vcs := map[string]string{}
	for _, s := range info.Settings {
		vcs[s.Key] = s.Value
	}
	switch {
	case vcs["vcs.revision"] == "":
		return ""
	case vcs["vcs.modified"] == "true":
		return vcs["vcs.revision"] + " of " + vcs["vcs.time"] + ", with changes on top"
	}
	return vcs["vcs.revision"] + " of " + vcs["vcs.time"]
}

// built is the version that a build without its history names:
// go build -ldflags "-X main.built=v1.2.3".
var built string

// commit is what the build knows of the source: the commit, "+" after it where there
// were changes on top, or "unknown".
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	id, changed := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			id = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	return id + changed
}

// version is the version given at the build, else the module's where there is one,
// else the commit.
func version() string {
	if built != "" {
		return built
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}
