package escape

import (
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// pages gives memory of so many bytes, between two pages that must not be touched.
func pages(t *testing.T, n int) []byte {
	t.Helper()
	page := syscall.Getpagesize()
	n = (n + page - 1) / page * page
	all, err := syscall.Mmap(-1, 0, n+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Munmap(all)) })
	require.NoError(t, syscall.Mprotect(all[:page], syscall.PROT_NONE))
	require.NoError(t, syscall.Mprotect(all[page+n:], syscall.PROT_NONE))
	return all[page : page+n : page+n]
}

// atEnd copies s to the end of memory.
func atEnd(memory []byte, s string) string {
	to := memory[len(memory)-len(s):]
	copy(to, s)
	return unsafe.String(unsafe.SliceData(to), len(to))
}

// Nothing is read before or behind a text, and nothing written behind the room for it.
func TestAtTheEndOfAPage(t *testing.T) {
	from, keys, to := pages(t, span), pages(t, maxKey), pages(t, room(maxKey, span))
	for _, unit := range []string{"a", `"`, `\a`, "\x00", "a\x1f", "é", "\xff"} {
		for n := range 300 {
			text := strings.Repeat(unit, n/len(unit)+1)[:n]
			key := strings.Repeat("k", n%(maxKey+1))
			want := byWords(nil, key, text)
			s, k := atEnd(from, text), atEnd(keys, key)
			begin := copy(from, text)
			require.Equal(t, want, byWords(nil, k, s))
			require.Equal(t, want, byWords(nil, k, unsafe.String(unsafe.SliceData(from), begin)), "at the start of a page")
			require.Equal(t, want, string(Member(nil, k, s)))
			require.Equal(t, want, string(Member(nil, k, unsafe.String(unsafe.SliceData(from), begin))), "at the start of a page")
			for _, size := range []int{0, len(key), len(key) + n, len(want), room(len(key), n) - 1, room(len(key), n)} {
				size = min(size, len(to))
				dst := to[len(to)-size:][:0:size]
				require.Equal(t, want, string(Member(dst, k, s)), "room for %d", size)
				require.Equal(t, want, byWords(dst, k, s), "room for %d", size)
			}
		}
	}
	long := strings.Repeat(`"`, span)
	dst := to[len(to)-2*span:]
	require.Equal(t, byWords(nil, "", long), string(append(appendByWords(dst[:0], atEnd(from, long)), behind...)))
	require.Equal(t, byWords(nil, "", long), string(Member(to[:0], "", atEnd(from, long))))
}
