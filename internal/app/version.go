package app

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version of the program.
const version = "0.1.0"

// Version of the program, as agent.version says it.
func Version() string { return version }

// versionReport is what version --output json prints.
type versionReport struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	// Commit is empty where the build does not know it.
	Commit string `json:"commit"`
}

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  trailbeat version\n  trailbeat version --output json",
		Args:    noArguments,
	}
	format := formatFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		v := versionReport{version, runtime.Version(), runtime.GOOS, runtime.GOARCH, revision()}
		if format.json() {
			return a.printJSON(v)
		}
		commit := ""
		if v.Commit != "" {
			commit = ", commit " + v.Commit
		}
		fmt.Fprintf(a.Stdout, "trailbeat %s (%s, %s/%s%s)\n", v.Version, v.Go, v.OS, v.Arch, commit)
		return nil
	}
	return cmd
}

// revision is the commit that the binary was built from, where the build knows it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return setting.Value[:12]
		}
	}
	return ""
}
