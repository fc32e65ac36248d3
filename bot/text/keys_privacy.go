package text

// The keys of what is kept, and of one's own file: en/privacy.json.
const (
	About             Key = "about"
	AboutKept         Key = "about.kept"
	AboutLimits       Key = "about.limits"
	AboutYours        Key = "about.yours"
	LabelAbout        Key = "label.about"
	LabelAboutKept    Key = "label.about.kept"
	LabelAboutLimits  Key = "label.about.limits"
	LabelAboutYours   Key = "label.about.yours"
	PrivacyExport     Key = "privacy.export"
	PrivacyExportNone Key = "privacy.export.none"
	PrivacyExportBig  Key = "privacy.export.big"
	CmdPrivacy        Key = "cmd.privacy"
	CmdPrivacyAbout   Key = "cmd.privacy.about"
	CmdPrivacyExport  Key = "cmd.privacy.export"
)
