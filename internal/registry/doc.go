// Package registry keeps the checkpoints of all inputs in one SQLite file.
//
// Input gives each input its own input.Store. A change is on disk when Put, PutAll or Delete return: the database is in
// WAL mode with synchronous=FULL, so each commit is one sync of the log. Changes that wait at the same time share one
// commit, which is what makes many acknowledgements a second cheap.
//
// One process at a time holds the registry; a second one gets a *LockedError that names the first. The lock is one of the
// operating system on a file beside the database, so a process that was killed leaves none behind. OpenReadOnly looks at
// the content without it.
//
// A registry that is damaged, empty, of a newer version or not one at all is refused with an error that says how to mend
// it. It is never silently begun anew, as that would read every source again.
//
// Memory is the same without a file, for tests and for runs that keep nothing. All types are safe for concurrent use.
package registry
