package main

import (
	"strings"

	"offerd"
)

// What no policy should do, if the configuration asks for it; the host ends it, in whatever
// language.
func testLimits(config string) {
	if strings.Contains(config, "loop-decide") {
		for offerd.Now() > 0 {
		}
	}
	if strings.Contains(config, "bomb-decide") {
		var kept [][]byte
		for {
			kept = append(kept, make([]byte, 1<<20))
		}
	}
	if strings.Contains(config, "recurse-decide") {
		dig(1)
	}
}

func dig(depth int) int { return dig(depth+1) + 1 }
