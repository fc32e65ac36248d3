package discordtest

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// problem is the body of a refusal.
type problem struct {
	Message string `json:"message"`
	Code    int    `json:"code"`
	Errors  object `json:"errors,omitempty"`
}

// blame reports whether the refusal shows a fault of the bot's own making,
// and not something that people or time can cause.
func (p problem) blame() bool { return p.Code == 50035 || p.Code == 50006 || p.Code == 50109 }

func (p problem) String() string {
	if p.Errors == nil {
		return fmt.Sprint(p.Code, " ", p.Message)
	}
	b, _ := json.Marshal(p.Errors)
	return fmt.Sprint(p.Code, " ", p.Message, " ", string(b))
}

func refuse(status, code int, message string) answer {
	return answer{status, problem{Message: message, Code: code}}
}

func unknownMessage() answer { return refuse(404, 10008, "Unknown Message") }
func unknownChannel() answer { return refuse(404, 10003, "Unknown Channel") }

// flaws collects what is wrong with a form, by the path of the field.
type flaws map[string][2]string

// add notes a flaw at a path such as "components.0.components.1.label".
func (f flaws) add(path, code, format string, args ...any) {
	f[path] = [2]string{code, fmt.Sprintf(format, args...)}
}

func (f flaws) length(path, s string, least, most int) {
	if n := len([]rune(s)); n > most {
		f.add(path, "BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", most)
	} else if n < least {
		f.add(path, "BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", least, most)
	}
}

func (f flaws) count(path string, n, least, most int) {
	if n < least || n > most {
		f.add(path, "BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", least, most)
	}
}

// answer returns the refusal: the flaws as the tree that Discord makes.
func (f flaws) answer() answer {
	tree := object{}
	paths := make([]string, 0, len(f))
	for path := range f {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	for _, path := range paths {
		at := tree
		for _, key := range strings.Split(path, ".") {
			next, ok := at[key].(object)
			if !ok {
				next = object{}
				at[key] = next
			}
			at = next
		}
		at["_errors"] = []any{object{"code": f[path][0], "message": f[path][1]}}
	}
	return answer{400, problem{Message: "Invalid Form Body", Code: 50035, Errors: tree}}
}
