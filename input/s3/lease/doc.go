// Package lease shares work among processes that know nothing of each other but a place for objects that are written on condition, such as S3
// with If-Match and If-None-Match.
//
// # How
//
// Each process is a member: it writes an object of its own every quarter of the duration, and lists those of the others. Each piece of
// work has an object that names its owner, a token that grows with each change of the owner, and the state of the work, so that
// whoever takes it goes on where the one before had stopped. Work belongs to the member that a hash of both names chooses among those that
// are there, so nobody assigns it, and a member that comes or goes moves only its share.
//
// # Who is dead
//
// No clock is compared with another one. A member counts its time from before it sent the write that succeeded, and stops at the end of the duration. Others
// count from when they first saw that write, and wait for all of the duration. Then one of them overwrites the member's object, on
// condition that it has not changed, and deletes it: after that the member cannot renew what it had, however late its calls arrive. A process that was
// frozen meanwhile finds out with its next write, which fails, and by the wall clock where the other one stood still.
//
// # Fencing
//
// All state is written on condition that it is what the owner wrote last. Whoever lost the work cannot write any more: Store fails with ErrLost, and what is
// acknowledged to it after that does not count. Two members can read the same for as long as the one that lost it does not know, a
// duration at most; both never advance.
//
// # Cost
//
// A write and a listing every quarter of the duration for each member, whatever the work; a write for the state of each piece in which something was done,
// every two seconds at most. State should be kilobytes.
package lease
