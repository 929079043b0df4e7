package file

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// The values of Config.Compression.
const (
	None = "none"
	Gzip = "gzip"
)

// Config is the section output.file.
type Config struct {
	// Path of the directory. Made where it is missing. There is no default: the program sets one, or the user.
	Path string `config:"path"`
	// Filename is how the names of the files begin. The default is trailbeat.
	Filename string `config:"filename"`
	// RotateEveryKB is the size, in KiB, that a file does not grow beyond; a batch that is larger alone has a file of its
	// own. The default is 10240. Zero means that size does not matter.
	RotateEveryKB int `config:"rotate_every_kb"`
	// NumberOfFiles is how many files are kept; the oldest are deleted as new ones come. The default, zero, keeps all:
	// other than Beats, which keep 7, this output does not throw audit logs away unless it was told to.
	NumberOfFiles int `config:"number_of_files"`
	// Permissions of the files, in octal digits. The default is 0600. Windows ignores them. Empty means the default.
	Permissions string `config:"permissions"`
	// RotateOnStartup begins a new file with every start. The default is true. With false the newest file is continued.
	RotateOnStartup bool `config:"rotate_on_startup"`
	// Compression is none (the default) or gzip. Empty means none.
	Compression string `config:"compression"`
	// CompressionLevel of gzip, from 1 (fast) to 9 (small). The default is 1. Zero means the default.
	CompressionLevel int `config:"compression_level"`
	// Metadata writes {"_index":...,"_id":...,"document":{...}} in place of the document alone. The default is false.
	Metadata bool `config:"metadata"`
}

// DefaultConfig returns the configuration that holds where nothing is set.
func DefaultConfig() Config {
	return Config{
		Filename: "trailbeat", RotateEveryKB: 10240, Permissions: "0600", RotateOnStartup: true,
		Compression: None, CompressionLevel: 1,
	}
}

// Validate reports all settings that cannot work.
func (c *Config) Validate() error {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("path: must not be empty; give the directory that the files go to"))
	}
	if c.Filename == "" || strings.ContainsAny(c.Filename, `/\:*?"<>|`+"\x00") {
		errs = append(errs, fmt.Errorf(`filename: must be a name without / \ : * ? " < > |, is %q`, c.Filename))
	}
	if c.RotateEveryKB < 0 {
		errs = append(errs, fmt.Errorf("rotate_every_kb: must be >= 0, is %d", c.RotateEveryKB))
	}
	if c.NumberOfFiles < 0 {
		errs = append(errs, fmt.Errorf("number_of_files: must be >= 0, is %d", c.NumberOfFiles))
	}
	if _, err := c.mode(); err != nil {
		errs = append(errs, err)
	}
	if c.Compression != "" && c.Compression != None && c.Compression != Gzip {
		errs = append(errs, fmt.Errorf("compression: must be none or gzip, is %q", c.Compression))
	}
	if c.CompressionLevel < 0 || c.CompressionLevel > 9 {
		errs = append(errs, fmt.Errorf("compression_level: must be between 1 and 9, is %d", c.CompressionLevel))
	}
	return errors.Join(errs...)
}

// mode reads the permissions.
func (c *Config) mode() (os.FileMode, error) {
	if c.Permissions == "" {
		return 0o600, nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(c.Permissions, "0o"), 8, 32)
	if err != nil || n > 0o777 || n&0o600 != 0o600 {
		return 0, fmt.Errorf("permissions: must be octal digits from 0600 to 0777 that let the owner read and write, is %q", c.Permissions)
	}
	return os.FileMode(n), nil
}
