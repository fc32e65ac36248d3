package bot

import "sync"

// gaps are the DMs that are yet to be looked through since the last connection. What
// events tell of them meanwhile is no sign that what came before it was heard, and
// counts for more than what the look finds: it may have been taken back since.
type gaps struct {
	mu   sync.Mutex
	all  bool            // it is not known yet which
	of   map[string]bool // accounts
	told map[string]news // by account
}

// news are the messages that events told of, by id, with the newest text of those
// that were edited and not heard. nil: heard, or deleted.
type news map[string]*message

// newest returns the id of the newest one, or after if that is newer.
func (n news) newest(after string) string {
	for id := range n {
		if compareIDs(id, after) > 0 {
			after = id
		}
	}
	return after
}

// open is called with a connection: any DM may have a gap.
func (g *gaps) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = true
}

// list says which DMs will be looked through. It returns what was told of the others.
// last tells whether there was no other connection since.
func (g *gaps) list(accounts []string, last func() bool) (others map[string]news) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.of, g.all, others = map[string]bool{}, g.all && !last(), map[string]news{}
	for _, a := range accounts {
		g.of[a] = true
	}
	for a, t := range g.told {
		if !g.of[a] && !g.all {
			others[a] = t
			delete(g.told, a)
		}
	}
	return others
}

// tell notes what an event told of a DM, and tells whether that has a gap.
func (g *gaps) tell(account, id string, edited *message) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.all && !g.of[account] {
		return false
	}
	if g.told == nil {
		g.told = map[string]news{}
	}
	if g.told[account] == nil {
		g.told[account] = news{}
	}
	if was, heard := g.told[account][id]; !heard || was != nil {
		g.told[account][id] = edited
	}
	return true
}

// close is called in somebody's line when their DM has been looked through.
func (g *gaps) close(account string) news {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.told[account]
	delete(g.of, account)
	delete(g.told, account)
	return t
}
