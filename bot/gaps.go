package bot

import (
	"maps"
	"sync"
	"sync/atomic"
)

// gaps are the DMs that are yet to be looked through since the last connection. What
// events tell of them meanwhile is no sign that what came before it was heard, and
// counts for more than what the look finds: it may have been taken back since.
type gaps struct {
	mu   sync.Mutex
	all  bool            // it is not known yet which
	of   map[string]int  // by account: the look that listed it last
	told map[string]news // by account
	look int             // counts what was listed
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

// open is called with a connection: any DM may have a gap. It asks for a look, and
// returns how many are asked for: list must not come between the two.
func (g *gaps) open(looks *atomic.Int64) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = true
	return looks.Add(1)
}

// list says which DMs will be looked through, in a look that it names. It returns what
// was told of the others. last tells whether there was no other connection since.
func (g *gaps) list(accounts []string, last func() bool) (look int, others map[string]news) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.look++
	g.of, g.all, others = map[string]int{}, g.all && !last(), map[string]news{}
	for _, a := range accounts {
		g.of[a] = g.look
	}
	for a, t := range g.told {
		if g.of[a] == 0 && !g.all {
			others[a] = t
			delete(g.told, a)
		}
	}
	return g.look, others
}

// tell notes what an event told of a DM, and tells whether that has a gap.
func (g *gaps) tell(account, id string, edited *message) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.all && g.of[account] == 0 {
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

// close is called in somebody's line when a look has looked through their DM. last
// tells that there is no other one to come, which may find the same: until then what was
// told stays, and is no sign that all before it was heard.
func (g *gaps) close(account string, look int) (told news, last bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all || g.of[account] > look {
		return maps.Clone(g.told[account]), false
	}
	told = g.told[account]
	delete(g.of, account)
	delete(g.told, account)
	return told, true
}
