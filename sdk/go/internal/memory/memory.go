// Package memory gives the host memory for what it hands over.
package memory

import (
	"runtime"
	"unsafe"
)

// Allocate gives memory that stays where it is until the pinner lets go.
func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	pointer := take(size, align)
	if pointer != nil {
		pinner.Pin(pointer)
	}
	return pointer
}

func take(size, align uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	if align == 1 {
		return unsafe.Pointer(unsafe.SliceData(make([]uint8, size)))
	}
	// No type of the contract is aligned to more.
	return unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
}

// What the host was given since the last Unpin: kept, since only the host knows it. Texts
// point into it and keep it alive longer if need be.
var held []unsafe.Pointer

// Unpin says that what the host handed over is in Go's hands now.
func Unpin() {
	clear(held)
	held = held[:0]
}

func reallocate(size, align uintptr) unsafe.Pointer {
	pointer := take(size, align)
	held = append(held, pointer)
	return pointer
}
