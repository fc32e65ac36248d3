package discordtest

import "fmt"

// Person is somebody at their Discord client. What they do returns at once;
// the bot's answer arrives as a Line.
type Person struct {
	d      *Discord
	id     string
	name   string
	dm     *channel
	locale string
	closed bool // takes no direct messages
	left   bool // no longer in the server
	form   *openForm

	failures []failure
}

// ID returns the person's snowflake.
func (p *Person) ID() string { return p.id }

// Name returns the name that the person was first called by.
func (p *Person) Name() string { return p.name }

// SetLocale sets the language of the person's client; it begins as en-US.
func (p *Person) SetLocale(locale string) { p.d.do(func() { p.locale = locale }) }

// CloseDMs makes sending to the person fail with 50007.
func (p *Person) CloseDMs() { p.d.do(func() { p.closed = true }) }

// OpenDMs ends CloseDMs.
func (p *Person) OpenDMs() { p.d.do(func() { p.closed = false }) }

// LeaveServer makes sending to the person fail with 50278.
func (p *Person) LeaveServer() { p.d.do(func() { p.left = true }) }

// JoinServer ends LeaveServer.
func (p *Person) JoinServer() { p.d.do(func() { p.left = false }) }

// Sees returns what stands in the person's DM with the bot, oldest first,
// their own messages included.
func (p *Person) Sees() []Message {
	return p.look(func(m *message) bool { return m.channel == p.dm })
}

// SeesInServer returns what the person has before them in the server: what
// the bot said to everyone, and to them alone.
func (p *Person) SeesInServer() []Message {
	return p.look(func(m *message) bool { return m.channel == p.d.server })
}

func (p *Person) look(where func(*message) bool) []Message {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	var seen []Message
	for _, m := range p.d.messages {
		if where(m) && m.seenBy(p) {
			seen = append(seen, m.Message)
		}
	}
	return seen
}

// act runs f with the lock held, and says what came of it.
func (p *Person) act(f func() error) (err error) {
	p.d.do(func() { err = f() })
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}
