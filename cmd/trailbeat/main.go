// Trailbeat turns AWS CloudTrail records into ECS documents and ships them. See "trailbeat --help".
package main

import (
	"os"

	"github.com/trailbeat/trailbeat/internal/app"
)

func main() { os.Exit(run()) }

func run() int {
	return app.Main(os.Args[1:], app.IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}, components())
}
