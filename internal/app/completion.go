package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/config"
)

// shells that there is a completion for.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script of a shell: " + strings.Join(shells, ", "),
		Long: `Completion prints a script that lets the shell complete commands, flags, the names of options after -E, and the ids of inputs of the
configuration. Packages install it; by hand, once:

  bash        trailbeat completion bash > /etc/bash_completion.d/trailbeat    (needs the package bash-completion)
  zsh         trailbeat completion zsh > "${fpath[1]}/_trailbeat"
  fish        trailbeat completion fish > ~/.config/fish/completions/trailbeat.fish
  powershell  trailbeat completion powershell >> $PROFILE

It works in shells that are started afterwards.`,
		Example: `  source <(trailbeat completion bash)
  trailbeat completion zsh > "${fpath[1]}/_trailbeat"`,
		Args:      arguments(1, 1),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.Stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.Stdout)
			case "fish":
				return root.GenFishCompletion(a.Stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.Stdout)
			}
			return usage(fmt.Errorf("there is no completion for %q; %s", args[0], unknownName(args[0], shells)))
		},
	}
}

// completions tells the shell what can follow, for all commands below root.
func (a *app) completions(root *cobra.Command) {
	completion := func(flag string, fn cobra.CompletionFunc) { _ = root.RegisterFlagCompletionFunc(flag, fn) }
	completion("set", a.completeOption)
	_ = root.MarkPersistentFlagFilename("config", "yml", "yaml")
	for _, dir := range []string{"path.home", "path.config", "path.data", "path.logs"} {
		_ = root.MarkPersistentFlagDirname(dir)
	}
	takesFiles := map[string]bool{"map": true, "bench": true, "man": true}
	takesInputs := map[string]bool{"test input": true, "state show": true, "state set": true, "state reset": true}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		_, path, _ := strings.Cut(cmd.CommandPath(), " ")
		switch {
		case takesInputs[path]:
			cmd.ValidArgsFunction = a.completeInput
		case !takesFiles[cmd.Name()] && cmd.ValidArgs == nil && !cmd.HasSubCommands():
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		for flag, values := range map[string][]string{"retain": retains, "engine": engines, "partition": partitions} {
			if cmd.Flags().Lookup(flag) != nil {
				completeFlag(cmd, flag, values...)
			}
		}
		for _, flag := range []string{"geoip-city", "geoip-asn"} {
			if cmd.Flags().Lookup(flag) != nil {
				_ = cmd.MarkFlagFilename(flag, "mmdb")
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// completeOption offers the names of options for -E, level by level as there are many.
func (a *app) completeOption(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if strings.Contains(begun, "=") {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	level := begun[:strings.LastIndexByte(begun, '.')+1]
	var out []cobra.Completion
	for _, name := range a.optionNames() {
		rest, ok := strings.CutPrefix(name, level)
		if !ok {
			continue
		}
		if group, _, deeper := strings.Cut(rest, "."); deeper {
			out = append(out, level+group+".")
		} else {
			out = append(out, name+"=")
		}
	}
	slices.Sort(out)
	return slices.Compact(out), cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// optionNames are those of a configuration that are in no list.
func (a *app) optionNames() []string {
	all := slices.DeleteFunc(config.Names(Config{}), func(name string) bool { return name == "output" })
	for _, name := range names(a.components.Outputs) {
		all = append(all, "output."+name+".enabled")
		for _, option := range config.Names(a.components.Outputs[name].Config()) {
			all = append(all, "output."+name+"."+option)
		}
	}
	if a.components.TemplateConfig != nil {
		for _, option := range config.Names(a.components.TemplateConfig()) {
			all = append(all, "setup.template."+option)
		}
	}
	return all
}

// completeInput offers the ids of the inputs of the configuration. One that cannot be read has none.
func (a *app) completeInput(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	s, err := a.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ids := slices.DeleteFunc(s.inputIDs(), func(id string) bool { return slices.Contains(args, id) })
	return ids, cobra.ShellCompDirectiveNoFileComp
}
