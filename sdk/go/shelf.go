package offerd

import "sort"

// Entries in a new block: about the square root of a large round, so that walking blocks and
// walking one block cost the same.
const blockSize = 64

type entry struct {
	key float64
	at  uint32
}

func (one entry) isBefore(other entry) bool {
	return one.key < other.key || (one.key == other.key && one.at < other.at)
}

type block struct {
	// At least what any entry has left, resource by resource. Exact after a search that found
	// nothing here.
	most    Amounts
	entries []entry
}

func (most *Amounts) widen(left *Amounts) {
	most.Cpus = max(most.Cpus, left.Cpus)
	most.Mem = max(most.Mem, left.Mem)
	most.Disk = max(most.Disk, left.Disk)
	most.Gpus = max(most.Gpus, left.Gpus)
	most.Ports = max(most.Ports, left.Ports)
}

func (of *block) measure(left []Amounts) {
	of.most = Amounts{}
	for _, entry := range of.entries {
		of.most.widen(&left[entry.at])
	}
}

// The first entry that is not before this one.
func (of *block) find(wanted entry) int {
	low, high := 0, len(of.entries)
	for low < high {
		middle := (low + high) / 2
		if of.entries[middle].isBefore(wanted) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// shelf has offers in order of a key, in blocks that know the most that is left in them, so
// that a search skips what cannot fit.
type shelf struct {
	blocks []*block
}

func newShelf(entries []entry, sorted bool, left []Amounts) shelf {
	if !sorted {
		sort.Slice(entries, func(a, b int) bool { return entries[a].isBefore(entries[b]) })
	}
	var made shelf
	for begin := 0; begin < len(entries); begin += blockSize {
		part := entries[begin:min(begin+blockSize, len(entries))]
		one := &block{entries: append(make([]entry, 0, 2*blockSize+1), part...)}
		one.measure(left)
		made.blocks = append(made.blocks, one)
	}
	return made
}

// The first block whose last entry is not before this one.
func (of *shelf) find(wanted entry) int {
	low, high := 0, len(of.blocks)
	for low < high {
		middle := (low + high) / 2
		entries := of.blocks[middle].entries
		if entries[len(entries)-1].isBefore(wanted) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// search gives the position of the first offer with a key from low to high that has room and
// is good; -1 if there is none.
func (of *shelf) search(need *Amounts, low, high float64, left []Amounts, good func(at int) bool) int {
	first := entry{key: low}
	for index := of.find(first); index < len(of.blocks); index++ {
		one := of.blocks[index]
		if one.entries[0].key > high {
			break
		}
		if !one.most.Fits(need) {
			continue
		}
		for _, entry := range one.entries[one.find(first):] {
			if left[entry.at].Fits(need) && (good == nil || good(int(entry.at))) {
				return int(entry.at)
			}
		}
		one.measure(left)
	}
	return -1
}

func (of *shelf) insert(added entry, left *Amounts) {
	if len(of.blocks) == 0 {
		of.blocks = append(of.blocks, &block{most: *left, entries: []entry{added}})
		return
	}
	index := min(of.find(added), len(of.blocks)-1)
	one := of.blocks[index]
	place := one.find(added)
	one.entries = append(one.entries, entry{})
	copy(one.entries[place+1:], one.entries[place:])
	one.entries[place] = added
	one.most.widen(left)
	if len(one.entries) > 2*blockSize {
		rest := append(make([]entry, 0, 2*blockSize+1), one.entries[blockSize:]...)
		one.entries = one.entries[:blockSize]
		of.blocks = append(of.blocks, nil)
		copy(of.blocks[index+2:], of.blocks[index+1:])
		of.blocks[index+1] = &block{most: one.most, entries: rest}
	}
}

func (of *shelf) remove(gone entry) {
	index := of.find(gone)
	if index == len(of.blocks) {
		return
	}
	one := of.blocks[index]
	place := one.find(gone)
	if place == len(one.entries) || one.entries[place].at != gone.at {
		return
	}
	one.entries = append(one.entries[:place], one.entries[place+1:]...)
	// An empty block would stand in the way of the binary searches.
	if len(one.entries) == 0 {
		of.blocks = append(of.blocks[:index], of.blocks[index+1:]...)
	}
}
