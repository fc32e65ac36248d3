package text

// The keys of what is said at a limit: en/limits.json says what each sentence is for.
const (
	PartnerCodeOften Key = "partner.code.often"
)
