package e2e

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

// documents counts those in the embedded store, 0 where there is none yet.
func documents(path string) int {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return 0
	}
	defer db.Close()
	var n int
	if db.QueryRow("SELECT count(*) FROM documents").Scan(&n) != nil {
		return 0
	}
	return n
}

// Real files into the embedded store: all of them, once, also when the shipper is killed in the middle, and when it has
// forgotten what it read.
func TestRealFilesIntoSQLite(t *testing.T) {
	bucket, events := realBucket(t)
	store := filepath.Join(t.TempDir(), "trail.db")
	data := t.TempDir()
	output := "output.sqlite.path: " + store
	conf := config(t, data, bucket, output)

	assert.Equal(t, account{received: events, indexed: events}, run(t, "run", "--once", "-c", conf))
	assert.Equal(t, events, documents(store))
	assert.Equal(t, account{}, run(t, "run", "--once", "-c", conf), "a second run reads nothing")
	forgotten := config(t, t.TempDir(), bucket, output)
	assert.Equal(t, account{received: events, duplicate: events}, run(t, "run", "--once", "-c", forgotten))
	assert.Equal(t, events, documents(store))
}

func TestKilledIntoSQLite(t *testing.T) {
	bucket, events := realBucket(t)
	store := filepath.Join(t.TempDir(), "trail.db")
	conf := config(t, t.TempDir(), bucket, "output.sqlite.path: "+store)
	small := []string{"run", "--once", "-c", conf, "-E", "trailbeat.number_of_workers=1", "-E", "trailbeat.inputs.0.batch_max_records=20"}
	kills := 0
	for want := 1; want < events && kills < 5; want += events / 5 {
		if !killed(t, func() bool { return documents(store) >= want }, small...) {
			break
		}
		kills++
	}
	require.NotZero(t, kills, "every run ended before it could be killed")
	run(t, "run", "--once", "-c", conf)
	assert.Equal(t, events, documents(store))
}
