// Package trailstore is the files of CloudTrail trails as they lie in a bucket or in a folder of downloaded files, for those who
// look at files as such and not at the records in them: which accounts and regions there are, what their digest and log files
// are called, and how they are opened.
//
// Store is the contract. Folder is the one for downloaded files; that of a bucket is in the package bucket, so that this one stands
// without the AWS SDK. Names follow the CloudTrail user guide, "CloudTrail log file name format" and "CloudTrail digest file structure".
package trailstore
