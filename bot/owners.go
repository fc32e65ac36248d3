package bot

import "sync"

// owners remembers whose a DM is, since a deletion names only the channel and has
// to stay in order with what that person did before. What is forgotten costs
// nothing but that order.
type owners struct {
	mu sync.Mutex
	by map[string]string
}

const mostOwners = 10_000

func (o *owners) learn(channel, person string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.by == nil || len(o.by) >= mostOwners {
		o.by = map[string]string{}
	}
	o.by[channel] = person
}

func (o *owners) of(channel string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p, ok := o.by[channel]; ok {
		return p
	}
	return channel
}
