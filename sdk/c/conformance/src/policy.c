// The conformance guest: a policy that uses all of the contract.
//
// It shows everything it is given and everything it can ask for, as reasons in JSON, or makes
// every decision, or does what no policy should, as its configuration says. The guests of all
// languages show the same; the suite in sdk/conformance compares them. Not a policy to use.

#include <stdlib.h>
#include <string.h>

#include "decisions.h"
#include "json.h"
#include "limits.h"

static char *config;
// Shown in the first round.
static char *remembered[8];
static size_t remembered_count;
// What is saved.
static contract_string_t kept;

// What is being shown.
static contract_string_t *seen;
static size_t seen_count, seen_room;

static json_t begin(const char *kind) {
    json_t text = {NULL, 0, 0};
    json_raw(&text, "[");
    json_text(&text, offerd_text(kind));
    return text;
}

static contract_string_t end(json_t *text) {
    json_raw(text, "]");
    return (contract_string_t){(uint8_t *)text->text, text->length};
}

static void show(contract_string_t text) {
    if (seen_count == seen_room) {
        contract_string_t *more = offerd_alloc((2 * seen_room + 64) * sizeof *more);
        if (seen_count > 0) {
            memcpy(more, seen, seen_count * sizeof *more);
        }
        seen = more;
        seen_room = 2 * seen_room + 64;
    }
    seen[seen_count++] = text;
}

static void show_numbers(const char *kind, const uint32_t *first, const uint32_t *numbers,
                         size_t count) {
    json_t text = begin(kind);
    if (first != NULL) {
        json_raw(&text, ",");
        json_number(&text, *first);
    }
    json_raw(&text, ",");
    json_numbers(&text, numbers, count);
    show(end(&text));
}

static void show_number(const char *kind, double number) {
    json_t text = begin(kind);
    json_raw(&text, ",");
    json_number(&text, number);
    show(end(&text));
}

// A record, or null.
#define SHOW(KIND, THERE, VALUE)                                                               \
    do {                                                                                       \
        json_t text = begin(KIND);                                                             \
        json_raw(&text, ",");                                                                  \
        if (THERE) {                                                                           \
            VALUE;                                                                             \
        } else {                                                                               \
            json_raw(&text, "null");                                                           \
        }                                                                                      \
        show(end(&text));                                                                      \
    } while (0)

static char *keep(contract_string_t text) {
    char *copy = calloc(1, text.len + 1);
    if (copy == NULL) {
        offerd_panic("no memory");
    }
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return copy;
}

/// Bytes that are too large to show: their number, and the number that they are as digits of
/// base 256, modulo a prime below 2^23.
static void weigh(json_t *to, contract_string_t bytes) {
    uint32_t sum = 0;
    for (size_t at = 0; at < bytes.len; at++) {
        sum = (sum * 256 + bytes.ptr[at]) % 8388593;
    }
    const uint32_t numbers[] = {(uint32_t)bytes.len, sum};
    json_numbers(to, numbers, 2);
}

/// Keeps what was shown for the first round.
static void remember(void) {
    for (size_t at = 0; at < seen_count; at++) {
        remembered[remembered_count++] = keep(seen[at]);
    }
    seen_count = seen_room = 0;
}

static bool has(const char *word) { return strstr(config, word) != NULL; }

offerd_description_t offerd_describe(void) {
    offerd_log(OFFERD_LOGGING_LEVEL_DEBUG, "describe");
    return (offerd_description_t){"conformance", "0.1.0", "Uses all of the contract"};
}

bool offerd_configure(offerd_config_t *settings) {
    contract_string_t written = offerd_config_text(settings);
    config = keep(written);
    kept = offerd_text("conformance");
    remembered_count = 0;
    if (has("refuse")) {
        return offerd_error("config %s: 'refuse' is not allowed; leave it out", config);
    }
    if (has("throw-configure")) {
        offerd_panic("conformance throws in configure");
    }
    seen_count = seen_room = 0;
    SHOW("config", true, has("weigh") ? weigh(&text, written) : json_text(&text, written));
    contract_list_string_t roles;
    offerd_cluster_roles(&roles);
    SHOW("roles", true, json_texts(&text, roles));
    offerd_cluster_framework_details_t framework;
    offerd_cluster_get_framework(&framework);
    SHOW("framework", true, json_framework(&text, &framework));
    offerd_cluster_limits_t limits;
    offerd_cluster_get_limits(&limits);
    SHOW("limits", true, json_limits(&text, &limits));
    show_number("now", offerd_clock_now());
    remember();
    return true;
}

bool offerd_restore(const offerd_snapshot_t *snapshot) {
    if (has("throw-restore")) {
        offerd_panic("conformance throws in restore");
    }
    if (snapshot->version != 1) {
        return offerd_error("layout %u is not 1", snapshot->version);
    }
    contract_string_t data = {(uint8_t *)snapshot->data, snapshot->size};
    seen_count = seen_room = 0;
    json_t text = begin("restored");
    json_raw(&text, ",1,");
    if (has("weigh")) {
        kept = (contract_string_t){(uint8_t *)keep(data), data.len};
        weigh(&text, data);
    } else {
        json_bytes(&text, (contract_list_u8_t){data.ptr, data.len});
    }
    show(end(&text));
    remember();
    return true;
}

bool offerd_save(offerd_snapshot_t *snapshot) {
    if (has("throw-save")) {
        offerd_panic("conformance throws in save");
    }
    if (has("save-fails")) {
        return offerd_error("nothing to save");
    }
    *snapshot = (offerd_snapshot_t){1, kept.ptr, kept.len};
    return true;
}

/// The round itself.
static void show_round(const offerd_round_t *round) {
    json_t head = begin("round");
    json_raw(&head, ",");
    json_number(&head, round->number);
    json_raw(&head, ",");
    json_number(&head, round->now);
    show(end(&head));
    for (size_t at = 0; at < round->offers.len; at++) {
        SHOW("offer", true, json_offer(&text, &round->offers.ptr[at]));
    }
    for (size_t at = 0; at < round->waiting.len; at++) {
        SHOW("waiting", true, json_waiting(&text, &round->waiting.ptr[at]));
    }
    for (size_t at = 0; at < round->updates.len; at++) {
        SHOW("update", true, json_update(&text, &round->updates.ptr[at]));
    }
    show_numbers("rescinded", NULL, round->rescinded.ptr, round->rescinded.len);
    for (size_t at = 0; at < round->events.len; at++) {
        SHOW("event", true, json_event(&text, &round->events.ptr[at]));
    }
}

static void show_handles(const char *kind, uint32_t of, offerd_cluster_list_task_t tasks) {
    uint32_t *handles = offerd_alloc(tasks.len * sizeof *handles);
    for (size_t at = 0; at < tasks.len; at++) {
        handles[at] = tasks.ptr[at].task;
    }
    show_numbers(kind, &of, handles, tasks.len);
}

static void ask_offer(const offerd_offer_t *offer) {
    const offerd_cluster_agent_details_t *agent = offerd_agent(offer->agent);
    SHOW("agent", agent != NULL, json_agent(&text, agent));
    offerd_cluster_offer_details_t details;
    bool is_there = offerd_cluster_get_offer(offer->offer, &details);
    SHOW("details", is_there, json_details(&text, &details));
    contract_string_t json;
    is_there = offerd_cluster_get_offer_json(offer->offer, &json);
    SHOW("json", is_there, json_text(&text, json));
    offerd_cluster_list_task_t tasks;
    offerd_cluster_tasks_on_agent(offer->agent, &tasks);
    show_handles("on_agent", offer->agent, tasks);
}

static void ask_column(const char *name) {
    contract_string_t resource = offerd_text(name);
    offerd_cluster_list_milli_t column;
    offerd_cluster_column(&resource, &column);
    json_t text = begin("column");
    json_raw(&text, ",");
    json_text(&text, resource);
    json_raw(&text, ",");
    json_millis(&text, column.ptr, column.len);
    show(end(&text));
}

static void ask_waiting(const offerd_waiting_t *set, contract_list_u32_t agents) {
    offerd_cluster_job_details_t job;
    bool is_there = offerd_cluster_get_job(set->job, &job);
    SHOW("job", is_there, json_job(&text, &job));
    offerd_cluster_list_task_t tasks;
    offerd_cluster_tasks_of_job(set->job, &tasks);
    show_handles("of_job", set->job, tasks);
    contract_list_u32_t allowed;
    offerd_cluster_allowed(set->set, &agents, &allowed);
    show_numbers("allowed", &set->set, allowed.ptr, allowed.len);
}

static void find(contract_string_t id) {
    uint32_t found;
    bool is_known = offerd_cluster_find_task(&id, &found);
    json_t text = begin("find");
    json_raw(&text, ",");
    json_text(&text, id);
    json_raw(&text, ",");
    if (is_known) {
        json_number(&text, found);
    } else {
        json_raw(&text, "null");
    }
    show(end(&text));
}

static void ask_update(const offerd_update_t *update) {
    offerd_task_t task;
    bool is_there = offerd_cluster_get_task(update->task, &task);
    SHOW("get_task", is_there, json_task(&text, &task));
    offerd_cluster_task_details_t details;
    is_there = offerd_cluster_get_task_details(update->task, &details);
    SHOW("task_details", is_there, json_task_details(&text, &details));
    if (is_there) {
        find(details.id);
    }
}

/// All that the host knows about what is in the round.
static void ask(const offerd_round_t *round) {
    show_number("clock", offerd_clock_now());
    show_number("random", offerd_random_next_u32());
    double part = offerd_random_next_f64();
    SHOW("random01", true, json_bool(&text, part >= 0 && part < 1));
    offerd_cluster_framework_details_t framework;
    offerd_cluster_get_framework(&framework);
    SHOW("framework", true, json_framework(&text, &framework));
    uint32_t *agents = offerd_alloc(round->offers.len * sizeof *agents);
    for (size_t at = 0; at < round->offers.len; at++) {
        agents[at] = round->offers.ptr[at].agent;
        ask_offer(&round->offers.ptr[at]);
    }
    ask_column("fpgas");
    ask_column("cpus");
    for (size_t at = 0; at < round->waiting.len; at++) {
        contract_list_u32_t list = {agents, round->offers.len};
        ask_waiting(&round->waiting.ptr[at], list);
    }
    offerd_cluster_list_task_t tasks;
    offerd_cluster_tasks(&tasks);
    for (size_t at = 0; at < tasks.len; at++) {
        SHOW("task", true, json_task(&text, &tasks.ptr[at]));
    }
    for (size_t at = 0; at < round->updates.len; at++) {
        ask_update(&round->updates.ptr[at]);
    }
    find(offerd_text("nobody"));
    offerd_cluster_list_operation_update_t operations;
    offerd_cluster_operations(&operations);
    for (size_t at = 0; at < operations.len; at++) {
        SHOW("operation", true, json_operation(&text, &operations.ptr[at]));
    }
}

static void report(const offerd_round_t *round) {
    static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
    for (uint8_t level = 0; level < 5; level++) {
        offerd_log(level, "round %u at %s", round->number, names[level]);
    }
    offerd_count("rounds", 1);
    offerd_gauge("offers", (double)round->offers.len);
}

/// What there is to see, as the reasons of the answer.
static void see(const offerd_round_t *round) {
    if (has("large-answer")) {
        char *text = offerd_alloc((1 << 20) + 1);
        memset(text, 'r', 1 << 20);
        for (int at = 0; at < 20; at++) {
            show(offerd_text(text));
        }
        return;
    }
    if (has("echo")) {
        SHOW("echo", true, json_text(&text, offerd_text(config)));
        return;
    }
    for (size_t at = 0; at < remembered_count; at++) {
        show(offerd_text(remembered[at]));
    }
    show_round(round);
    ask(round);
}

bool offerd_decide(const offerd_round_t *round, offerd_decisions_t *out) {
    if (has("throw-decide")) {
        offerd_panic("conformance throws in decide");
    }
    if (has("error-decide")) {
        return offerd_error("no decision in round %u", round->number);
    }
    report(round);
    if (has("decide-all")) {
        decide_all(out);
        return true;
    }
    test_limits(config);
    seen_count = seen_room = 0;
    see(round);
    remembered_count = 0;
    // Not by offerd_reason, which keeps the same sentence once.
    offerd_answer(out, (offerd_answer_t){.leftover = OFFERD_HOSTS_CHOICE,
                                         .reasons = {seen, seen_count}});
    return true;
}
