package text

// The keys of what comes after the last mark.
const (
	AfterPrompt        Key = "after.prompt"
	AfterMomentPrompt  Key = "after.moment.prompt"
	AfterQuestion      Key = "after.question"
	AfterQuestionHow   Key = "after.question.how"
	AfterMoment        Key = "after.moment"
	AfterMomentHow     Key = "after.moment.how"
	AfterMine          Key = "after.mine"
	AfterShared        Key = "after.shared"
	AfterKept          Key = "after.kept"
	LabelKeep          Key = "label.keep"
	LabelDifferent     Key = "label.different"
	LabelMoment        Key = "label.moment"
	LabelTell          Key = "label.tell"
	LabelAsklater      Key = "label.asklater"
	LabelSend          Key = "label.send"
	LabelKeepback      Key = "label.keepback"
	FormKeepField      Key = "form.keep.field"
	FormDifferentField Key = "form.different.field"
	FormMomentField    Key = "form.moment.field"
	RelayKeep          Key = "relay.keep"
	RelayDifferent     Key = "relay.different"
	RelayDifferentCue  Key = "relay.different.cue"
	RelayMoment        Key = "relay.moment"
	RelayTalk          Key = "relay.talk"
)
