package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(command(os.Args[1:], os.Stdout, os.Stderr)) }

// command runs one subcommand and returns the exit code: 0, or 1 after a line to
// stderr that says what to do.
func command(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	refuseUnknown(root)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(stderr, "aftercare: %v\n", err)
		return 1
	}
	return 0
}

const rootLong = `Aftercare is a Discord bot with which partners who live apart look in on each other.

  aftercare demo     shows what it does: no account, nothing to set up
  aftercare setup    makes what it needs, and gives the link that adds it to a server
  aftercare check    says of each thing that it is ok, or what to do
  aftercare run      runs it

Its configuration is config.yaml in the working directory, or what --config names. Every key can also come
from the environment, as AFTERCARE_ and its path in capitals. The exit code is 0, or 1 after a line that says
what to do.`

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "aftercare",
		Short:         "A Discord bot with which partners who live apart look in on each other",
		Long:          rootLong,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(runCommand(), setupCommand(), checkCommand(), healthCommand(), demoCommand(),
		backupCommand(), restoreCommand(), keyCommand(), versionCommand())
	return root
}

// refuseUnknown has cobra's own commands refuse what they don't know; by themselves
// they take it for a success. It comes after SetOut, where they will write.
func refuseUnknown(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Run, c.RunE = nil, helpOn
		case "completion":
			c.Args, c.RunE = cobra.NoArgs, func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
}

// helpOn shows the help of the command that is named.
func helpOn(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("unknown command %q for %q", rest[0], found.CommandPath())
	}
	return found.Help()
}
