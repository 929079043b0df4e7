//go:build !unix

package app

const brokenPipe = errorBrokenPipe
