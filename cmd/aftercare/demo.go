package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// demoText is what the demo plays. It is a test as well (script_test.go), so that
// what a newcomer is shown can't be something that the bot no longer does.
//
//go:embed testdata/script/demo.txt
var demoText string

func demoCommand() *cobra.Command {
	var fast, all, web bool
	var port int
	cmd := &cobra.Command{
		Use: "demo", Short: "Watch two days of it in a minute: no token, no network, nothing left behind", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if port != 0 && !web {
				return errors.New("--port is for the page in a browser; give --web as well")
			}
			if all {
				return allMessages(cmd.OutOrStdout())
			}
			// A closed terminal, or a pipe that nobody reads any more, would end the
			// process at once, and its folder would stay.
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP, syscall.SIGPIPE)
			defer stop()
			if web {
				return playWeb(ctx, port, cmd.OutOrStdout())
			}
			p := newPage(cmd.OutOrStdout())
			if !fast {
				p.pause = func(d time.Duration) { wait(ctx, d) }
			}
			return playDemo(ctx, parseConversation(demoText), p)
		},
	}
	cmd.Flags().BoolVar(&fast, "fast", false, "without the pauses to read")
	cmd.Flags().BoolVar(&web, "web", false, "to touch: three people, the bot and a clock on a page in your browser")
	cmd.Flags().IntVar(&port, "port", 0, "with --web: the port on 127.0.0.1 (default any that is free)")
	cmd.Flags().BoolVar(&all, "all-messages", false, "every message there is on one page, in place of the two days")
	cmd.MarkFlagsMutuallyExclusive("web", "fast", "all-messages")
	return cmd
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

var errDemoCutShort = errors.New("stopped before the end; nothing is left behind")

// playDemo plays a conversation and shows what really happens. What the bot is
// written to say only tells how long to wait, and what to compare with.
func playDemo(ctx context.Context, c conversation, p *page) (err error) {
	d, err := newDemo(ctx)
	if err != nil {
		return err
	}
	defer func() {
		stopped, left := d.stop(), d.remove()
		if ctx.Err() != nil || p.broken != nil {
			err, stopped = errDemoCutShort, nil // whatever else failed, failed because of it
		}
		err = errors.Join(err, stopped, left)
	}()
	if err := d.start(ctx); err != nil {
		return err
	}
	p.opening()
	if err := d.play(ctx, c, p); err != nil {
		return errors.Join(err, d.trouble())
	}
	held, err := readDisk(ctx, d.dir, d.cfg.Store.Path, c)
	if err != nil {
		return err
	}
	if err := errors.Join(d.trouble(), d.remove()); err != nil {
		return err
	}
	p.closing(held)
	return nil
}

// play stops at the first step of which something else comes than is written:
// those after it would only go wrong because of it.
func (d *demo) play(ctx context.Context, c conversation, p *page) error {
	for _, s := range c {
		if s.remark {
			p.remark(s.line)
			continue
		}
		p.act(d.player.fillCodes(s.line))
		failed := d.player.act(s.line)
		d.settle(ctx, len(s.says))
		if p.broken != nil || ctx.Err() != nil {
			return errDemoCutShort
		}
		said := d.player.take()
		if failed != nil {
			said = append(said, "! "+failed.Error())
		}
		p.hear(readSaid(strings.Split(d.player.fillCodes(strings.Join(said, "\n")), "\n")))
		if err := differs(s, said); err != nil {
			return err
		}
	}
	return nil
}

const (
	demoPatience = 5 * time.Second
	demoQuiet    = 12 * time.Millisecond
)

// settle waits until as many lines were heard, nothing is on its way, and it has
// been quiet for a moment, in which what nobody wrote could still come.
func (d *demo) settle(ctx context.Context, lines int) {
	patience := time.NewTimer(demoPatience)
	defer patience.Stop()
	for {
		quiet := time.NewTimer(demoQuiet)
		select {
		case <-d.heard:
			quiet.Stop()
		case <-quiet.C:
			if d.player.count() >= lines && d.atRest(ctx) {
				return
			}
		case <-patience.C:
			quiet.Stop()
			return
		case <-ctx.Done():
			quiet.Stop()
			return
		}
	}
}

// differs compares what was said in answer to a step with what is written. What
// comes at the same moment may come in any order.
func differs(s step, said []string) error {
	if slices.Equal(blocks(s.says), blocks(said)) {
		return nil
	}
	written, happened := strings.Join(s.says, "\n"), strings.Join(said, "\n")
	return fmt.Errorf("the conversation went another way than it is written, after %q:\n%s", s.line, firstDifferent(written, happened))
}

// blocks returns what was said, each thing with its indented lines, sorted.
func blocks(lines []string) (out []string) {
	for _, line := range lines {
		if len(out) > 0 && strings.HasPrefix(line, indent) {
			out[len(out)-1] += "\n" + line
			continue
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

func firstDifferent(written, happened string) string {
	w, h := strings.Split(written, "\n"), strings.Split(happened, "\n")
	i := 0
	for i < len(w) && i < len(h) && w[i] == h[i] {
		i++
	}
	at := func(lines []string) string {
		if i < len(lines) && lines[i] != "" {
			return strings.TrimSpace(lines[i])
		}
		return "(nothing more)"
	}
	return "  written:  " + at(w) + "\n  happened: " + at(h)
}
