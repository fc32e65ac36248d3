// Command aftercare is a self-hosted Discord bot with which partners who live
// apart look in on each other a day or two after a scene.
//
// # The house, from the ground up
//
// store is the words of the house (person, pact, scene, check-in, answer, share,
// delivery) and the database that keeps them, sealed. It knows no Discord. An
// exported method is one transaction. What somebody may not know is decided there.
// lifetimes.go says how long what is kept, forget.go and tidy.go see to it, and
// erase.go says what stays when somebody goes, and for whom.
//
// scheduler sends what is owed when it is due. The truth about time is one column,
// next_at, in the table of deliveries; a timer and a cron bell only make it look.
// standing.go computes when a standing check-in next comes, on its person's clock;
// that is kept in the table of turns.
//
// bot is the Discord side. hear.go takes events and keeps one person's in order;
// router.go finds the handler by the path of a command or of a button; a handler
// decides and returns what to say; send.go puts a delivery in front of a person.
// before.go shows the help page before some words go out; specimens.go has every
// message there is, to be read in one go. link.go and shield.go keep the connection,
// transport.go and rest.go are the one way out. bot/text has every sentence.
// bot/discordtest is a small true Discord, on which the demo and the tests run.
//
// cmd/aftercare joins them (run.go), reads the configuration (config.go, the only
// file that knows viper), plays conversations (conversation.go, player.go), and has
// a file for each thing an operator does (backup.go, rotate.go). Its docs are what an
// operator hands on, held to the tests by papers_test.go. keep.go in scheduler says
// when a backup is due; what is in the folder of backups tells, and no memory. web.go
// serves the demo as a page (web/), a second client of that small Discord.
//
// An operator's side: check*.go and setup.go, health.go asking http.go, metrics.go
// (the only file that knows Prometheus: scheduler and bot have an Observer each),
// systemd.go, and deploy/ with what goes beside a binary.
//
// # Two ways through it
//
// "/scene ended": event, Bot.hear, the person's line, the handler, Store.EndScene
// (scene, participants, check-ins and a delivery for each, in one transaction),
// the reply, Wake. A day later: the timer, Store.ClaimDue (a lease), Bot.Send,
// Store.MarkSent. A crash anywhere leaves a claim whose lease runs out.
//
// An answer, by button, form or typing: Store.Feel, Write, Hear and so on file it
// and owe a delivery to each partner it is shared with, in one transaction. It
// leaves by the same door as every other message.
//
// # Who may import whom
//
//	cmd/aftercare -> bot, bot/text (an operator's own sentences), scheduler, store,
//	                 bot/discordtest (the demo)
//	bot           -> store, bot/text, bot/zone (time zones by their cities)
//	scheduler     -> store
//
// arrows_test.go holds it, with what each may import from outside.
package main
