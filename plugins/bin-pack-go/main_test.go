// What the policy decides, without a host.
package main

import (
	"slices"
	"testing"

	"offerd"
	"offerd/offerdtest"
)

func room(cpus, mem float64) offerd.Amounts {
	return offerd.Amounts{Cpus: offerd.Milli(cpus), Mem: offerd.Milli(mem)}
}

// placed gives offer and number of tasks, placement by placement.
func placed(t *testing.T, config string, offers []offerd.Amounts, needs offerd.Amounts, count uint32) [][2]uint32 {
	t.Helper()
	cluster := offerdtest.New("batch")
	for _, amounts := range offers {
		cluster.Offer(cluster.Agent("host", nil), "batch", amounts)
	}
	cluster.Wait(offerdtest.Job{Name: "job", Role: "batch", Needs: needs, Count: count})
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

func TestTheTightestFirstAndThenTheNext(t *testing.T) {
	offers := []offerd.Amounts{room(8, 8192), room(2, 2048), room(4, 4096)}
	found := placed(t, "{}", offers, room(1, 64), 7)
	if !slices.Equal(found, [][2]uint32{{1, 2}, {2, 4}, {0, 1}}) {
		t.Error(found)
	}
}

func TestWeightsDecideWhichResourceIsScarce(t *testing.T) {
	offers := []offerd.Amounts{room(8, 100), room(2, 9000)}
	for config, expected := range map[string]uint32{
		`{"weights": {"mem": 0}}`:  1,
		`{"weights": {"cpus": 0}}`: 0,
	} {
		found := placed(t, config, offers, room(1, 10), 1)
		if !slices.Equal(found, [][2]uint32{{expected, 1}}) {
			t.Error(config, found)
		}
	}
}

func TestTasksWithoutGpusLeaveGpusFree(t *testing.T) {
	offers := []offerd.Amounts{room(2, 2048), room(4, 4096)}
	offers[0].Gpus = 1000
	if found := placed(t, "{}", offers, room(1, 64), 1); !slices.Equal(found, [][2]uint32{{1, 1}}) {
		t.Error(found)
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for config, expected := range map[string]string{
		`{"weights": {"cpus": -1}}`:  "config.weights.cpus: -1 is no weight; it must be from 0 to 1000000",
		`{"wieghts": {}}`:            "config.wieghts: there is no such setting; known are `weights`",
		`{"weights": {"mem": "2"}}`:  `config.weights.mem: "2" is not a number`,
		`{"weights": 3}`:             "config.weights: 3 is no table",
		`{"weights": {"mem": null}}`: "config.weights.mem: null is not a number",
	} {
		err := offerdtest.New("batch").Configure(config)
		if err == nil || err.Error() != expected {
			t.Errorf("%s: %v", config, err)
		}
	}
}
