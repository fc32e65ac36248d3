package main

import (
	"errors"
	"os"
	"time"

	sentences "aftercare/bot/text"
)

// maxTextFile bounds what is read of a file of sentences: ours are a tenth of it.
const maxTextFile = 1 << 20

// setTextFile reads an operator's own sentences, and names every key that breaks a
// rule, and the rule.
func setTextFile(c *Config, value any, _ time.Time, bad report) {
	path, ok := text(value, bad)
	if !ok {
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		bad("%s cannot be read (%v); name the file of your own sentences, or leave the key out", show(path), reason(err))
		return
	case !info.Mode().IsRegular() || info.Size() > maxTextFile:
		bad("%s is no file of sentences; name one of at most 1 MiB, or leave the key out", show(path))
		return
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		bad("%s cannot be read (%v); check who may read it", show(path), reason(err))
		return
	}
	own, broken := sentences.ReadOwn(raw)
	for _, err := range broken {
		var unknown sentences.UnknownKeyError
		if errors.As(err, &unknown) {
			bad("%s: no such key; %s", unknown.Key, nearestSentence(string(unknown.Key)))
			continue
		}
		bad("%v", err)
	}
	c.Text.File, c.Text.Own = path, own
}

func nearestSentence(key string) string {
	var known []string
	for _, k := range sentences.Keys() {
		known = append(known, string(k))
	}
	best := known[0]
	for _, k := range known {
		if distance(key, k) < distance(key, best) {
			best = k
		}
	}
	return "the nearest is " + best
}
