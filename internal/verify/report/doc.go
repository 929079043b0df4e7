// Package report prints what a verification found: as text for a terminal, as JSON for programs, and as a page of HTML that is printed,
// signed and kept.
package report
