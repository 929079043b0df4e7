package bench

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Child maps files with a baseline and throws the bodies away: one process of those that Processes compares.
func Child(baseline string, files []string) error {
	var naive Naive
	var limit Limit
	for _, name := range files {
		packed, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		switch baseline {
		case KeyNaive:
			_, _, err = naive.Map(packed)
		case KeyLimit:
			_, err = limit.Map(packed, func([]byte) {})
		default:
			return fmt.Errorf("there is no baseline %q", baseline)
		}
		if err != nil {
			return fmt.Errorf("mapping %q: %w", name, err)
		}
	}
	return nil
}

// processRepeat is how often each process gets the files, so that its start weighs little.
const processRepeat = 8

// Processes measures the command map of binary, from files to a discarded standard output, against processes of this
// program that do the baselines. All run on one core. The start of the processes is part of it.
func Processes(w io.Writer, binary string, corpora []*Corpus, rounds int) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	for _, c := range corpora {
		var files []string
		for range processRepeat {
			for _, f := range c.Files {
				files = append(files, f.Name)
			}
		}
		kept := []string{"map", "--tag", "preserve_original_event", "--tag", "actor_target_mapping", "--tag", "forwarded", "--tag", "aws-cloudtrail"}
		commands := []struct {
			name string
			argv []string
		}{
			{"naive", append([]string{self, "-child", KeyNaive}, files...)},
			{"limit", append([]string{self, "-child", KeyLimit}, files...)},
			{"`trailbeat map`, event.original kept", append(append([]string{binary}, kept...), files...)},
			{"`trailbeat map`, as it is by default", append([]string{binary, "map"}, files...)},
		}
		used := make([][]float64, len(commands))
		var toNaive, toLimit [][]float64
		toNaive, toLimit = make([][]float64, len(commands)), make([][]float64, len(commands))
		for range rounds {
			for i, command := range commands {
				_, seconds, err := runOn(1, command.argv)
				if err != nil {
					return err
				}
				used[i] = append(used[i], seconds)
			}
			last := len(used[0]) - 1
			for i := range commands {
				toNaive[i] = append(toNaive[i], used[0][last]/used[i][last])
				toLimit[i] = append(toLimit[i], used[1][last]/used[i][last])
			}
		}
		fmt.Fprintf(w, "\nProcesses on one core, %s, %d times\n\n| | × naive | of limit | records per CPU second |\n|---|---:|---:|---:|\n", c.Label, processRepeat)
		for i, command := range commands {
			fmt.Fprintf(w, "| %s | %.1f | %.2f | %s |\n", command.name, median(toNaive[i]), median(toLimit[i]),
				thousands(float64(processRepeat*c.Records)/median(used[i])))
		}
	}
	return nil
}

// runOn runs a command on so many cores, and gives the seconds that it took by the clock and of processor time.
func runOn(cores int, argv []string) (clock, used float64, err error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", cores))
	var said strings.Builder
	cmd.Stderr = &said
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, 0, fmt.Errorf("running %s %s on %s: %w: %s", argv[0], argv[1], runtime.GOOS, err, said.String())
	}
	clock = time.Since(start).Seconds()
	return clock, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), nil
}
