package app

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/keystore"
)

// keystoreFile is the name of the keystore in path.data, and keystorePassword the variable with its password.
const (
	keystoreFile     = "trailbeat.keystore"
	keystorePassword = "TRAILBEAT_KEYSTORE_PASSWORD"
)

// keystorePath finds the keystore that a configuration means. Variables are not known yet, as the keystore has some of them, so
// those in the paths count as what the environment says. Empty: the configuration is broken.
func keystorePath(sources []config.Source, overrides []string) string {
	known := func(name string) (string, bool) {
		if text, ok := lookup(name); ok && text != "" {
			return text, true
		}
		return "unknown", true // an empty one counts as not set
	}
	tree, err := config.Load(sources, config.Options{Overrides: overrides, Aliases: aliases(), Lookup: known})
	if err != nil {
		return "" // the same fault is told, with all others, when the configuration is loaded
	}
	s := &settings{Config: DefaultConfig()}
	var found struct { // as in Config
		Path     PathConfig      `config:"path"`
		Keystore KeystoreConfig  `config:"keystore"`
		Rest     *config.Section `config:",inline"`
	}
	found.Path, found.Keystore = s.Path, s.Keystore
	if err := tree.Decode(&found); err != nil {
		return "" // as above
	}
	s.Path, s.Keystore = found.Path, found.Keystore
	s.makePathsAbsolute()
	return s.Keystore.Path
}

// namesVariables says whether a configuration may have variables. Most have none: then it is loaded once and not twice, and nobody asks for the
// keystore. In a text of YAML between double quotes, the signs of a variable can also be written with a backslash.
func namesVariables(sources []config.Source, overrides []string) bool {
	may := func(text string) bool { return strings.Contains(text, "${") || strings.Contains(text, `\`) }
	return slices.ContainsFunc(overrides, may) || slices.ContainsFunc(sources, func(s config.Source) bool { return may(string(s.Data)) })
}

// secrets gives variables: those of the keystore, then those of the environment.
func secrets(path string) (func(string) (string, bool), error) {
	if path == "" {
		return lookup, nil
	}
	store, err := keystore.Open(path, os.Getenv(keystorePassword))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // that path.data is no folder is told by who needs it
		return lookup, nil
	}
	if err != nil {
		return nil, passwordHint(err)
	}
	return func(name string) (string, bool) {
		if text, ok := store.Get(name); ok {
			return text, true
		}
		return lookup(name)
	}, nil
}

func passwordHint(err error) error {
	if errors.Is(err, keystore.ErrPassword) {
		return fmt.Errorf("%w; its password is taken from %s", err, keystorePassword)
	}
	return err
}

func (a *app) keystoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keystore",
		Short: "Keep secrets for the configuration in an encrypted file",
		Long: `Keystore keeps secrets in keystore.path, by default trailbeat.keystore in path.data. A configuration names one as ${NAME}; a name that is
in the keystore and in the environment is taken from the keystore.

The file is encrypted with the password in ` + keystorePassword + `, and only its owner may read it. Without a password it keeps secrets
from being seen by accident; whoever can read the file can open it.`,
		Example: "  trailbeat keystore create\n  trailbeat keystore add ES_API_KEY\n  trailbeat keystore list",
	}
	cmd.AddCommand(a.keystoreCreateCommand(), a.keystoreAddCommand(), a.keystoreListCommand(), a.keystoreRemoveCommand())
	return cmd
}

// findKeystore gives the path of the keystore. Only the paths of the configuration are looked at: the rest may need the secrets.
func (a *app) findKeystore() (string, error) {
	files, err := a.configFiles()
	if err != nil {
		return "", usage(err)
	}
	sources, err := config.ReadFiles(files...)
	if err != nil {
		return "", usage(err)
	}
	path := keystorePath(sources, a.flags.allOverrides())
	if path == "" {
		err = usage(errors.New("the configuration cannot be read; \"trailbeat test config\" tells why, or leave it out and name --path.data"))
	}
	return path, err
}

// changeKeystore opens the keystore, lets fn change it, and saves it.
func (a *app) changeKeystore(fn func(*keystore.Store) error) error {
	path, err := a.findKeystore()
	if err != nil {
		return err
	}
	store, err := keystore.Open(path, os.Getenv(keystorePassword))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no keystore %q; make one with \"trailbeat keystore create\"", path)
	}
	if err != nil {
		return passwordHint(err)
	}
	if err := fn(store); err != nil {
		return err
	}
	return store.Save()
}

func (a *app) keystoreCreateCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "Make an empty keystore",
		Example: "  trailbeat keystore create\n  " + keystorePassword + "=\"$(cat /run/secrets/keystore)\" trailbeat keystore create --force",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			path, err := a.findKeystore()
			if err != nil {
				return err
			}
			if exists(path) && !force {
				return fmt.Errorf("the keystore %q is there already; --force replaces it, and what is in it is lost", path)
			}
			if err := keystore.New(path, os.Getenv(keystorePassword)).Save(); err != nil {
				return err
			}
			fmt.Fprintf(a.Stdout, "%s is made\n", path)
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace one that is there")
	return cmd
}

func (a *app) keystoreAddCommand() *cobra.Command {
	var force, stdin bool
	cmd := &cobra.Command{
		Use:     "add NAME",
		Short:   "Add a secret; it is asked for, or read from standard input",
		Example: "  trailbeat keystore add ES_API_KEY\n  pass show elastic/trailbeat | trailbeat keystore add ES_API_KEY --stdin --force",
		Args:    oneName,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.changeKeystore(func(store *keystore.Store) error {
				if _, there := store.Get(args[0]); there && !force {
					return fmt.Errorf("the secret %s is there already; --force replaces it", args[0])
				}
				secret, err := a.readSecret(args[0], stdin)
				if err != nil {
					return err
				}
				return store.Set(args[0], secret)
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace one that is there")
	cmd.Flags().BoolVar(&stdin, "stdin", false, "read the secret from standard input, without its last line end, also where that is a terminal")
	return cmd
}

// readSecret asks for a secret without showing it, or reads all of standard input.
func (a *app) readSecret(name string, stdin bool) (string, error) {
	if f, ok := a.Stdin.(*os.File); ok && !stdin && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(a.Stderr, "Value of %s: ", name)
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.Stderr)
		return string(text), err
	}
	text, err := io.ReadAll(bufio.NewReader(io.LimitReader(a.Stdin, 1<<16+1)))
	if err != nil {
		return "", fmt.Errorf("reading the secret %s: %w", name, err)
	}
	if len(text) > 1<<16 {
		return "", fmt.Errorf("the secret %s is longer than 64 KiB", name)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}

func (a *app) keystoreListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Print the names of the secrets",
		Example: "  trailbeat keystore list",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			path, err := a.findKeystore()
			if err != nil {
				return err
			}
			store, err := keystore.Open(path, os.Getenv(keystorePassword))
			if err != nil {
				return passwordHint(err)
			}
			for _, name := range store.Names() {
				fmt.Fprintln(a.Stdout, name)
			}
			return nil
		},
	}
}

func (a *app) keystoreRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Remove a secret",
		Example: "  trailbeat keystore remove ES_API_KEY",
		Args:    oneName,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.changeKeystore(func(store *keystore.Store) error {
				if !store.Remove(args[0]) {
					return fmt.Errorf("there is no secret %s in the keystore; %s", args[0], unknownName(args[0], store.Names()))
				}
				return nil
			})
		},
	}
}

func oneName(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage(fmt.Errorf("%q needs the name of one secret, but got %d\nSee \"%s --help\"", cmd.CommandPath(), len(args), cmd.CommandPath()))
	}
	return nil
}

// below puts a relative name below a directory.
func below(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}
