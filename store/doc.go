// Package store is the words of the house (person, pact, scene, check-in,
// answer, share, delivery) and the database that keeps them.
//
// An exported method of Store is one transaction, which those who write at the
// same moment share (batch.go); a lower-case function that takes a *tx is a
// step of one. Times are UTC in milliseconds, read once a
// transaction from Store.Now, and compared as parameters.
//
// What a person may not know is decided here and not in the bot: a method is
// given the account of who asks, and answers ErrGone for what isn't theirs.
//
// # How it is sealed
//
// There are two files, so that each can be kept where the other is not. The
// database has the rows; what is marked "sealed" in its schema is ciphertext. The
// keys file has the keys, each wrapped by the operator's master key, which is in
// neither.
//
// A ciphertext is XChaCha20-Poly1305 by Tink (its TINK output prefix): 5 bytes that
// name the key, a nonce of 24 bytes that is random each time, the encrypted text,
// and a tag of 16 bytes. Its associated data is "table.column:row", so that it
// opens in its own place only. Before it is sealed a text is filled up with 0x80
// and zeros to a multiple of 64 bytes, so that the length of a feeling with a need
// does not tell which ones they are; that of long words shows, rounded up.
//
// Each person has a key of their own, which seals what is theirs: their Discord id,
// name, DM channel and settings, what they feel and write, and what they see of
// others. It is a Tink keyset wrapped by the master key, with its own 16-byte id of
// chance as associated data. The house has a key, for what belongs to nobody, and
// 32 bytes, wrapped under the name "hash", for keyed hashes: the first 16 bytes of
// an HMAC-SHA256 over a kind and its parts, with a zero byte before each part.
// The master key seals nothing else. As text it is "aftercare-key-1-" and a Tink
// keyset in unpadded base64url. A new one (Rotate) wraps every key anew in one
// transaction; the keys themselves, and with them the database, stay the same.
//
// Erasing somebody deletes their rows and condemns their key, in one transaction,
// and then deletes the key, at once or, after a crash, with the next start. The key's
// id stays in the keys file: that tells an old backup of the database, in which they
// still are, from a keys file that is too old.
//
// # What that promises, and what it does not
//
// Of the two files without the master key, and of the database without the keys
// file, nobody learns an id, a name, a setting, a feeling or a word. A ciphertext
// that was changed or moved is noticed and does not open. The keys file and its copy
// (CopyKeys) overwrite a key that is destroyed, and are built anew: no byte of it
// stays in them. The database overwrites what is deleted (SQLite's secure_delete),
// and Forget empties its log. A backup is built anew, and holds nothing that was
// deleted before it. Once the key of somebody is gone from the keys file and from its
// copy, no backup of the database says anything of them.
//
// In clear are row numbers, times, states, kinds, sizes rounded up, and which rows
// belong together: that there are so many people, who by their number has to do
// with whom, and when. Whoever may write to the files can delete rows, or put an
// old row back in its own place. A running bot has the keys and what it handles in
// memory in clear; it writes no core dump, but the system may swap it out. Within a
// page of the database, ciphertext of a row that SQLite moved may stay after the row
// is deleted, until the page is written again; without its key it says nothing. What was
// overwritten or deleted may still be on a disk whose file system keeps old
// versions (copy-on-write, snapshots, a journal of data) or that spreads its writes
// (SSDs, memory cards), as may the rollback journal of the keys file: an encrypted
// disk is the answer to that. Copies that the operator made elsewhere are out of
// reach.
package store
