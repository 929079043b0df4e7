// Package bucket is the trailstore.Store of buckets, and the public keys that CloudTrail signs digests with.
//
// Objects are read as the inputs read them: a connection that breaks is opened again where it stopped, a bucket in another region is found,
// and errors say which right is missing.
package bucket
