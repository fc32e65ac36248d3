package store

import "time"

// Lifetime is how long something is kept. Whatever comes first ends it.
type Lifetime struct {
	What  What
	Read  time.Duration // after all to whom it was given have read it; 0: reading makes no difference
	Most  time.Duration // after it was made, or as Since says; 0: until its person changes it, leaves or erases everything
	Since string        // what Most is counted from, where that is not when it was made
}

// What is something that is kept.
type What string

// What is kept.
const (
	KeptWords      What = "words"
	KeptFeeling    What = "feeling"
	KeptKindWords  What = "kind words"
	KeptScene      What = "scene"
	KeptCard       What = "care card"
	KeptSettings   What = "settings"
	KeptPact       What = "pact"
	KeptStanding   What = "standing check-in"
	KeptSuggestion What = "suggestion" // a standing check-in that was not agreed to
	KeptHistory    What = "own history"
	KeptInvite     What = "invite code"
	KeptRefusal    What = "refusal"
	KeptMessage    What = "message"  // of the bot's in a DM: its id, sealed
	KeptIdentity   What = "identity" // account, name and DM, once nothing above is left
)

// Lifetimes is the table of what is kept, and for how long, as the sweeps hold it.
var Lifetimes = []Lifetime{
	{What: KeptWords, Read: keepReadWords, Most: keepAnswer},
	{What: KeptFeeling, Most: keepAnswer},
	{What: KeptKindWords, Read: keepReadWords, Most: keepGift},
	{What: KeptScene, Most: keepScene, Since: "its last mark"},
	{What: KeptCard},
	{What: KeptSettings},
	{What: KeptPact},
	{What: KeptStanding},
	{What: KeptSuggestion, Most: suggestionLasts},
	{What: KeptHistory, Most: keepHistory},
	{What: KeptInvite, Most: inviteLasts},
	{What: KeptRefusal},
	{What: KeptMessage, Most: tidyWeek, Since: "it came; one that waits to be opened as long as what it is about, and as its person has set"},
	{What: KeptIdentity, Most: keepPerson, Since: "they agreed"},
}
