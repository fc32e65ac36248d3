package text

// The keys of erasing, clearing and tidying: en/erase.json.
const (
	LabelErase        Key = "label.erase"
	Erase             Key = "erase"
	EraseDone         Key = "erase.done"
	EraseKept         Key = "erase.kept"
	EraseNothing      Key = "erase.nothing"
	Clear             Key = "clear"
	ClearStays        Key = "clear.stays"
	ClearNothing      Key = "clear.nothing"
	SettingsNameTidy  Key = "settings.name.tidy"
	SettingsAboutTidy Key = "settings.about.tidy"
	SettingsTidyWeek  Key = "settings.tidy.week"
	SettingsTidyDay   Key = "settings.tidy.day"
	SettingsTidyNever Key = "settings.tidy.never"
	CmdPrivacyErase   Key = "cmd.privacy.erase"
	CmdCareClear      Key = "cmd.care.clear"
)
