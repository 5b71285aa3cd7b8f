// Unit tests: `go test ./...`.
package main

import (
	"slices"
	"testing"

	"offerd"
	"offerd/offerdtest"
)

func placed(t *testing.T, config string) [][2]uint32 {
	t.Helper()
	cluster := offerdtest.New("batch")
	for _, host := range []string{"one", "two"} {
		agent := cluster.Agent(host, nil)
		cluster.Offer(agent, "batch", offerd.AmountsOf(2, 1024))
	}
	needs := offerd.AmountsOf(1, 128)
	cluster.Wait(offerdtest.Job{Name: "job", Role: "batch", Needs: needs, Count: 3})
	if err := cluster.Configure(config); err != nil {
		t.Fatal(err)
	}
	answer, err := cluster.Decide()
	if err != nil {
		t.Fatal(err)
	}
	var pairs [][2]uint32
	for _, placement := range answer.Placements {
		pairs = append(pairs, [2]uint32{placement.Offer, placement.Count})
	}
	return pairs
}

func TestTheFirstOfferIsFilledFirst(t *testing.T) {
	if found := placed(t, "{}"); !slices.Equal(found, [][2]uint32{{0, 2}, {1, 1}}) {
		t.Error(found)
	}
}

func TestNoMoreThanAllowed(t *testing.T) {
	if found := placed(t, `{"most": 1}`); !slices.Equal(found, [][2]uint32{{0, 1}}) {
		t.Error(found)
	}
}
