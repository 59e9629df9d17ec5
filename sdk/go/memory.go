package sandglass

import (
	"runtime/debug"
	"unsafe"
)

// How texts and lists go over to the host and come back: by 32-bit pointers into memory that must not move or be
// collected meanwhile.

type pointer = unsafe.Pointer

// area is memory that the host writes an answer to: on the heap, since stacks move, and one for each call, since
// goroutines take turns while the host hands texts over.
type area [7]uint64

//go:noinline
func newArea() *area { return new(area) }

// Calls that the host is in, and what SetGCPercent was before the first of them.
var (
	asking  int
	percent int
)

// ask makes a call that the host answers in memory. While it hands texts over, cabi_realloc runs, where nothing of the
// host may be called, the clock neither; collecting garbage asks for the time, so it waits for the end of the call.
func ask(call func(ret pointer)) *area {
	ret := newArea()
	if asking == 0 {
		percent = debug.SetGCPercent(-1)
	}
	asking++
	call(pointer(ret))
	asking--
	if asking == 0 {
		debug.SetGCPercent(percent)
	}
	return ret
}

func (a *area) at(offset uintptr) pointer     { return unsafe.Add(pointer(a), offset) }
func (a *area) u8(offset uintptr) uint8       { return *(*uint8)(a.at(offset)) }
func (a *area) u16(offset uintptr) uint16     { return *(*uint16)(a.at(offset)) }
func (a *area) u32(offset uintptr) uint32     { return *(*uint32)(a.at(offset)) }
func (a *area) u64(offset uintptr) uint64     { return *(*uint64)(a.at(offset)) }
func (a *area) setU8(offset uintptr, v uint8) { *(*uint8)(a.at(offset)) = v }

func (a *area) setU32(offset uintptr, value uint32) { *(*uint32)(a.at(offset)) = value }

// text takes over the text whose place is written at an offset.
func (a *area) text(offset uintptr) string { return take(a.u32(offset), a.u32(offset+4)) }

// maybe takes over an optional text.
func (a *area) maybe(offset uintptr) *string {
	if a.u8(offset) == 0 {
		return nil
	}
	text := a.text(offset + 4)
	return &text
}

// err is the error of a result whose payload is at an offset, nil where it is none.
func (a *area) err(offset uintptr) error {
	if a.u8(0) == 0 {
		return nil
	}
	return &Error{Code: a.text(offset), Message: a.text(offset + 8)}
}

// What the host was given memory for, until it is taken over.
var handed = map[uint32][]byte{}

// takeBytes takes over memory that the host wrote.
func takeBytes(place, size uint32) []byte {
	if size == 0 {
		return nil
	}
	bytes := handed[place]
	delete(handed, place)
	return bytes
}

func take(place, size uint32) string {
	bytes := takeBytes(place, size)
	return unsafe.String(unsafe.SliceData(bytes), len(bytes))
}

func data(text string) (pointer, uint32) {
	return pointer(unsafe.StringData(text)), uint32(len(text))
}

// lowered is memory in the host's layout, and all that it points to.
type lowered struct {
	words []uint32
	keep  []any
}

func (l *lowered) add(words ...uint32) { l.words = append(l.words, words...) }

func (l *lowered) text(text string) {
	place, size := data(text)
	l.keep = append(l.keep, text)
	l.add(uint32(uintptr(place)), size)
}

func (l *lowered) bytes(bytes []byte) {
	l.keep = append(l.keep, bytes)
	l.add(uint32(uintptr(pointer(unsafe.SliceData(bytes)))), uint32(len(bytes)))
}

func (l *lowered) maybe(text string) {
	if text == "" {
		l.add(0, 0, 0)
		return
	}
	l.add(1)
	l.text(text)
}

// list writes where a list of so many items is.
func (l *lowered) list(items *lowered, count int) {
	l.keep = append(l.keep, items)
	place, _ := items.place()
	l.add(uint32(uintptr(place)), uint32(count))
}

func (l *lowered) texts(texts []string) {
	items := &lowered{}
	for _, text := range texts {
		items.text(text)
	}
	l.list(items, len(texts))
}

func (l *lowered) place() (pointer, uint32) {
	return pointer(unsafe.SliceData(l.words)), uint32(len(l.words))
}
