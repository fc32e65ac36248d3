package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// questions are asked, in a terminal or of whatever stands in for one.
type questions struct {
	out  io.Writer
	in   *bufio.Reader
	file *os.File // the terminal; nil: there is none, and nothing has to be hidden
}

func newQuestions(in *os.File, out io.Writer) *questions {
	p := &questions{out: out, in: bufio.NewReader(in)}
	if term.IsTerminal(int(in.Fd())) {
		p.file = in
	}
	return p
}

var errNoAnswer = errors.New("the input ended before the answer; nothing was written. To be asked nothing, see: aftercare setup --help")

// line asks for one line.
func (p *questions) line(ctx context.Context, question string) (string, error) {
	return p.answer(ctx, question, func() (string, error) {
		text, err := p.in.ReadString('\n')
		if errors.Is(err, io.EOF) && text != "" {
			err = nil
		}
		return text, err
	})
}

// hidden asks for one line that is not shown as it is typed.
func (p *questions) hidden(ctx context.Context, question string) (string, error) {
	if p.file == nil {
		return p.line(ctx, question)
	}
	terminal := int(p.file.Fd())
	was, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(terminal, was) }() // whoever breaks off gets back a terminal that shows what they type
	return p.answer(ctx, question, func() (string, error) {
		text, err := term.ReadPassword(terminal)
		fmt.Fprintln(p.out)
		return string(text), err
	})
}

// answer waits for an answer, or for ctx: nothing else would end the reading.
func (p *questions) answer(ctx context.Context, question string, read func() (string, error)) (string, error) {
	fmt.Fprint(p.out, question)
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(p.out)
		return "", errors.New("stopped; nothing was written")
	case r := <-done:
		if errors.Is(r.err, io.EOF) {
			fmt.Fprintln(p.out) // the question stands on a line of its own
			return "", errNoAnswer
		}
		return strings.TrimRight(r.text, "\r\n"), r.err
	}
}
