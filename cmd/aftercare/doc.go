// Command aftercare is a self-hosted Discord bot with which partners who live
// apart look in on each other a day or two after a scene.
package main
