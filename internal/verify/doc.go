// Package verify proves that the files of CloudTrail trails are those that CloudTrail delivered, all of them and unchanged, by the digest
// files that CloudTrail signs every hour.
//
// It does what the CloudTrail user guide describes in "Custom implementations of CloudTrail log file integrity validation": the signature of
// a digest (SHA256withRSA) is over the end of its time, its place in S3, the SHA-256 of its uncompressed content and the signature of the
// digest before it; a digest names the one before with its hash and signature; and it names each log file with the SHA-256 of its
// uncompressed content. Beyond that it lists the log files and finds those that no digest names.
//
// # Results
//
// Run is an iterator: one File for each digest and log file, one Hour after all files that a digest names, a Gap for time that no digest
// is about, a Fault for what could not be listed. Results of a place, an account and region, come in the order of time, those of several
// places between each other; log files at the edge of what a place has digests of come last. Add them to a Summary, or do with them what you like; nothing of them is kept here.
//
// # What is trusted
//
// Nothing but the public keys. A digest is proven where any signature that is known for it fits: the one in its metadata, or the one that
// the next digest names, as RSA proves by itself wherever the signature comes from. What a digest says counts only once it is proven.
//
// # Cost
//
// Memory does not grow with the range: a place is walked a day at a time, and what is kept are the digests that are being looked at and
// the names (8 bytes each) of the files of four days. Each file is read once. A Verifier is for one Run; it is not safe for concurrent use,
// but for Progress.
package verify
