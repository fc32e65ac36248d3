package text

// The keys of what two people agree on: en/pact.json says what each sentence is for.
const (
	TermsOnce            Key = "terms.once"
	PactAtOnce           Key = "pact.at_once"
	PactAtOnceSince      Key = "pact.at_once.since"
	PactTogetherSince    Key = "pact.together.since"
	PactOnce             Key = "pact.once"
	PactOnceHad          Key = "pact.once.had"
	PactHow              Key = "pact.how"
	PactKept             Key = "pact.kept"
	PactWhich            Key = "pact.which"
	PactToTogether       Key = "pact.to.together"
	PactToAtOnce         Key = "pact.to.at_once"
	PactToTogetherFor    Key = "pact.to.together.for"
	PactToAtOnceFor      Key = "pact.to.at_once.for"
	CheckinTogether      Key = "checkin.together"
	CheckinTogetherNeed  Key = "checkin.together.need"
	SceneOnce            Key = "scene.once"
	CmdPartnerInviteOnce Key = "cmd.partner.invite.once"
)
