package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
)

const healthLong = `Ask the bot that is running with this configuration whether it is ready: connected to Discord, its
database writable, and not behind. The exit code is 0 if it is, and 1 if it is not, or if nobody answers.

It asks where http.listen says. With --alive it asks only whether the program is alive, which is what a
restart is a remedy for: being cut off from Discord is not.`

func healthCommand() *cobra.Command {
	var path string
	var alive bool
	cmd := &cobra.Command{
		Use: "health", Short: "Ask the running bot whether it is ready", Long: healthLong, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			listen, err := listenAddress(path, os.Environ(), time.Now())
			if err != nil {
				return fmt.Errorf("the configuration needs a look:\n%w", err)
			}
			what := "/readyz"
			if alive {
				what = "/healthz"
			}
			return askHealth(cmd.Context(), cmd.OutOrStdout(), listen, what)
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&alive, "alive", false, "ask only whether it is alive")
	return cmd
}

const healthWithin = 5 * time.Second

// askHealth prints what the bot says of itself, and returns an error unless that is good.
func askHealth(ctx context.Context, out io.Writer, address, what string) error {
	if address == "" {
		return errors.New("http.listen: not set, so there is nothing to ask; set it, for example to 9464")
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // it listens everywhere, so here too
	}
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+what, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("nobody answers on %s; the bot is not running, or with another http.listen", address)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(out, io.LimitReader(resp.Body, 1<<16)); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New("it is not as it should be; see above")
	}
	return nil
}
