package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"aftercare/store"
)

func keyCommand() *cobra.Command {
	key := &cobra.Command{
		Use: "key", Short: "The master key, which seals everything", Args: cobra.NoArgs, // an unknown one is no success
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	key.AddCommand(&cobra.Command{
		Use: "new", Short: "Print a new master key", Args: cobra.NoArgs,
		Long: "Print a new master key to standard output. Keep it apart from the database and from its backups:\n\n" +
			"  aftercare key new > aftercare.key && chmod 600 aftercare.key",
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := store.NewMasterKey()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), k)
			return err
		},
	})
	key.AddCommand(rotateCommand())
	return key
}
