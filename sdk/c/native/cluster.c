// The test cluster: made by hand, shown to the policy round by round.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

static int checks, failures;
static char *error;
// While a call goes on, memory of the test; between calls, memory of the last one: its answer
// lives until the next.
static offerd_arena_t other;

void offerd_test_check(bool holds, const char *file, int line, const char *what) {
    checks++;
    if (!holds) {
        fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
        failures++;
    }
}

int offerd_test_result(void) {
    printf("%d checks, %d failed\n", checks, failures);
    return failures > 0;
}

static void empty(offerd_items_t *list, size_t size) {
    free(list->items);
    *list = (offerd_items_t){.size = size};
}

static char *copy(const char *text) { return text == NULL ? NULL : strdup(text); }

void offerd_test_begin(const char *roles) {
    struct offerd_test *test = &offerd_test;
    test->now = 1700000000000.0;
    test->seed = 1;
    test->rounds = test->next_offer = test->next_set = 0;
    empty(&test->roles, sizeof(const char *));
    empty(&test->agents, sizeof(offerd_test_agent_t));
    empty(&test->attributes, sizeof(offerd_test_attribute_t));
    empty(&test->offers, sizeof(offerd_offer_t));
    empty(&test->columns, sizeof(offerd_test_column_t));
    empty(&test->resources, sizeof(offerd_test_resources_t));
    empty(&test->operations, sizeof(offerd_operation_update_t));
    empty(&test->jobs, sizeof(offerd_test_job_t));
    empty(&test->waiting, sizeof(offerd_waiting_t));
    empty(&test->allowed, sizeof(offerd_test_allowed_t));
    empty(&test->tasks, sizeof(offerd_task_t));
    empty(&test->launched, sizeof(uint32_t));
    empty(&test->updates, sizeof(offerd_update_t));
    empty(&test->rescinded, sizeof(uint32_t));
    empty(&test->events, sizeof(offerd_event_t));
    empty(&test->numbers, sizeof(offerd_test_number_t));
    empty(&test->log, sizeof(char));
    offerd_arena_reset(&offerd_call);
    char *names = strdup(roles);
    for (char *name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
        char *role = strdup(name);
        offerd_items_add(&test->roles, &role);
    }
    free(names);
}

static uint32_t role_of(const char *name) {
    for (size_t at = 0; at < offerd_test.roles.count; at++) {
        if (strcmp(*OFFERD_ITEM(const char *, offerd_test.roles, at), name) == 0) {
            return (uint32_t)at;
        }
    }
    fprintf(stderr, "the test cluster has no role %s\n", name);
    exit(1);
}

uint32_t offerd_test_agent(const char *hostname, const char *attributes) {
    offerd_test_agent_t agent = {.hostname = offerd_text(copy(hostname))};
    offerd_items_add(&offerd_test.agents, &agent);
    uint32_t handle = (uint32_t)offerd_test.agents.count - 1;
    offerd_text_attributes(handle, attributes);
    return handle;
}

uint32_t offerd_test_offer(uint32_t agent, const char *role, offerd_amounts_t amounts) {
    offerd_offer_t offer = {
        .offer = offerd_test.next_offer++,
        .agent = agent,
        .role = role_of(role),
        .ports = (uint32_t)amounts.ports,
        .cpus = amounts.cpus,
        .mem = amounts.mem,
        .disk = amounts.disk,
        .gpus = amounts.gpus,
        .traits = OFFERD_OFFER_FRESH,
        .since = offerd_test.now,
    };
    offerd_items_add(&offerd_test.offers, &offer);
    return offer.offer;
}

static void drop_offer(uint32_t handle) {
    for (size_t at = 0; at < offerd_test.offers.count; at++) {
        if (OFFERD_ITEM(offerd_offer_t, offerd_test.offers, at)->offer == handle) {
            offerd_items_remove(&offerd_test.offers, at);
            return;
        }
    }
}

void offerd_test_rescind(uint32_t offer) {
    drop_offer(offer);
    offerd_items_add(&offerd_test.rescinded, &offer);
}

static uint32_t job_of(offerd_test_job_t job) {
    for (size_t at = 0; at < offerd_test.jobs.count; at++) {
        if (strcmp(OFFERD_ITEM(offerd_test_job_t, offerd_test.jobs, at)->name, job.name) == 0) {
            return (uint32_t)at;
        }
    }
    job.name = copy(job.name);
    job.role = copy(job.role);
    offerd_items_add(&offerd_test.jobs, &job);
    return (uint32_t)offerd_test.jobs.count - 1;
}

uint32_t offerd_test_wait(offerd_test_job_t job) {
    offerd_waiting_t set = {
        .set = offerd_test.next_set++,
        .job = job_of(job),
        .role = role_of(job.role),
        .count = job.count,
        .cpus = job.needs.cpus,
        .mem = job.needs.mem,
        .disk = job.needs.disk,
        .gpus = job.needs.gpus,
        .ports = (uint32_t)job.needs.ports,
        .priority = job.priority,
        .traits = (job.is_constrained ? OFFERD_WAITING_CONSTRAINED : 0u) |
                  (job.is_service ? OFFERD_WAITING_SERVICE : 0u),
        .since = offerd_test.now,
    };
    // As the host does: larger priority first, then older first.
    offerd_items_t *waiting = &offerd_test.waiting;
    offerd_items_add(waiting, &set);
    size_t at = waiting->count - 1;
    for (; at > 0; at--) {
        offerd_waiting_t *before = OFFERD_ITEM(offerd_waiting_t, *waiting, at - 1);
        if (before->priority >= set.priority) {
            break;
        }
        before[1] = before[0];
    }
    *OFFERD_ITEM(offerd_waiting_t, *waiting, at) = set;
    return set.set;
}

void offerd_test_allow(uint32_t set, uint32_t agent, uint32_t count) {
    offerd_test_allowed_t allowed = {set, agent, count};
    offerd_items_add(&offerd_test.allowed, &allowed);
}

static uint32_t launch(uint32_t job, uint32_t agent, uint32_t role, offerd_amounts_t needs) {
    const offerd_test_job_t *known = OFFERD_ITEM(offerd_test_job_t, offerd_test.jobs, job);
    offerd_task_t task = {
        .task = (uint32_t)offerd_test.launched.count,
        .job = job,
        .agent = agent,
        .role = role,
        .state = OFFERD_TASK_RUNNING,
        .priority = known->priority,
        .traits = known->is_service ? OFFERD_TASK_SERVICE : 0u,
        .ports = (uint32_t)needs.ports,
        .cpus = needs.cpus,
        .mem = needs.mem,
        .disk = needs.disk,
        .gpus = needs.gpus,
        .since = offerd_test.now,
    };
    offerd_items_add(&offerd_test.launched, &job);
    offerd_items_add(&offerd_test.tasks, &task);
    return task.task;
}

uint32_t offerd_test_run(offerd_test_job_t job, uint32_t agent) {
    return launch(job_of(job), agent, role_of(job.role), job.needs);
}

void offerd_test_end(uint32_t handle, uint32_t state) {
    for (size_t at = 0; at < offerd_test.tasks.count; at++) {
        offerd_task_t task = *OFFERD_ITEM(offerd_task_t, offerd_test.tasks, at);
        if (task.task != handle) {
            continue;
        }
        offerd_update_t update = {
            .task = handle,
            .job = task.job,
            .agent = task.agent,
            .state = state,
            .reason = OFFERD_NONE,
            .source = OFFERD_NONE,
            .traits = OFFERD_UPDATE_TERMINAL,
            .at = offerd_test.now,
        };
        offerd_items_remove(&offerd_test.tasks, at);
        offerd_items_add(&offerd_test.updates, &update);
        return;
    }
    fprintf(stderr, "task %u does not run\n", handle);
    exit(1);
}

void offerd_test_event(offerd_event_t event) { offerd_items_add(&offerd_test.events, &event); }

void offerd_test_advance(double milliseconds) { offerd_test.now += milliseconds; }

const char *offerd_test_error(void) { return error == NULL ? "" : error; }

static void swap_memory(void) {
    offerd_arena_t now = offerd_call;
    offerd_call = other;
    other = now;
}

void offerd_begin_call(void) {
    offerd_arena_reset(&other);
    swap_memory();
}

bool offerd_end_call(bool is_done) {
    if (!is_done) {
        free(error);
        error = strdup(offerd_cstr(offerd_error_said()));
    }
    swap_memory();
    return is_done;
}

bool offerd_test_configure(const char *config) {
    offerd_begin_call();
    contract_string_t why;
    return offerd_end_call(offerd_call_configure(offerd_text(config), &why));
}

static void place(const offerd_placement_t *placement, const offerd_round_t *round) {
    uint32_t agent = 0;
    for (size_t at = 0; at < round->offers.len; at++) {
        if (round->offers.ptr[at].offer == placement->offer) {
            agent = round->offers.ptr[at].agent;
        }
    }
    for (size_t at = 0; at < offerd_test.waiting.count; at++) {
        offerd_waiting_t *set = OFFERD_ITEM(offerd_waiting_t, offerd_test.waiting, at);
        if (set->set != placement->set) {
            continue;
        }
        for (uint32_t task = 0; task < placement->count; task++) {
            launch(set->job, agent, set->role, offerd_needs(set));
        }
        set->count -= placement->count;
        if (set->count == 0) {
            offerd_items_remove(&offerd_test.waiting, at);
        }
        break;
    }
    for (size_t at = 0; at < offerd_test.allowed.count; at++) {
        offerd_test_allowed_t *allowed = OFFERD_ITEM(offerd_test_allowed_t, offerd_test.allowed, at);
        if (allowed->set == placement->set && allowed->agent == agent &&
            allowed->count != OFFERD_NONE) {
            allowed->count -= placement->count < allowed->count ? placement->count : allowed->count;
        }
    }
}

static void carry_out(const offerd_round_t *round, const offerd_answer_t *answer) {
    for (size_t at = 0; at < answer->kills.len; at++) {
        offerd_test_end(answer->kills.ptr[at].task, OFFERD_TASK_KILLED);
    }
    for (size_t at = 0; at < answer->placements.len; at++) {
        place(&answer->placements.ptr[at], round);
        drop_offer(answer->placements.ptr[at].offer);
    }
    for (size_t at = 0; at < answer->declines.len; at++) {
        drop_offer(answer->declines.ptr[at].offer);
    }
    for (size_t at = 0; at < answer->actions.len; at++) {
        const offerd_action_t *action = &answer->actions.ptr[at].action;
        for (size_t offer = 0;
             action->tag == OFFERD_ACTION_ACCEPT && offer < action->val.accept.offers.len;
             offer++) {
            drop_offer(action->val.accept.offers.ptr[offer]);
        }
    }
    if (answer->rest.is_some) {
        offerd_test.offers.count = 0;
    }
    for (size_t at = 0; at < offerd_test.offers.count; at++) {
        OFFERD_ITEM(offerd_offer_t, offerd_test.offers, at)->traits &= ~(uint32_t)OFFERD_OFFER_FRESH;
    }
}

// A copy in memory of the call: carrying out the answer changes the lists.
static void *shown(const offerd_items_t *list) {
    void *made = offerd_alloc(list->count * list->size);
    if (list->count > 0) {
        memcpy(made, list->items, list->count * list->size);
    }
    return made;
}

static const offerd_answer_t *decide(void) {
    struct offerd_test *test = &offerd_test;
    offerd_round_t round = {
        .number = test->rounds + 1,
        .now = test->now,
        .offers = {shown(&test->offers), test->offers.count},
        .waiting = {shown(&test->waiting), test->waiting.count},
        .updates = {shown(&test->updates), test->updates.count},
        .rescinded = {shown(&test->rescinded), test->rescinded.count},
        .events = {shown(&test->events), test->events.count},
    };
    offerd_answer_t *answer = offerd_alloc(sizeof *answer);
    contract_string_t why;
    if (!offerd_call_decide(&round, answer, &why)) {
        return NULL;
    }
    const char *wrong = offerd_violations(&round, answer);
    if (wrong != NULL) {
        offerd_error("the host would refuse: %s", wrong);
        return NULL;
    }
    test->rounds++;
    test->updates.count = test->rescinded.count = test->events.count = 0;
    carry_out(&round, answer);
    return answer;
}

const offerd_answer_t *offerd_test_decide(void) {
    offerd_begin_call();
    const offerd_answer_t *answer = decide();
    offerd_end_call(answer != NULL);
    return answer;
}

const char *offerd_test_log(void) {
    const char end = '\0';
    offerd_items_add(&offerd_test.log, &end);
    offerd_test.log.count--;
    return offerd_test.log.items;
}

double offerd_test_metric(const char *name) {
    for (size_t at = 0; at < offerd_test.numbers.count; at++) {
        const offerd_test_number_t *known =
            OFFERD_ITEM(offerd_test_number_t, offerd_test.numbers, at);
        if (strcmp(known->name, name) == 0) {
            return known->value;
        }
    }
    return 0;
}

size_t offerd_test_tasks(void) { return offerd_test.tasks.count; }

size_t offerd_test_offers(void) { return offerd_test.offers.count; }
