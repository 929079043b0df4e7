package marks

import (
	"bytes"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// Nothing is read behind a text, nor before it.
func TestAtTheEndOfAPage(t *testing.T) {
	page := syscall.Getpagesize()
	all, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	defer func() { require.NoError(t, syscall.Munmap(all)) }()
	require.NoError(t, syscall.Mprotect(all[:page], syscall.PROT_NONE))
	require.NoError(t, syscall.Mprotect(all[2*page:], syscall.PROT_NONE))
	middle := all[page : 2*page : 2*page]
	copy(middle, bytes.Repeat([]byte(`"key":"a value",`), page/16))
	for n := range 300 {
		for _, text := range [][]byte{middle[:n], middle[page-n:]} {
			want, _ := Marks(nil).Of(bytes.Clone(text))
			got, ascii := Marks(nil).Of(text)
			require.Equal(t, want, got)
			require.True(t, ascii)
		}
	}
	_, ascii := Marks(nil).Of(middle)
	require.True(t, ascii)
	if !HasStructure() {
		return
	}
	for n := range 300 {
		for _, text := range [][]byte{middle[:n], middle[page-n:]} {
			checkStructure(t, unsafe.String(unsafe.SliceData(text), len(text)), 1)
		}
	}
}
