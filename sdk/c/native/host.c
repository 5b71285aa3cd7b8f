// The functions that a policy calls, answered from the test cluster.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

struct offerd_test offerd_test;

void *offerd_items_add(offerd_items_t *list, const void *item) {
    if (list->count == list->room) {
        list->room = 2 * list->room + 16;
        list->items = realloc(list->items, list->room * list->size);
        if (list->items == NULL) {
            fprintf(stderr, "no memory for the test cluster\n");
            exit(1);
        }
    }
    void *place = (char *)list->items + list->count++ * list->size;
    memcpy(place, item, list->size);
    return place;
}

void offerd_items_remove(offerd_items_t *list, size_t at) {
    char *place = (char *)list->items + at * list->size;
    list->count--;
    memmove(place, place + list->size, (list->count - at) * list->size);
}

static const char *const levels[] = {"trace", "debug", "info", "warn", "error"};

static void append(const char *text, size_t length) {
    for (size_t at = 0; at < length; at++) {
        offerd_items_add(&offerd_test.log, &text[at]);
    }
}

void offerd_logging_log(offerd_logging_level_t level, contract_string_t *message) {
    append(levels[level], strlen(levels[level]));
    append(": ", 2);
    append((const char *)message->ptr, message->len);
    append("\n", 1);
    if (level == OFFERD_LOGGING_LEVEL_ERROR) {
        fprintf(stderr, "the policy says: %.*s\n", (int)message->len, (char *)message->ptr);
    }
}

bool offerd_logging_enabled(offerd_logging_level_t level) {
    (void)level;
    return true;
}

double offerd_clock_now(void) { return offerd_test.now; }

uint32_t offerd_random_next_u32(void) {
    // Numerical Recipes' generator: the same numbers in each run.
    offerd_test.seed = offerd_test.seed * 1664525u + 1013904223u;
    return offerd_test.seed;
}

double offerd_random_next_f64(void) { return offerd_random_next_u32() / 4294967296.0; }

static double *number(contract_string_t *name) {
    offerd_items_t *numbers = &offerd_test.numbers;
    for (size_t at = 0; at < numbers->count; at++) {
        offerd_test_number_t *known = OFFERD_ITEM(offerd_test_number_t, *numbers, at);
        if (offerd_text_is(*name, known->name)) {
            return &known->value;
        }
    }
    offerd_test_number_t fresh = {strdup(offerd_cstr(*name)), 0};
    offerd_test_number_t *added = offerd_items_add(numbers, &fresh);
    return &added->value;
}

void offerd_metrics_count(contract_string_t *name, double amount) { *number(name) += amount; }

void offerd_metrics_gauge(contract_string_t *name, double value) { *number(name) = value; }

void offerd_cluster_roles(contract_list_string_t *ret) {
    size_t count = offerd_test.roles.count;
    ret->ptr = offerd_alloc(count * sizeof *ret->ptr);
    ret->len = count;
    for (size_t at = 0; at < count; at++) {
        ret->ptr[at] = offerd_text(*OFFERD_ITEM(const char *, offerd_test.roles, at));
    }
}

void offerd_cluster_get_framework(offerd_cluster_framework_details_t *ret) {
    *ret = (offerd_cluster_framework_details_t){
        .id = {true, offerd_text("framework-1")},
        .name = offerd_text("test"),
        .user = offerd_text("root"),
    };
}

void offerd_cluster_get_limits(offerd_cluster_limits_t *ret) {
    *ret = (offerd_cluster_limits_t){1000, 256 * 1024 * 1024, 30000, 10000, 10000, 100};
}

static offerd_cluster_list_attribute_t attributes(uint32_t agent) {
    size_t count = offerd_test.attributes.count;
    offerd_cluster_list_attribute_t list = {offerd_alloc(count * sizeof *list.ptr), 0};
    for (size_t at = 0; at < count; at++) {
        const offerd_test_attribute_t *known =
            OFFERD_ITEM(offerd_test_attribute_t, offerd_test.attributes, at);
        if (known->agent == agent) {
            list.ptr[list.len++] = known->attribute;
        }
    }
    return list;
}

bool offerd_cluster_get_agent(uint32_t agent, offerd_cluster_agent_details_t *ret) {
    if (agent >= offerd_test.agents.count) {
        return false;
    }
    const offerd_test_agent_t *known = OFFERD_ITEM(offerd_test_agent_t, offerd_test.agents, agent);
    *ret = (offerd_cluster_agent_details_t){
        .id = offerd_format("agent-%u", agent),
        .hostname = known->hostname,
        .region = {known->zone.is_some, offerd_text("region")},
        .zone = known->zone,
        .attributes = attributes(agent),
    };
    return true;
}

static const offerd_offer_t *find_offer(uint32_t handle) {
    for (size_t at = 0; at < offerd_test.offers.count; at++) {
        const offerd_offer_t *offer = OFFERD_ITEM(offerd_offer_t, offerd_test.offers, at);
        if (offer->offer == handle) {
            return offer;
        }
    }
    return NULL;
}

static offerd_cluster_list_mesos_resource_t resources(const offerd_offer_t *offer) {
    for (size_t at = offerd_test.resources.count; at > 0; at--) {
        const offerd_test_resources_t *set =
            OFFERD_ITEM(offerd_test_resources_t, offerd_test.resources, at - 1);
        if (set->offer == offer->offer) {
            return set->list;
        }
    }
    offerd_mesos_resource_t *made = offerd_alloc(4 * sizeof *made);
    made[0] = offerd_scalar("cpus", offer->cpus / 1000);
    made[1] = offerd_scalar("mem", offer->mem / 1000);
    made[2] = offerd_scalar("disk", offer->disk / 1000);
    made[3] = offerd_scalar("gpus", offer->gpus / 1000);
    return (offerd_cluster_list_mesos_resource_t){made, 4};
}

bool offerd_cluster_get_offer(uint32_t handle, offerd_cluster_offer_details_t *ret) {
    const offerd_offer_t *offer = find_offer(handle);
    if (offer == NULL) {
        return false;
    }
    *ret = (offerd_cluster_offer_details_t){
        .id = offerd_format("offer-%u", handle),
        .resources = resources(offer),
    };
    return true;
}

bool offerd_cluster_get_offer_json(uint32_t handle, contract_string_t *ret) {
    const offerd_offer_t *offer = find_offer(handle);
    if (offer != NULL) {
        *ret = offerd_format("{\"id\":{\"value\":\"offer-%u\"}}", handle);
    }
    return offer != NULL;
}

static double amount(const offerd_offer_t *offer, contract_string_t name) {
    for (size_t at = offerd_test.columns.count; at > 0; at--) {
        const offerd_test_column_t *set =
            OFFERD_ITEM(offerd_test_column_t, offerd_test.columns, at - 1);
        if (set->offer == offer->offer && offerd_text_is(set->name, offerd_cstr(name))) {
            return set->milli;
        }
    }
    return offerd_text_is(name, "cpus")   ? offer->cpus
           : offerd_text_is(name, "mem")  ? offer->mem
           : offerd_text_is(name, "disk") ? offer->disk
           : offerd_text_is(name, "gpus") ? offer->gpus
                                          : 0;
}

void offerd_cluster_column(contract_string_t *name, offerd_cluster_list_milli_t *ret) {
    size_t count = offerd_test.offers.count;
    ret->ptr = offerd_alloc(count * sizeof *ret->ptr);
    ret->len = count;
    for (size_t at = 0; at < count; at++) {
        ret->ptr[at] = amount(OFFERD_ITEM(offerd_offer_t, offerd_test.offers, at), *name);
    }
}

bool offerd_cluster_get_job(uint32_t job, offerd_cluster_job_details_t *ret) {
    if (job >= offerd_test.jobs.count) {
        return false;
    }
    const offerd_test_job_t *known = OFFERD_ITEM(offerd_test_job_t, offerd_test.jobs, job);
    *ret = (offerd_cluster_job_details_t){
        .name = offerd_text(known->name),
        .role = offerd_text(known->role),
        .kind = known->is_service ? OFFERD_CLUSTER_JOB_KIND_SERVICE : OFFERD_CLUSTER_JOB_KIND_BATCH,
        .count = known->count,
        .priority = known->priority,
    };
    return true;
}

static uint32_t allowed(const offerd_waiting_t *set, uint32_t agent) {
    if (agent >= offerd_test.agents.count) {
        return 0;
    }
    if ((set->traits & OFFERD_WAITING_CONSTRAINED) == 0) {
        return OFFERD_NONE;
    }
    for (size_t at = 0; at < offerd_test.allowed.count; at++) {
        const offerd_test_allowed_t *known =
            OFFERD_ITEM(offerd_test_allowed_t, offerd_test.allowed, at);
        if (known->set == set->set && known->agent == agent) {
            return known->count;
        }
    }
    return 0;
}

void offerd_cluster_allowed(uint32_t handle, contract_list_u32_t *agents,
                            contract_list_u32_t *ret) {
    *ret = (contract_list_u32_t){NULL, 0};
    for (size_t at = 0; at < offerd_test.waiting.count; at++) {
        const offerd_waiting_t *set = OFFERD_ITEM(offerd_waiting_t, offerd_test.waiting, at);
        if (set->set != handle) {
            continue;
        }
        ret->ptr = offerd_alloc(agents->len * sizeof *ret->ptr);
        ret->len = agents->len;
        for (size_t agent = 0; agent < agents->len; agent++) {
            ret->ptr[agent] = allowed(set, agents->ptr[agent]);
        }
    }
}

typedef bool (*test_t)(const offerd_task_t *task, uint32_t of);

static void find_tasks(test_t test, uint32_t of, offerd_cluster_list_task_t *ret) {
    ret->ptr = offerd_alloc(offerd_test.tasks.count * sizeof *ret->ptr);
    ret->len = 0;
    for (size_t at = 0; at < offerd_test.tasks.count; at++) {
        const offerd_task_t *task = OFFERD_ITEM(offerd_task_t, offerd_test.tasks, at);
        if (test(task, of)) {
            ret->ptr[ret->len++] = *task;
        }
    }
}

static bool is_any(const offerd_task_t *task, uint32_t of) {
    (void)task, (void)of;
    return true;
}
static bool is_of_job(const offerd_task_t *task, uint32_t job) { return task->job == job; }
static bool is_on_agent(const offerd_task_t *task, uint32_t agent) { return task->agent == agent; }
static bool is_it(const offerd_task_t *task, uint32_t handle) { return task->task == handle; }

void offerd_cluster_tasks(offerd_cluster_list_task_t *ret) { find_tasks(is_any, 0, ret); }

void offerd_cluster_tasks_of_job(uint32_t job, offerd_cluster_list_task_t *ret) {
    find_tasks(is_of_job, job, ret);
}

void offerd_cluster_tasks_on_agent(uint32_t agent, offerd_cluster_list_task_t *ret) {
    find_tasks(is_on_agent, agent, ret);
}

bool offerd_cluster_get_task(uint32_t task, offerd_task_t *ret) {
    offerd_cluster_list_task_t found;
    find_tasks(is_it, task, &found);
    if (found.len > 0) {
        *ret = found.ptr[0];
    }
    return found.len > 0;
}

bool offerd_cluster_get_task_details(uint32_t task, offerd_cluster_task_details_t *ret) {
    if (task >= offerd_test.launched.count) {
        return false;
    }
    uint32_t job = *OFFERD_ITEM(uint32_t, offerd_test.launched, task);
    const char *name = OFFERD_ITEM(offerd_test_job_t, offerd_test.jobs, job)->name;
    *ret = (offerd_cluster_task_details_t){
        .id = offerd_format("%s.%u", name, task),
        .name = offerd_text(name),
    };
    return true;
}

bool offerd_cluster_find_task(contract_string_t *id, uint32_t *ret) {
    for (uint32_t task = 0; task < offerd_test.launched.count; task++) {
        offerd_cluster_task_details_t details;
        if (offerd_cluster_get_task_details(task, &details) &&
            offerd_text_is(*id, offerd_cstr(details.id))) {
            *ret = task;
            return true;
        }
    }
    return false;
}

void offerd_cluster_operations(offerd_cluster_list_operation_update_t *ret) {
    size_t count = offerd_test.operations.count;
    offerd_operation_update_t *list = offerd_alloc(count * sizeof *list);
    if (count > 0) {
        memcpy(list, offerd_test.operations.items, count * sizeof *list);
    }
    *ret = (offerd_cluster_list_operation_update_t){list, count};
}
