package useragent

import (
	"fmt"
	"testing"

	"github.com/ua-parser/uap-go/uaparser"
)

const (
	cliAgent     = "aws-cli/2.17.60 md/awscrt#0.21.2 ua/2.0 os/macos#23.6.0 md/arch#x86_64 lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#iam.attach-role-policy"
	browserAgent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	mobileAgent  = "Mozilla/5.0 (Linux; Android 9; SM-G960F Build/PPR1.180610.011) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.4430.82 Mobile Safari/537.36"
	botoAgent    = "Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/linux#5.10.213 md/arch#x86_64 lang/python#3.11.6 cfg/retry-mode#legacy"
	sdkAgent     = "APN/1.0 HashiCorp/1.0 Terraform/1.1.2 (+https://www.terraform.io) terraform-provider-aws/3.76.1 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go/1.44.157 (go1.19.3; linux; amd64) HashiCorp-terraform-exec/0.17.3"
)

var benchAgents = []struct{ name, ua string }{{"cli", cliAgent}, {"boto", botoAgent}, {"browser", browserAgent}, {"mobile", mobileAgent}, {"sdk", sdkAgent}, {"service", "ec2.amazonaws.com"}}

func BenchmarkHit(b *testing.B) {
	for _, a := range benchAgents {
		b.Run(a.name, func(b *testing.B) {
			p := newParser(b, nil)
			p.Parse(a.ua)
			b.ReportAllocs()
			b.ResetTimer() // without the loading of the rules
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					p.Parse(a.ua)
				}
			})
		})
	}
}

func BenchmarkNewAgent(b *testing.B) {
	for _, a := range benchAgents {
		b.Run(a.name, func(b *testing.B) {
			rules := testRules(b)
			rules.parse(a.ua)
			b.ReportAllocs()
			for b.Loop() {
				rules.parse(a.ua)
			}
		})
	}
}

func BenchmarkPlainUAPGo(b *testing.B) {
	plain, err := uaparser.New(uaparser.WithCacheSize(1))
	if err != nil {
		b.Fatal(err)
	}
	for _, a := range benchAgents {
		b.Run(a.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				plain.Parse(fmt.Sprint(a.ua, i))
			}
		})
	}
}

func BenchmarkFast(b *testing.B) {
	for _, a := range benchAgents {
		b.Run(a.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fastParse(a.ua)
			}
		})
	}
}

func BenchmarkLoadRules(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := loadRules(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileAll(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		rules, err := loadRules()
		if err != nil {
			b.Fatal(err)
		}
		for _, group := range [][]*rule{rules.agent, rules.os, rules.device} {
			for _, r := range group {
				r.regexp()
			}
		}
	}
}
