// Package top shows a running Trailbeat in a terminal: what passes, how late it is, what is wrong and how to mend it.
//
// View makes the text of one api.Status; Run asks again and again and draws it. What comes from events or servers is cleaned of
// control characters before it is shown.
package top
