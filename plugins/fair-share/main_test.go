// What the policy decides, without a host.
package main

import (
	"strings"
	"testing"

	"offerd"
	"offerd/offerdtest"
)

func room(cpus, mem float64) offerd.Amounts {
	return offerd.Amounts{Cpus: offerd.Milli(cpus), Mem: offerd.Milli(mem)}
}

func job(name string, needs offerd.Amounts, count uint32) offerdtest.Job {
	return offerdtest.Job{Name: name, Role: "batch", Needs: needs, Count: count}
}

// A cluster of one agent; `running` and `waiting` jobs; how many tasks of each are placed.
func placed(t *testing.T, config string, of offerd.Amounts, running []offerdtest.Job, waiting ...offerdtest.Job) []uint32 {
	t.Helper()
	cluster := offerdtest.New("batch")
	agent := cluster.Agent("host", nil)
	cluster.Offer(agent, "batch", of)
	for _, job := range running {
		cluster.Run(job, agent)
	}
	for _, job := range waiting {
		cluster.Wait(job)
	}
	if err := cluster.Configure(config); err != nil {
		t.Fatal(err)
	}
	answer, err := cluster.Decide()
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]uint32, len(waiting))
	for _, placement := range answer.Placements {
		counts[placement.Set] += placement.Count
	}
	return counts
}

func expect(t *testing.T, found []uint32, expected ...uint32) {
	t.Helper()
	for at := range expected {
		if found[at] != expected[at] {
			t.Errorf("%v, not %v", found, expected)
			return
		}
	}
}

// The example of the paper: 9 CPUs and 18 GB; one job's tasks need 1 CPU and 4 GB, the
// other's 3 CPUs and 1 GB. Fair is three tasks of the first and two of the second.
func TestDominantSharesAreEqual(t *testing.T) {
	found := placed(t, "{}", room(9, 18), nil, job("a", room(1, 4), 100), job("b", room(3, 1), 100))
	expect(t, found, 3, 2)
}

func TestWeightsCount(t *testing.T) {
	config := `{"weights": ["b = 3"]}`
	found := placed(t, config, room(8, 800), nil, job("a", room(1, 1), 100), job("b", room(1, 1), 100))
	expect(t, found, 2, 6)
}

func TestWhatRunsCounts(t *testing.T) {
	running := []offerdtest.Job{job("a", room(1, 1), 4)}
	found := placed(t, "{}", room(4, 400), running, job("a", room(1, 1), 100), job("b", room(1, 1), 100))
	expect(t, found, 0, 4)
}

func TestNothingIsLeftIdle(t *testing.T) {
	// The second one's tasks do not fit: the first gets all.
	found := placed(t, "{}", room(4, 400), nil, job("a", room(1, 1), 100), job("b", room(9, 1), 100))
	expect(t, found, 4, 0)
	// It has only one task.
	found = placed(t, "{}", room(4, 400), nil, job("a", room(1, 1), 100), job("b", room(1, 1), 1))
	expect(t, found, 3, 1)
}

func TestAWrongWeightIsNamed(t *testing.T) {
	for _, weight := range []string{"a", "a=0", "a=x", "a=-1"} {
		err := offerdtest.New("batch").Configure(`{"weights": ["b=1", "` + weight + `"]}`)
		if err == nil || !strings.HasPrefix(err.Error(), `config.weights[1]: "`+weight+`" is no weight; write NAME=NUMBER`) {
			t.Error(err)
		}
	}
}
