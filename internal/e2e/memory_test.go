package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writeLarge writes a gzip file of one container with about size bytes of records, each of them padded to recordBytes. The
// same part is packed once and written many times. It returns the number of records.
func writeLarge(t *testing.T, path string, size, recordBytes int) (records int) {
	t.Helper()
	pack := func(text string) []byte {
		var packed bytes.Buffer
		z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
		require.NoError(t, err)
		_, err = io.WriteString(z, text)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return packed.Bytes()
	}
	var text strings.Builder
	n := 0
	record := func() string {
		n++
		var r strings.Builder
		fmt.Fprintf(&r, `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/u%[1]d","accountId":"111122223333","userName":"u%[1]d"},`+
			`"eventTime":"2026-11-20T07:30:00Z","eventSource":"s3.amazonaws.com","eventName":"PutObject","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.%[2]d",`+
			`"userAgent":"aws-cli/2.13.5 Python/3.11.4","eventID":"00000000-0000-4000-8000-%012[1]d","recipientAccountId":"111122223333","requestParameters":{"items":[`, n, n%256)
		for i := 0; r.Len() < recordBytes; i++ {
			fmt.Fprintf(&r, `{"name":"%08x","value":"%x"},`, n*7919+i, i*i*n)
		}
		r.WriteString(`null]}}`)
		return r.String()
	}
	for text.Len() < min(size, 8<<20) {
		text.WriteString(record() + ",")
	}
	file, err := os.Create(path)
	require.NoError(t, err)
	w := bufio.NewWriter(file)
	_, _ = w.Write(pack(`{"Records":[`)) // an error comes again from Flush
	part := pack(text.String())
	in := n
	for written := 0; written < size; written += text.Len() {
		_, _ = w.Write(part)
		records += in
	}
	_, _ = w.Write(pack(record() + "]}"))
	require.NoError(t, w.Flush())
	require.NoError(t, file.Close())
	return records + 1
}

// peak runs the program with two workers, counts the lines that it prints, and gives the most memory that it had, in MiB.
func peak(t *testing.T, args ...string) (lines int, mib float64) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2", "GOGC=", "GOMEMLIMIT=")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	buf := make([]byte, 1<<20)
	for {
		n, err := io.ReadFull(out, buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		if err != nil {
			break
		}
		// The pipe holds less than what is read at once, so the process is there as long as this goes on.
		mib = max(mib, highWater(t, cmd.Process.Pid))
	}
	require.NoError(t, cmd.Wait(), said.String())
	return lines, mib
}

// peakBeside is peak for a program that prints nothing: it is looked at beside, until it ends.
func peakBeside(t *testing.T, args ...string) (mib float64) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2", "GOGC=", "GOMEMLIMIT=")
	var said bytes.Buffer
	cmd.Stderr = &said
	require.NoError(t, cmd.Start())
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	looks := time.NewTicker(5 * time.Millisecond)
	defer looks.Stop()
	for {
		select {
		case err := <-ended:
			require.NoError(t, err, said.String())
			return mib
		case <-looks.C:
			mib = max(mib, highWater(t, cmd.Process.Pid))
		}
	}
}

// highWater is VmHWM of a process in MiB, 0 when it has ended.
func highWater(t *testing.T, pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, ok := strings.Cut(string(status), "VmHWM:")
	if !ok {
		return 0
	}
	kib, err := strconv.ParseFloat(strings.Fields(after)[0], 64)
	require.NoError(t, err)
	return kib / 1024
}

// Memory does not grow with a file. With TRAILBEAT_TEST_HUGE it is one of 2 GB.
func TestMemoryOfALargeFile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc, where the memory of another process stands: run it on Linux")
	}
	size := 48 << 20
	if os.Getenv("TRAILBEAT_TEST_HUGE") != "" {
		size = 2 << 30
	}
	for _, test := range []struct {
		name              string
		size, recordBytes int
		most              float64 // MiB; some 24 of them are pages of the program's own file, as many as the system cares to keep
	}{
		{"usual records", size, 1200, 64},
		{"records of 256 KB", min(size, 256<<20), 250_000, 88},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "large.json.gz")
			records := writeLarge(t, path, test.size, test.recordBytes)
			conf := filepath.Join(dir, "trailbeat.yml")
			require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil,
				"path.data: %q\ntrailbeat.inputs: [{type: file, paths: [%q]}]\noutput.console.enabled: true\n", filepath.Join(dir, "data"), path), 0o600))
			for _, args := range [][]string{{"map", path}, {"run", "--once", "-c", conf}} {
				lines, mib := peak(t, args...)
				t.Logf("%s: %d records, at most %.1f MiB", args[0], lines, mib)
				assert.Equal(t, records, lines, args[0])
				assert.NotZero(t, mib)
				assert.LessOrEqual(t, mib, test.most, "MiB of %s", args[0])
			}
			stored := filepath.Join(dir, "sqlite.yml")
			require.NoError(t, os.WriteFile(stored, fmt.Appendf(nil,
				"path.data: %q\ntrailbeat.inputs: [{type: file, paths: [%q]}]\noutput.sqlite.enabled: true\n", filepath.Join(dir, "stored"), path), 0o600))
			mib := peakBeside(t, "run", "--once", "-c", stored)
			t.Logf("run into SQLite: %d records, at most %.1f MiB", records, mib)
			assert.NotZero(t, mib)
			assert.LessOrEqual(t, mib, test.most+8, "MiB of run into SQLite")
		})
	}
}

// However many CPUs map files side by side, the documents are the same in the same order, those before a fault too.
func TestMapIsTheSameOnAnyNumberOfCPUs(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.json.gz")
	writeLarge(t, large, 6<<20, 1200)
	packed, err := os.ReadFile(large)
	require.NoError(t, err)
	cut := filepath.Join(dir, "cut.json.gz")
	require.NoError(t, os.WriteFile(cut, packed[:len(packed)/2], 0o600))
	cases, err := filepath.Glob(filepath.Join("..", "..", "testdata", "cloudtrail", "*", "input.json"))
	require.NoError(t, err)
	require.NotEmpty(t, cases)
	files := append([]string{large, cut}, cases...)
	documents := func(cpus int) []byte {
		cmd := exec.Command(binary, append([]string{"map", "--meta", "--timestamp", "2026-01-02T03:04:05Z"}, files...)...)
		cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", cpus))
		out, err := cmd.Output()
		var failed *exec.ExitError
		require.ErrorAs(t, err, &failed)
		require.Contains(t, string(failed.Stderr), "cut.json.gz")
		return out
	}
	want := documents(1)
	require.Greater(t, bytes.Count(want, []byte{'\n'}), 7000)
	for _, cpus := range []int{2, 5} {
		require.True(t, bytes.Equal(want, documents(cpus)), "with %d CPUs", cpus)
	}
}
