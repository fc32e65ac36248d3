// Package discordtest is a Discord small enough to live inside the process:
// one server with one channel, a bot, and people who run commands, type,
// press buttons, fill in forms, close their DMs and leave.
//
// It speaks Discord's own REST and gateway, as JSON, to whatever client the
// bot uses. In the process (a testing/synctest bubble, the demo) REST goes
// through RoundTrip and the gateway through DialContext:
//
//	s.Client = &http.Client{Transport: d}
//	s.Dialer = &websocket.Dialer{NetDialContext: d.DialContext}
//
// Over real sockets, serve Handler and send the client to its address: the
// gateway follows, since GET /gateway names the host it was asked on.
//
// What people can see arrives as lines through Options.Say. What the real
// Discord would refuse is refused here with its codes, and kept for Errors.
//
// Nothing here blocks the caller, and nothing polls: when no one acts, every
// goroutine waits on a channel or a connection.
//
// Ids are snowflakes of Options.Now. A bubble begins in the year 2000, before
// Discord's own era, so a test that reads the time out of an id has to sleep
// past 2015 first; until then ids only count upwards.
package discordtest
