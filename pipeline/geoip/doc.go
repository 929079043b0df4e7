// Package geoip looks up where an IP address is and whose it is, in MaxMind City and ASN databases, and gives what the geoip processor
// of Elasticsearch gives by default for them: English names, only members that are found, the most specific subdivision as the region, and
// "country-subdivision" as its code.
//
// An address that a database does not know (private ones usually) gives nothing, and is no error. An IPv4 address that is mapped into IPv6 is looked
// up as the IPv4 address. The zone of an address is ignored, as databases know no zones; in Trailbeat none comes here, since the mapping takes
// only addresses without one as source.ip.
//
// The databases are read with github.com/oschwald/geoip2-golang, so their type must be one that it knows: those of MaxMind and of DB-IP.
//
// # Memory and cost
//
// A database is read into memory (as large as its file, twice that for a moment on reload) and not mapped: a file that is overwritten in
// place would end a process that has it mapped. Answers are remembered in a bounded cache: a repeat costs some tens of nanoseconds, needs no
// lock and allocates nothing. A new address costs 1 to 3 µs for both databases, most of it for the City record, and 1.4 KB of garbage. Memory does not
// grow with the number of addresses.
//
// # Reload
//
// Every [Config.ReloadInterval] the files' times and sizes are compared, and what changed is loaded and swapped in at once, with an empty
// cache. A file that cannot be loaded leaves the previous one in place and is logged once.
package geoip
