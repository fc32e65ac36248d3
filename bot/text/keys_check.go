package text

// The keys of what an operator's check says.
const (
	CheckHello Key = "check.hello"
)
