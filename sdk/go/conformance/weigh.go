package main

// Below 2^23, so that no step of the sum needs more than 31 bits.
const prime = 8_388_593

// What is shown of a text or of bytes that are too large to show: their number, and the number
// that they are as digits of base 256, modulo a prime.
func weighed[Data string | []byte](data Data) []uint32 {
	sum := uint32(0)
	for at := range len(data) {
		sum = (sum*256 + uint32(data[at])) % prime
	}
	return []uint32{uint32(len(data)), sum}
}
