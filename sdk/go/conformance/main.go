// The conformance guest: a policy that uses all of the contract.
//
// It shows everything it is given and everything it can ask for, as reasons in JSON, or makes
// every decision, or does what no policy should, as its configuration says. The guests of all
// languages show the same; the suite in sdk/conformance compares them. Not a policy to use.
package main

import (
	"slices"
	"strings"

	"offerd"
	_ "offerd/gen/stateful_policy"
)

type conformance struct {
	config string
	// Shown in the first round.
	remembered []string
	// What is saved.
	kept []byte
}

func weighs(config string) bool { return strings.Contains(config, "weigh") }

func create(config string) (offerd.Policy, error) {
	if strings.Contains(config, "refuse") {
		return nil, offerd.Errorf("config %s: 'refuse' is not allowed; leave it out", config)
	}
	if strings.Contains(config, "throw-configure") {
		panic("conformance throws in configure")
	}
	shown := any(config)
	if weighs(config) {
		shown = weighed(config)
	}
	remembered := []string{
		text("config", shown),
		text("roles", offerd.Roles()),
		text("framework", offerd.GetFramework()),
		text("limits", offerd.GetLimits()),
		text("now", offerd.Now()),
	}
	return &conformance{config, remembered, []byte("conformance")}, nil
}

func (policy *conformance) Restore(snapshot offerd.Snapshot) error {
	if strings.Contains(policy.config, "throw-restore") {
		panic("conformance throws in restore")
	}
	if snapshot.Version != 1 {
		return offerd.Errorf("layout %d is not 1", snapshot.Version)
	}
	shown := any(snapshot.Data)
	if weighs(policy.config) {
		policy.kept = snapshot.Data
		shown = weighed(snapshot.Data)
	}
	policy.remembered = append(policy.remembered, text("restored", snapshot.Version, shown))
	return nil
}

func (policy *conformance) Save() (offerd.Snapshot, error) {
	if strings.Contains(policy.config, "throw-save") {
		panic("conformance throws in save")
	}
	if strings.Contains(policy.config, "save-fails") {
		return offerd.Snapshot{}, offerd.Errorf("nothing to save")
	}
	return offerd.Snapshot{Version: 1, Data: policy.kept}, nil
}

func (policy *conformance) Decide(round *offerd.Round, out *offerd.Answer) error {
	if strings.Contains(policy.config, "throw-decide") {
		panic("conformance throws in decide")
	}
	if strings.Contains(policy.config, "error-decide") {
		return offerd.Errorf("no decision in round %d", round.Number)
	}
	for level, name := range []string{"trace", "debug", "info", "warn", "error"} {
		offerd.Log(uint8(level), "round %d at %s", round.Number, name)
	}
	offerd.Count("rounds", 1)
	offerd.Gauge("offers", float64(len(round.Offers)))
	if strings.Contains(policy.config, "decide-all") {
		decideAll(out)
		return nil
	}
	testLimits(policy.config)
	// Not by Because, which keeps the same sentence once.
	out.Record.Reasons = policy.seen(round)
	policy.remembered = nil
	return nil
}

// What there is to see, as the reasons of the answer.
func (policy *conformance) seen(round *offerd.Round) []string {
	if strings.Contains(policy.config, "large-answer") {
		return slices.Repeat([]string{strings.Repeat("r", 1<<20)}, 20)
	}
	if strings.Contains(policy.config, "echo") {
		return []string{text("echo", policy.config)}
	}
	return slices.Concat(policy.remembered, shown(round), asked(round))
}

// The round itself.
func shown(round *offerd.Round) []string {
	seen := []string{text("round", round.Number, round.Now)}
	for _, offer := range round.Offers {
		seen = append(seen, text("offer", offer))
	}
	for _, waiting := range round.Waiting {
		seen = append(seen, text("waiting", waiting))
	}
	for _, update := range round.Updates {
		seen = append(seen, text("update", update))
	}
	seen = append(seen, text("rescinded", round.Rescinded))
	for _, event := range round.Events {
		seen = append(seen, text("event", event))
	}
	return seen
}

func handles(tasks []offerd.Task) []uint32 {
	list := make([]uint32, len(tasks))
	for at, task := range tasks {
		list[at] = task.Task
	}
	return list
}

// All that the host knows about what is in the round.
func asked(round *offerd.Round) []string {
	var seen []string
	see := func(values ...any) { seen = append(seen, text(values...)) }
	see("clock", offerd.Now())
	see("random", offerd.RandomU32())
	part := offerd.RandomF64()
	see("random01", part >= 0 && part < 1)
	see("framework", offerd.GetFramework())
	agents := make([]uint32, len(round.Offers))
	for at, offer := range round.Offers {
		agents[at] = offer.Agent
		see("agent", offerd.Agent(offer.Agent))
		see("details", offerd.GetOffer(offer.Offer))
		if json, ok := offerd.OfferJSON(offer.Offer); ok {
			see("json", json)
		} else {
			see("json", nil)
		}
		see("on_agent", offer.Agent, handles(offerd.TasksOnAgent(offer.Agent)))
	}
	for _, name := range []string{"fpgas", "cpus"} {
		see("column", name, offerd.Column(name))
	}
	for _, waiting := range round.Waiting {
		see("job", offerd.Job(waiting.Job))
		see("of_job", waiting.Job, handles(offerd.TasksOfJob(waiting.Job)))
		see("allowed", waiting.Set, offerd.Allowed(waiting.Set, agents))
	}
	for _, task := range offerd.Tasks() {
		see("task", task)
	}
	for _, update := range round.Updates {
		if task, ok := offerd.GetTask(update.Task); ok {
			see("get_task", task)
		} else {
			see("get_task", nil)
		}
		details := offerd.GetTaskDetails(update.Task)
		see("task_details", details)
		if details != nil {
			seen = append(seen, found(details.Id))
		}
	}
	seen = append(seen, found("nobody"))
	for _, operation := range offerd.Operations() {
		see("operation", operation)
	}
	return seen
}

func found(id string) string {
	if task, ok := offerd.FindTask(id); ok {
		return text("find", id, task)
	}
	return text("find", id, nil)
}

func describe() offerd.Description {
	offerd.LogDebug("describe")
	return offerd.Description{
		Name:    "conformance",
		Version: "0.1.0",
		Summary: "Uses all of the contract",
	}
}

func init() { offerd.ExportDescribed(describe, "", create) }

func main() {}
