package main

import (
	"strings"
)

// A conversation is a text in which people act and the bot answers. The same text
// is a test, the demo, and a page of the README. Its lines:
//
//	# a remark
//	+24h                                  time passes
//	alex: /scene ended                    a command in the shared server
//	alex in the DM: /scene list           a command in the DM with the bot
//	alex: any words                       typed into the DM
//	alex presses [Open]                   or: presses [Open] under "part of a message"
//	alex picks [Sam]
//	alex writes: any words                into the open form
//	alex fills in "Label": "words", "Other": "words"    the same with several fields; others stay
//	alex completes: /settings zone:Ber    and sees what is offered for the option
//	alex replies to "part": any words
//	alex edits "part" to "any words"
//	alex deletes "part"
//	alex sends a file                     or a sticker, a voice message, a forward; with ": any words"
//	alex closes DMs                       or opens DMs, leaves the server, joins the server
//	the bot stops                         or starts
//	alex and sam are linked               plays the linking, unheard
//
// What the bot says stands below, indented by four spaces. A code that the bot
// hands out is called CODE-1 and so on, since it is another one each time.
type conversation []step

// step is one line of a conversation, and what is to come of it.
type step struct {
	line   string
	says   []string // lines, without the indent
	remark bool     // nobody acts: a remark or an empty line
}

const indent = "    "

func parseConversation(text string) (c conversation) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if said, ok := strings.CutPrefix(line, indent); ok && len(c) > 0 {
			c[len(c)-1].says = append(c[len(c)-1].says, said)
			continue
		}
		c = append(c, step{line: line, remark: line == "" || strings.HasPrefix(line, "#")})
	}
	return c
}
