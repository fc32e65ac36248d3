package bot

import "time"

// The sorts of interactions that an Observer is told of.
const (
	SortCommand    = "command"
	SortComponent  = "component" // a button or a menu
	SortForm       = "form"
	SortCompletion = "completion" // choices for an option that is being typed
)

// Sorts lists all there are.
var Sorts = []string{SortCommand, SortComponent, SortForm, SortCompletion}

// Observer is told how fast interactions are answered: how long after one reached
// this process Discord had its answer, or would not take it. It is called from many
// goroutines and must not block.
type Observer interface {
	Answered(sort string, took time.Duration, ok bool)
}

type blind struct{}

func (blind) Answered(string, time.Duration, bool) {}

// sort never tells more of an interaction than what kind of thing it is.
func (i *interaction) sort() string {
	switch i.Type {
	case onComponent:
		return SortComponent
	case onSubmit:
		return SortForm
	case onCompletion:
		return SortCompletion
	}
	return SortCommand
}

// Stats are counts since the start of the process, and how things are now.
type Stats struct {
	Up         bool  // connected to the gateway, with READY or RESUMED heard
	Connects   int64 // to the gateway
	Identifies int64 // of those, new sessions
	Replaced   int64 // sessions that hung
	Dropped    int64 // events that could not be read

	Held    int64 // requests that were held back here, to stay below a limit
	Limited int64 // answers of Discord that asked to wait

	ClockAhead time.Duration // of Discord's; 0 before it is known
}

// Stats tells how the bot's connections fare.
func (b *Bot) Stats() Stats {
	ahead, _ := b.api.drift.ahead()
	return Stats{
		Up: b.link.up.Load(), Connects: b.link.Connects.Load(), Identifies: b.link.Identifies.Load(),
		Replaced: b.link.Replaced.Load(), Dropped: b.link.Dropped.Load(),
		Held: b.api.waits.Load(), Limited: b.api.limited.Load(), ClockAhead: ahead,
	}
}
