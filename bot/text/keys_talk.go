package text

// The keys of a wish to talk, and for what is shown before words go out.
const (
	LabelTotalk   Key = "label.totalk"
	LabelTellthem Key = "label.tellthem"
	LabelDont     Key = "label.dont"
	LabelUntell   Key = "label.untell"
	TalkAsk       Key = "talk.ask"
	TalkWhom      Key = "talk.whom"
	TalkTold      Key = "talk.told"
	TalkNo        Key = "talk.no"
	TalkBack      Key = "talk.back"
	PhraseYours   Key = "phrase.yours"
	PhraseChoose  Key = "phrase.choose"
	PhrasePass    Key = "phrase.pass"
	PhraseKept    Key = "phrase.kept"
	HelpLooked    Key = "help.looked"
	HelpShown     Key = "help.shown"
)
