package terminal

import (
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// Is reports whether a person sees what is written to w: w is a file, and the file a terminal. Unlike other devices, /dev/null has
// no eyes.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && (isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd()))
}

// Dumb reports whether the terminal says of itself that it moves no cursor and knows no colours.
func Dumb() bool { return os.Getenv("TERM") == "dumb" }

// Colours reports whether w takes colours: it is a terminal, not a dumb one, and NO_COLOR is not set (https://no-color.org).
func Colours(w io.Writer) bool { return Is(w) && !Dumb() && os.Getenv("NO_COLOR") == "" }

// The size of a terminal that does not tell.
const (
	DefaultWidth  = 80
	DefaultHeight = 24
)

// Size gives the columns and rows of the terminal w, or the defaults where w is none or does not tell.
func Size(w io.Writer) (width, height int) {
	if f, ok := w.(*os.File); ok {
		if width, height, err := term.GetSize(int(f.Fd())); err == nil && width > 0 && height > 0 {
			return width, height
		}
	}
	return DefaultWidth, DefaultHeight
}
