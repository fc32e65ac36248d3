package text

// The keys of what is said at a limit: en/limits.json says what each sentence is for.
const (
	PartnerCodeOften Key = "partner.code.often"
	SceneOften       Key = "scene.often"
	SceneOftenChange Key = "scene.often.change"
	RelayOften       Key = "relay.often"
	ErrTooLong       Key = "err.too_long"
	LabelStopthese   Key = "label.stopthese"
	LabelLetcome     Key = "label.letcome"
	LabelLetcomeFor  Key = "label.letcome.for"
	NoticeStopped    Key = "notice.stopped"
	NoticeLetcome    Key = "notice.letcome"
	PactStopped      Key = "pact.stopped"
	PickLetcome      Key = "pick.letcome"
)
