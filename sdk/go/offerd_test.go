package offerd_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"offerd"
	gen "offerd/gen/offerd_policy_cluster"
	types "offerd/gen/offerd_policy_types"
	"offerd/offerdtest"
	"offerd/wit"
)

type decides func(round *offerd.Round, out *offerd.Answer) error

func (decide decides) Decide(round *offerd.Round, out *offerd.Answer) error {
	return decide(round, out)
}

// A cluster with a policy without settings.
func with(decide decides, roles ...string) *offerdtest.Cluster {
	describe := func() offerd.Description { return offerd.Description{Name: "p", Version: "1"} }
	create := func(struct{}) (offerd.Policy, error) { return decide, nil }
	cluster := offerdtest.NewFor(offerd.NewCalls(describe, struct{}{}, create), roles...)
	if err := cluster.Configure("{}"); err != nil {
		panic(err)
	}
	return cluster
}

func fill(order offerd.Order) decides {
	return func(round *offerd.Round, out *offerd.Answer) error {
		fitter := offerd.NewFitter(round, order)
		for at := range round.Waiting {
			set := &round.Waiting[at]
			for spot := range fitter.Fill(set) {
				out.Place(spot, set, spot.Count)
			}
		}
		return nil
	}
}

var job = offerdtest.Job{Name: "job", Role: "batch", Needs: offerd.AmountsOf(1, 128), Count: 3}

func two(cluster *offerdtest.Cluster) {
	for _, host := range []string{"one", "two"} {
		agent := cluster.Agent(host, map[string]string{"rack": host})
		cluster.Offer(agent, "batch", offerd.AmountsOf(2, 1024))
	}
}

func pairs(answer offerdtest.Answer) (found [][2]uint32) {
	for _, placement := range answer.Placements {
		found = append(found, [2]uint32{placement.Offer, placement.Count})
	}
	return found
}

func TestARoundIsDecidedAndCarriedOut(t *testing.T) {
	cluster := with(fill(offerd.Arrival()), "batch")
	two(cluster)
	cluster.Wait(job)
	answer, err := cluster.Decide()
	if err != nil || !slices.Equal(pairs(answer), [][2]uint32{{0, 2}, {1, 1}}) {
		t.Fatal(answer, err)
	}
	if len(cluster.Tasks()) != 3 || len(cluster.Offers()) != 0 {
		t.Error(cluster.Tasks(), cluster.Offers())
	}
	cluster.End(0, offerd.StateFinished)
	if update := cluster.Round().Updates[0]; update.Reason != offerd.None {
		t.Error(update)
	}
}

func TestConstraintsAreAskedForAndKept(t *testing.T) {
	cluster := with(fill(offerd.Arrival()), "batch")
	two(cluster)
	constrained := job
	constrained.Constrained = true
	cluster.Allow(cluster.Wait(constrained), 1, 1)
	answer, err := cluster.Decide()
	if err != nil || !slices.Equal(pairs(answer), [][2]uint32{{1, 1}}) {
		t.Error(answer, err)
	}
}

func TestOrdersGroupsAndWhatIsLeft(t *testing.T) {
	cluster := with(func(round *offerd.Round, out *offerd.Answer) error {
		set := &round.Waiting[0]
		weights := offerd.DefaultWeights
		for at, order := range []offerd.Order{offerd.Arrival(), offerd.Tightest(weights), offerd.Roomiest(weights)} {
			spot, _ := offerd.NewFitter(round, order).Next(set)
			if spot.At != []int{0, 1, 0}[at] {
				t.Error(at, spot)
			}
		}
		fitter := offerd.NewGroupedFitter(round, offerd.Tightest(weights), func(at int, _ *offerd.Offer) int64 {
			return []int64{0, -1, 0}[at]
		})
		spot, ok := fitter.Next(set)
		if !ok || spot.At != 2 || spot.Count != 2 {
			t.Error(spot, ok)
		}
		fitter.Take(spot, set, 1)
		if left := fitter.Left(2); left.Cpus != 1000 {
			t.Error(left)
		}
		if _, ok := fitter.NextIn(1, set); ok {
			t.Error("group 1 is empty")
		}
		spot, _ = fitter.NextWhere(set, func(offer *offerd.Offer) bool { return offer.Agent == 0 })
		if spot.At != 0 {
			t.Error(spot)
		}
		return nil
	}, "batch")
	for at, cpus := range []float64{4, 1, 2} {
		cluster.Offer(cluster.Agent(fmt.Sprint("h", at), nil), "batch", offerd.AmountsOf(cpus, 4096))
	}
	cluster.Wait(job)
	if _, err := cluster.Decide(); err != nil {
		t.Error(err)
	}
}

func TestManyOffersAndSetsNothingIsPlacedTwice(t *testing.T) {
	cluster := with(fill(offerd.Tightest(offerd.DefaultWeights)), "batch")
	for at := range 700 {
		agent := cluster.Agent(fmt.Sprint("h", at), nil)
		cluster.Offer(agent, "batch", offerd.AmountsOf(float64(1+at%7), float64(512*(1+at%5))))
	}
	for at := range 300 {
		needs := offerd.AmountsOf(0.5+float64(at%3), 256)
		cluster.Wait(offerdtest.Job{Name: fmt.Sprint("j", at), Role: "batch", Needs: needs, Count: uint32(1 + at%9)})
	}
	// Decide fails if the host would refuse a placement.
	answer, err := cluster.Decide()
	if err != nil || len(answer.Placements) < 300 {
		t.Error(len(answer.Placements), err)
	}
}

func TestWhatTheHostWouldRefuseIsRefused(t *testing.T) {
	cluster := with(func(_ *offerd.Round, out *offerd.Answer) error {
		out.PlaceOn(0, 0, 4)
		out.Decline(0, offerd.HostsChoice)
		out.Kill(9, offerd.HostsChoice)
		return nil
	}, "batch")
	two(cluster)
	cluster.Wait(job)
	_, err := cluster.Decide()
	for _, part := range []string{"no room", "only 3 wait", "is used already", "does not live"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %s", err, part)
		}
	}
}

func TestEveryDecisionHasItsForm(t *testing.T) {
	cluster := with(func(round *offerd.Round, out *offerd.Answer) error {
		out.Decline(1, 5).Because("b")
		out.Decline(1, 5).Because("a")
		disk := offerd.Scalar("disk", 0.1)
		disk.Disk = wit.Some(types.DiskInfo{Source: wit.Some(types.DiskSource{Id: wit.Some("s")})})
		disk = offerd.Persistent(offerd.ReservedFor(disk, "r", "me"), "v", "d")
		out.Accept(0).Reserve("x", disk).Create("", disk).Launch(offerd.JSON("{}")).Because("a")
		out.Timer(8, 9000)
		out.LeftoverFor(10)
		out.DeclineRest(11).Because("b")
		out.Record.Declines = out.Record.Declines[:1]
		return nil
	}, "batch")
	two(cluster)
	answer, err := cluster.Decide()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(answer.Reasons, []string{"b", "a"}) || answer.Declines[0].Reason != 1 {
		t.Error(answer.Reasons, answer.Declines)
	}
	accept := answer.Actions[0].Action.Accept()
	if len(accept.Operations) != 3 || accept.Operations[0].Reserve().Id.Some() != "x" {
		t.Error(accept)
	}
	volume := accept.Operations[1].Create().Resources[0]
	info := volume.Disk.Some()
	if volume.Value.Scalar() != 100 || info.Persistence.Some().Principal.Some() != "me" ||
		info.Source.Some().Id.Some() != "s" {
		t.Error(volume)
	}
	if answer.Actions[0].Reason != 2 || answer.Rest.Some().Reason != 1 || answer.Leftover != 10 {
		t.Error(answer)
	}
	if answer.Actions[1].Action.Timer() != (types.Timer{Number: 8, After: 9000}) {
		t.Error(answer.Actions[1])
	}
}

func TestAPanicIsWrittenToTheLog(t *testing.T) {
	cluster := with(func(*offerd.Round, *offerd.Answer) error { panic("odd thing") }, "batch")
	func() {
		defer func() { _ = recover() }()
		_, _ = cluster.Decide()
	}()
	log := strings.Join(cluster.Log(), "\n")
	if !strings.Contains(log, "error: decide: odd thing\n") || !strings.Contains(log, "offerd_test.go:") {
		t.Error(log)
	}
}

type settings struct {
	Most  uint32   `json:"most"`
	Name  string   `json:"name"`
	List  []string `json:"list"`
	Inner struct {
		On bool `json:"on"`
	} `json:"inner"`
}

func TestSettingsHaveTheTypesOfTheirDefaults(t *testing.T) {
	var found settings
	describe := func() offerd.Description { return offerd.Description{} }
	calls := offerd.NewCalls(describe, settings{Most: 10, Name: "a"}, func(read settings) (offerd.Policy, error) {
		found = read
		return nil, nil
	})
	configure := func(config string) string {
		if err := offerdtest.NewFor(calls, "batch").Configure(config); err != nil {
			return err.Error()
		}
		return ""
	}
	if why := configure(`{"most": 3, "inner": {"on": true}, "list": ["x"]}`); why != "" {
		t.Error(why)
	}
	if found.Most != 3 || found.Name != "a" || !found.Inner.On || found.List[0] != "x" {
		t.Error(found)
	}
	for config, expected := range map[string]string{
		`{"most": "3"}`:        `config.most: "3" is not a whole number from 0`,
		`{"most": -3}`:         `config.most: -3 is not a whole number from 0`,
		`{"inner": {"of": 1}}`: "config.inner.of: there is no such setting; known are `on`",
		`{"list": ["a", 1]}`:   `config.list[1]: 1 is not a string`,
		`{"list": 1}`:          `config.list: 1 is no list`,
		`{`:                    `the config is not JSON: {`,
	} {
		if why := configure(config); why != expected {
			t.Errorf("%s: %s", config, why)
		}
	}
}

func TestLargeSettingsAreRead(t *testing.T) {
	type large struct {
		Text  string
		List  []uint32
		Table map[string]uint32
	}
	var found large
	describe := func() offerd.Description { return offerd.Description{} }
	calls := offerd.NewCalls(describe, large{}, func(read large) (offerd.Policy, error) {
		found = read
		return nil, nil
	})
	expected := large{strings.Repeat("☃", 350_000), make([]uint32, 10_000), map[string]uint32{}}
	for at := range uint32(10_000) {
		expected.List[at] = at
		expected.Table[fmt.Sprint("n", at)] = at
	}
	list, _ := json.Marshal(expected.List)
	table, _ := json.Marshal(expected.Table)
	config := fmt.Sprintf(`{"text": "%s", "list": %s, "table": %s}`, expected.Text, list, table)
	if err := offerdtest.NewFor(calls, "batch").Configure(config); err != nil {
		t.Fatal(err)
	}
	if found.Text != expected.Text || !slices.Equal(found.List, expected.List) || !maps.Equal(found.Table, expected.Table) {
		t.Error(len(found.Text), len(found.List), len(found.Table))
	}
}

type counts struct{ count byte }

func (policy *counts) Decide(*offerd.Round, *offerd.Answer) error {
	policy.count++
	return nil
}

func (policy *counts) Save() (offerd.Snapshot, error) {
	return offerd.Snapshot{Version: 1, Data: []byte{policy.count}}, nil
}

func (policy *counts) Restore(snapshot offerd.Snapshot) error {
	policy.count = snapshot.Data[0]
	return nil
}

func TestStateGoesFromOneInstanceToTheNext(t *testing.T) {
	var latest *counts
	describe := func() offerd.Description { return offerd.Description{} }
	calls := offerd.NewCalls(describe, struct{}{}, func(struct{}) (offerd.Policy, error) {
		latest = &counts{}
		return latest, nil
	})
	cluster := offerdtest.NewFor(calls, "batch")
	if err := cluster.Configure("{}"); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Decide(); err != nil {
		t.Fatal(err)
	}
	first := latest
	if err := cluster.Restart("{}"); err != nil || latest == first || latest.count != 1 {
		t.Error(err, latest)
	}
}

func TestAgentsAreKeptForTenMinutesOnceTheyAreKnown(t *testing.T) {
	var seen []string
	cluster := with(func(*offerd.Round, *offerd.Answer) error {
		seen = append(seen, offerd.Agent(0).Hostname)
		return nil
	}, "batch")
	cluster.Agent("", nil)
	decide := func(hostname string) {
		cluster.Rename(0, hostname)
		if _, err := cluster.Decide(); err != nil {
			t.Fatal(err)
		}
	}
	decide("")
	decide("one")
	decide("two")
	cluster.Advance(600_000)
	decide("three")
	cluster.Tell(types.MakeEventSubscribed(types.Subscribed{}))
	decide("four")
	if !slices.Equal(seen, []string{"", "one", "one", "three", "four"}) {
		t.Error(seen)
	}
}

func TestTheStandInTellsWhatWasSet(t *testing.T) {
	var seen []string
	cluster := with(func(round *offerd.Round, _ *offerd.Answer) error {
		seen = append(seen, fmt.Sprint(offerd.Column("cpus"), offerd.Column("fpgas"), offerd.Column("other")))
		seen = append(seen, fmt.Sprint(round.Offers[0].Traits, len(offerd.GetOffer(0).Resources)))
		seen = append(seen, fmt.Sprint(len(offerd.Operations()), offerd.Operations()[0].State))
		agent := offerd.Agent(0)
		seen = append(seen, fmt.Sprintf("%s %d %g", agent.Zone.Some(), len(agent.Attributes), agent.Attributes[1].Value.Scalar()))
		return nil
	}, "batch")
	agent := cluster.Agent("one", map[string]string{"rack": "a", "disk": "ssd"})
	cluster.Zone(agent, "z")
	cluster.Attribute(agent, "disk", gen.MakeAttributeValueScalar(2500))
	offer := cluster.Offer(agent, "batch", offerd.AmountsOf(2, 1024))
	cluster.OfferColumn(offer, "fpgas", 3000)
	cluster.OfferTraits(offer, offerd.OfferNamed)
	cluster.OfferResources(offer, offerd.Scalar("fpgas", 3))
	cluster.Operation(offerd.OperationUpdate{State: offerd.OperationFinished})
	if _, err := cluster.Decide(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen, []string{"[2000] [3000] [0]", "65 1", "1 2", "z 2 2500"}) {
		t.Error(seen)
	}
}

func TestTheHostIsAskedAndWhereThereIsNoneThatIsTold(t *testing.T) {
	cluster := with(func(round *offerd.Round, _ *offerd.Answer) error {
		offerd.LogInfo("%s %v", offerd.Attribute(round.Offers[0].Agent, "rack"), offerd.Now() == round.Now)
		offerd.Gauge("drawn", float64(offerd.RandomBelow(3)))
		return nil
	}, "batch")
	two(cluster)
	if _, err := cluster.Decide(); err != nil || cluster.Log()[0] != "info: one true" || cluster.Metric("drawn") > 2 {
		t.Error(err, cluster.Log())
	}
	defer func() {
		if cause := recover(); !strings.Contains(fmt.Sprint(cause), "there is none here") {
			t.Error(cause)
		}
	}()
	offerd.Now()
}
