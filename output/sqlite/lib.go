package sqlite

import (
	"errors"
	"fmt"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	lib "modernc.org/sqlite/lib"
)

// db is a connection to SQLite itself, past the driver: the driver allocates, copies and frees each text of a statement on
// its own and asks for the name of each parameter, which together cost more than half of what storing a document does.
// Here texts are written into memory of the library that is used again, and bound as they are.
//
// Not safe for concurrent use: the connection is opened without a mutex. Only one goroutine at a time may use it.
type db struct {
	tls    *libc.TLS
	handle uintptr
	text   arena
}

// codeError is a result code of SQLite with its message.
type codeError struct {
	code int32
	text string
}

func (e *codeError) Error() string { return fmt.Sprintf("%s (%d)", e.text, e.code) }

// Code is the extended result code.
func (e *codeError) Code() int { return int(e.code) }

var errMemory = errors.New("SQLite got no memory")

// openDB opens the database that the URI names.
func openDB(uri string) (*db, error) {
	d := &db{tls: libc.NewTLS()}
	d.text.tls = d.tls
	at, err := d.text.place(uri, unsafe.Sizeof(uintptr(0)))
	if err != nil {
		d.tls.Close()
		return nil, err
	}
	// The handle goes to the end of the scratch memory.
	out := d.text.end()
	code := lib.Xsqlite3_open_v2(d.tls, at, out, lib.SQLITE_OPEN_READWRITE|lib.SQLITE_OPEN_CREATE|lib.SQLITE_OPEN_NOMUTEX|lib.SQLITE_OPEN_URI, 0)
	d.handle = load(out)
	if code == lib.SQLITE_OK {
		code = lib.Xsqlite3_extended_result_codes(d.tls, d.handle, 1)
	}
	if code != lib.SQLITE_OK {
		return nil, errors.Join(d.fault(code), d.close())
	}
	return d, nil
}

// close ends the connection. Its statements must be closed before.
func (d *db) close() error {
	code := lib.Xsqlite3_close_v2(d.tls, d.handle)
	d.text.free()
	d.tls.Close()
	if code != lib.SQLITE_OK {
		return &codeError{code, "closing the connection"}
	}
	return nil
}

// fault is the error of a call that just failed.
func (d *db) fault(code int32) error {
	text := libc.GoString(lib.Xsqlite3_errstr(d.tls, code))
	if d.handle != 0 {
		if said := libc.GoString(lib.Xsqlite3_errmsg(d.tls, d.handle)); said != text {
			text += ": " + said
		}
	}
	return &codeError{code, text}
}

func (d *db) check(code int32) error {
	if code == lib.SQLITE_OK {
		return nil
	}
	return d.fault(code)
}

// exec carries out one or more statements and throws their rows away.
func (d *db) exec(query string) error {
	at, err := d.text.place(query, 0)
	if err != nil {
		return err
	}
	return d.check(lib.Xsqlite3_exec(d.tls, d.handle, at, 0, 0, 0))
}

// number is the first column of the first row of a query.
func (d *db) number(query string) (int64, error) {
	s, err := d.prepare(query)
	if err != nil {
		return 0, err
	}
	defer s.close()
	return s.number()
}

// changes is how many rows the last statement changed, lastRow the key of the last row that one inserted.
func (d *db) changes() int32 { return lib.Xsqlite3_changes(d.tls, d.handle) }
func (d *db) lastRow() int64 { return lib.Xsqlite3_last_insert_rowid(d.tls, d.handle) }

// stmt is a prepared statement.
type stmt struct {
	db *db
	p  uintptr
}

// prepare prepares a statement that is used often.
func (d *db) prepare(query string) (*stmt, error) {
	at, err := d.text.place(query, unsafe.Sizeof(uintptr(0)))
	if err != nil {
		return nil, err
	}
	out := d.text.end()
	if err := d.check(lib.Xsqlite3_prepare_v3(d.tls, d.handle, at, -1, lib.SQLITE_PREPARE_PERSISTENT, out, 0)); err != nil {
		return nil, err
	}
	return &stmt{db: d, p: load(out)}, nil
}

// close gives the statement back. One that was never prepared may be closed too.
func (s *stmt) close() {
	if s != nil {
		lib.Xsqlite3_finalize(s.db.tls, s.p) // its code repeats that of the last step
	}
}

// bindText binds a text of the arena, without a copy: it must stay there until the statement was run. Parameters count from 1.
func (s *stmt) bindText(i int, at uintptr, n int) error {
	const static = 0 // the destructor of texts that SQLite does not own
	return s.db.check(lib.Xsqlite3_bind_text(s.db.tls, s.p, int32(i), at, int32(n), static))
}

func (s *stmt) bindInt(i int, v int64) error {
	return s.db.check(lib.Xsqlite3_bind_int64(s.db.tls, s.p, int32(i), v))
}

func (s *stmt) bindNull(i int) error {
	return s.db.check(lib.Xsqlite3_bind_null(s.db.tls, s.p, int32(i)))
}

// run carries the statement out and makes it ready for the next time. The parameters stay bound.
func (s *stmt) run() error {
	code := lib.Xsqlite3_step(s.db.tls, s.p)
	for code == lib.SQLITE_ROW {
		code = lib.Xsqlite3_step(s.db.tls, s.p)
	}
	return s.end(code)
}

// number runs the statement to its end and gives the first column of its first row.
func (s *stmt) number() (int64, error) {
	code := lib.Xsqlite3_step(s.db.tls, s.p)
	if code != lib.SQLITE_ROW {
		if err := s.end(code); err != nil {
			return 0, err
		}
		return 0, errors.New("the query gave no row")
	}
	n := lib.Xsqlite3_column_int64(s.db.tls, s.p, 0)
	// A statement that changes data has done so only when it was read to its end.
	return n, s.run()
}

// end resets the statement after its last step, which gave code.
func (s *stmt) end(code int32) (err error) {
	if code != lib.SQLITE_DONE {
		err = s.db.fault(code)
	}
	lib.Xsqlite3_reset(s.db.tls, s.p)
	return err
}

// arena is memory of the library for the texts of one call. Go's own memory would do as well, were it not that the
// library's pointers are numbers, which neither the collector nor the race detector takes for what they are.
type arena struct {
	tls  *libc.TLS
	base uintptr
	size int
	used int
}

// reset forgets all texts and makes room for n bytes.
func (a *arena) reset(n int) error {
	a.used = 0
	if n <= a.size {
		return nil
	}
	a.free()
	n += n / 4
	base := libc.Xmalloc(a.tls, types.Size_t(n))
	if base == 0 {
		return errMemory
	}
	a.base, a.size = base, n
	return nil
}

func (a *arena) free() {
	if a.base != 0 {
		libc.Xfree(a.tls, a.base)
	}
	a.base, a.size, a.used = 0, 0, 0
}

// add copies a text into the arena, for which reset made room, and gives its address.
func add[T string | []byte](a *arena, s T) uintptr {
	at := a.base + uintptr(a.used)
	copy(unsafe.Slice((*byte)(pointer(at)), len(s)), s)
	a.used += len(s)
	return at
}

// place makes a C string the only text of the arena, with room for extra bytes at its end.
func (a *arena) place(s string, extra uintptr) (uintptr, error) {
	if err := a.reset(len(s) + 1 + int(unsafe.Sizeof(uintptr(0))) + int(extra)); err != nil {
		return 0, err
	}
	at := add(a, s)
	add(a, "\x00")
	return at, nil
}

// end is the next free address that a pointer may be written to. It is empty.
func (a *arena) end() uintptr {
	const word = unsafe.Sizeof(uintptr(0))
	at := (a.base + uintptr(a.used) + word - 1) / word * word
	*(*uintptr)(pointer(at)) = 0
	return at
}

func load(at uintptr) uintptr { return *(*uintptr)(pointer(at)) }

// pointer makes a pointer of an address of the library's memory. That memory is not Go's, so it neither moves nor goes; the detour tells
// go vet so, which cannot know.
func pointer(at uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&at)) }
