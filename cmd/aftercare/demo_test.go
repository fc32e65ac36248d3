package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// leavesNothing fails the test if anything of a demo is left behind: a file or a
// goroutine.
func leavesNothing(t *testing.T) {
	t.Helper()
	dir, before := t.TempDir(), goleak.IgnoreCurrent()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // Windows
	t.Cleanup(func() {
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
		goleak.VerifyNone(t, before)
	})
}

func TestDemo(t *testing.T) {
	leavesNothing(t)
	var out, errs bytes.Buffer
	if code := command([]string{"demo", "--fast"}, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("exit %d\n%s\n%s", code, errs.String(), out.String())
	}
	for _, line := range []string{
		"  Alex types /scene ended in the server",
		"──── a day later ─",
		"                  │ Aftercare → Sam, direct message",
		"                  │ How are you feeling right now?",
		"  │ ▎ Tired, and a little far away. I'd love to hear your voice.",
		"                  │ They're doing well.",
		"──── the bot stops ─",
		"                  │ Aftercare → Sam, taken away again",
		"That's the last one for this time. Take care.",
		"The folder and its key are gone again.",
		"  demo --web     lets you touch it, in your browser",
	} {
		if !strings.Contains(out.String(), "\n"+line) && !strings.Contains(out.String(), line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	for _, rough := range []string{"CODE-", "\x1b", "**", glue, "bot ->"} {
		if strings.Contains(out.String(), rough) {
			t.Errorf("has %q", rough)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestDemoIsReadInAMinuteOnANarrowTerminal(t *testing.T) {
	leavesNothing(t)
	var out bytes.Buffer
	var paused time.Duration
	p := newPage(&out)
	p.width, p.colour = 60, true
	p.pause = func(d time.Duration) { paused += d }
	if err := playDemo(t.Context(), parseConversation(demoText), p); err != nil {
		t.Fatal(err)
	}
	if paused < 25*time.Second || paused > 50*time.Second {
		t.Errorf("pauses of %v in all", paused)
	}
	for line := range strings.Lines(out.String()) {
		if n := columnsOf(strings.TrimSuffix(line, "\n")); n > 60 && !strings.Contains(line, "aftercare-demo") {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestDemoSaysWhenItGoesAnotherWay(t *testing.T) {
	leavesNothing(t)
	defer func(was string) { demoText = was }(demoText)
	demoText = strings.Replace(demoText, "This is for adults.", "This is for everybody.", 1)
	var out, errs bytes.Buffer
	if code := command([]string{"demo", "--fast"}, &out, &errs); code != 1 {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{"went another way", "alex: /partner invite", "written:  This is for everybody.", "happened: This is for adults."} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("does not say %q: %s", want, errs.String())
		}
	}
	if !strings.Contains(out.String(), "│ This is for adults.") {
		t.Errorf("does not show what happened:\n%s", out.String())
	}
}

func TestDemoCutShort(t *testing.T) {
	t.Run("interrupted", func(t *testing.T) {
		leavesNothing(t)
		ctx, cancel := context.WithCancel(t.Context())
		p := newPage(io.Discard)
		pauses := 0
		p.pause = func(time.Duration) {
			if pauses++; pauses == 12 {
				cancel()
			}
		}
		if err := playDemo(ctx, parseConversation(demoText), p); !errors.Is(err, errDemoCutShort) {
			t.Error(err)
		}
	})
	t.Run("before it began", func(t *testing.T) {
		leavesNothing(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := playDemo(ctx, parseConversation(demoText), newPage(io.Discard)); !errors.Is(err, errDemoCutShort) {
			t.Error(err)
		}
	})
	t.Run("nobody reads", func(t *testing.T) {
		leavesNothing(t)
		if err := playDemo(t.Context(), parseConversation(demoText), newPage(closedPipe{})); !errors.Is(err, errDemoCutShort) {
			t.Error(err)
		}
	})
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestDemoDiffers(t *testing.T) {
	s := step{line: "+24h", says: []string{"bot -> alex: Hello.", "      [Open]", "bot -> sam: Hello."}}
	if err := differs(s, []string{"bot -> sam: Hello.", "bot -> alex: Hello.", "      [Open]"}); err != nil {
		t.Errorf("in another order: %v", err)
	}
	for _, said := range [][]string{nil, s.says[:2], append(slices.Clone(s.says), "bot -> sam: More."), {"bot -> alex: Hello.", "bot -> sam: Hello.", "      [Open]"}} {
		if differs(s, said) == nil {
			t.Errorf("no difference: %q", said)
		}
	}
}

func TestReadSaid(t *testing.T) {
	for line, want := range map[string]saying{
		"bot -> sam: Hello.":                {label: "Aftercare → Sam, direct message", who: "sam", lines: []string{"Hello."}},
		"bot -> sam, in place: Hello.":      {label: "Aftercare → Sam, changed in place", who: "sam", lines: []string{"Hello."}},
		"bot -> sam, removed: Hello.":       {label: "Aftercare → Sam, taken away again", who: "sam", lines: []string{"Hello."}, removed: true},
		"bot, only sam sees: Hello.":        {label: "Aftercare, only Sam sees this", who: "sam", lines: []string{"Hello."}},
		"bot, everyone sees: Hello.":        {label: "Aftercare, everyone in the server sees this", lines: []string{"Hello."}},
		"form for sam: Hello":               {label: "A form opens for Sam", who: "sam", lines: []string{"**Hello**"}, form: true},
		"Discord, only sam sees: Not there": {label: "Discord, only Sam sees this", who: "sam", lines: []string{"Not there"}},
		"! sam: no button":                  {lines: []string{"! sam: no button"}},
	} {
		got := readSaid([]string{line, "      [Open] (Gone)", "      > [sic] words"})
		want.lines = append(want.lines, "[Open] (Gone)", "> [sic] words")
		if len(got) != 1 || got[0].label != want.label || got[0].who != want.who || got[0].removed != want.removed || got[0].form != want.form ||
			!slices.Equal(got[0].lines, want.lines) {
			t.Errorf("%s\n got %+v\nwant %+v", line, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := wrap("\x1b[1mone\x1b[0m two three"+glue+"four incomprehensibilities", 8)
	want := []string{"\x1b[1mone\x1b[0m two", "three" + glue + "four", "incomprehensibilities"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
