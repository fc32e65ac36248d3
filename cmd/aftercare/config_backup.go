package main

import (
	"fmt"
	"strconv"
	"time"

	"aftercare/scheduler"
)

const maxBackups = 1000

func setBackupDir(c *Config, value any, _ time.Time, bad report) {
	if s, ok := text(value, bad); ok {
		c.Backup.Dir = s
	}
}

func setBackupEvery(c *Config, value any, _ time.Time, bad report) {
	s, ok := text(value, bad)
	if !ok {
		return
	}
	if err := scheduler.CheckTimes(s); err != nil {
		bad(`%s says no time (%v); write a cron line such as "0 4 * * *", every day at 04:00 UTC, or @daily`, show(s), err)
		return
	}
	c.Backup.Every = s
}

func setBackupKeep(c *Config, value any, _ time.Time, bad report) {
	n, err := strconv.Atoi(fmt.Sprint(value))
	if err != nil || n < 1 || n > maxBackups {
		bad("%s is no whole number from 1 to %d; write how many databases to keep", show(value), maxBackups)
		return
	}
	c.Backup.Keep = n
}
