// Package mapper makes text of the records of many files with all CPUs, and writes it in the order of the files and of their
// records.
//
// Each worker takes the next thing that there is to do, and then another: it cuts a part out of a file (which is opened, read and
// unpacked for that), or maps the records of a part. A small file is one part, so such files are worked through side by side. A large
// one is cut by one worker at a time, some parts ahead of those that map, or that begin the next file. Who has made the part
// that comes next writes it, and what can be written behind it. That no goroutine does nothing but reading is what lets two cores do
// nearly twice the work of one.
//
// What is in memory is bounded by the number of parts. The last of them are kept for the first file that is not through, so that the
// order never has it wait for those behind it.
package mapper
