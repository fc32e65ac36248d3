package bot

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// discordgo has one logger for the whole process. What it is given may hold
// payloads and addresses with tokens, so only its fixed words and a close code
// are passed on.
var (
	logTo   atomic.Pointer[slog.Logger]
	logOnce sync.Once
)

func logThrough(log *slog.Logger) {
	logTo.Store(log)
	logOnce.Do(func() {
		discordgo.Logger = func(_, _ int, format string, args ...any) {
			attrs := []any{"said", strings.TrimSpace(format)}
			for _, a := range args {
				if c, ok := a.(*websocket.CloseError); ok {
					attrs = append(attrs, "close", c.Code)
				}
			}
			logTo.Load().Warn("discordgo", attrs...)
		}
	})
}
