// Package manage lets sources be made, changed and taken away while the shipper runs.
//
// A request becomes an order. Its form is judged at once; the order is on disk before it is answered, and carried out after those
// before it, one at a time. What became of it can be asked for, also after a restart.
//
// # What is promised
//
// A source that an order made, and the outcome of that order, become durable in one commit. A process that is killed carries out
// again, at its next start, what it had not finished: each operation can be done twice without harm.
//
// State follows the id of a source. An edit stops the source, lets what was read become durable, and begins with the new options
// where the old ones were; nothing is lost, and nothing that was acknowledged is read again. A deletion ends only when what was
// read is durable, and then the source lies in the trash, with its checkpoints, until it is restored, purged, or Config.TrashRetention
// is over.
//
// # Secrets
//
// Secrets are kept in a keystore of their own, or named by reference. Neither the sources on disk, nor an answer, nor the log holds
// one.
//
// # Parts
//
// Manager knows no input, no HTTP and no form of requests: an Engine runs sources, the package logpoint translates one form of
// requests, and the package api answers them.
package manage
