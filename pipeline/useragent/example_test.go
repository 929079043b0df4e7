package useragent_test

import (
	"fmt"
	"log"

	"github.com/trailbeat/trailbeat/pipeline/useragent"
)

func Example() {
	parser, err := useragent.New(useragent.DefaultConfig())
	if err != nil {
		log.Fatal(err)
	}
	info := parser.Parse("aws-cli/1.16.248 Python/3.4.7 Linux/4.9.184-0.1 botocore/1.12.239")
	fmt.Println(info.Name, info.Version)
	fmt.Println(info.OSFull)
	fmt.Println(info.DeviceName)
	// Output:
	// aws-cli 1.16.248
	// Linux 4.9.184
	// Spider
}
