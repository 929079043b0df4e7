package top

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/terminal"
)

// Source is what is asked. *api.Client is one.
type Source interface {
	Status(ctx context.Context) (*api.Status, error)
	Series(ctx context.Context, window string) (*api.Series, error)
}

// Snapshot is both answers at one time. It is what --output json prints.
type Snapshot struct {
	Status *api.Status `json:"status"`
	Series *api.Series `json:"series"`
}

// Ask asks for both.
func Ask(ctx context.Context, from Source) (*Snapshot, error) {
	status, err := from.Status(ctx)
	if err != nil {
		return nil, err
	}
	series, err := from.Series(ctx, api.WindowMinutes)
	if err != nil {
		return nil, err
	}
	return &Snapshot{status, series}, nil
}

// Options of Run. From and Out are required.
type Options struct {
	From Source
	// In is where keys come from. Not a terminal: there are no keys.
	In io.Reader
	// Out is the terminal.
	Out io.Writer
	// Every is the pause between two pictures. Default 2s.
	Every time.Duration
	// Size gives the size of the terminal. Nil: Out is asked.
	Size func() (width, height int)
}

// The switches of a terminal: the other screen, so that what was there before comes back, and no cursor.
const (
	enter = "\x1b[?1049h\x1b[?25l"
	leave = "\x1b[?25h\x1b[?1049l"
	home  = "\x1b[H"
	// rest wipes the line from the cursor on, below the screen.
	rest  = "\x1b[K"
	below = "\x1b[J"
)

// Run draws the state until ctx ends or somebody presses q or ctrl-c. Only the first question may fail for good: a process that goes
// away later may come back, so the last picture stays, with the reason above it.
func Run(ctx context.Context, opt Options) error {
	if opt.Every <= 0 {
		opt.Every = 2 * time.Second
	}
	if opt.Size == nil {
		opt.Size = func() (int, int) { return terminal.Size(opt.Out) }
	}
	shot, err := Ask(ctx, opt.From)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	restore, err := keys(opt.In, cancel)
	if err != nil {
		return err
	}
	defer restore()
	if _, err := io.WriteString(opt.Out, enter); err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	defer func() { _, _ = io.WriteString(opt.Out, leave) }()

	tick := time.NewTicker(opt.Every)
	defer tick.Stop()
	var gone error
	for {
		if err := draw(opt, shot, gone); err != nil {
			return fmt.Errorf("drawing: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if next, err := Ask(ctx, opt.From); err == nil {
			shot, gone = next, nil
		} else {
			gone = err
		}
	}
}

// draw replaces the picture. It is written at once, so that nothing flickers.
func draw(opt Options, shot *Snapshot, gone error) error {
	width, height := opt.Size()
	style := terminal.Style{On: terminal.Colours(opt.Out)}
	top := style.Dim(terminal.Fit(fmt.Sprintf("every %s, q ends", terminal.Duration(opt.Every)), width))
	if gone != nil {
		top = style.Bad(terminal.Fit("no answer; this is of "+shot.Status.Now.Local().Format(time.TimeOnly)+": "+terminal.Clean(gone.Error()), width))
	}
	text := View(shot.Status, shot.Series, Screen{Width: width, Height: max(5, height-1), Style: style})
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	// A terminal in raw mode needs the way back to the first column.
	_, err := io.WriteString(opt.Out, home+top+rest+"\r\n"+strings.Join(lines, rest+"\r\n")+rest+below)
	return err
}

// keys calls end at q, Q, escape's relatives ctrl-c and ctrl-d, where in is a terminal. The function puts the terminal back.
func keys(in io.Reader, end func()) (func(), error) {
	f, ok := in.(*os.File)
	if !ok || !terminal.Is(f) {
		return func() {}, nil
	}
	before, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return nil, fmt.Errorf("preparing the terminal: %w", err)
	}
	// A read of a terminal cannot be ended; the process does that.
	go func() {
		var b [1]byte
		for {
			n, err := f.Read(b[:])
			if err != nil {
				return
			}
			if n == 1 && strings.IndexByte("qQ\x03\x04", b[0]) >= 0 {
				end()
				return
			}
		}
	}()
	return func() { _ = term.Restore(int(f.Fd()), before) }, nil
}
