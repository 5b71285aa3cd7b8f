// Agents, which are kept for a while.

#include <string.h>

#include "inside.h"

typedef struct entry {
    struct entry *next;
    uint32_t agent;
    offerd_cluster_agent_details_t details;
} entry_t;

// By the handle's lowest bits: handles are given out one after the other.
enum { ROWS = 1024 };
static entry_t *rows[ROWS];

// All of them are let go of together, when the oldest has been here for so long (an agent
// that registers again with other attributes keeps its handle; that is rare enough for
// minutes), or when there are so many: a policy that runs for years must not grow.
static const double KEEP_MS = 600000;
enum { MOST = 100000 };
static offerd_arena_t kept;
static double since;
static size_t count;

static void *keep(const void *bytes, size_t size) {
    void *copy = offerd_arena_take(&kept, size, 16);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

static void keep_text(contract_string_t *text) { text->ptr = keep(text->ptr, text->len); }

static void keep_option(contract_option_string_t *text) {
    if (text->is_some) {
        keep_text(&text->val);
    }
}

static void keep_value(offerd_cluster_attribute_value_t *value) {
    switch (value->tag) {
    case OFFERD_CLUSTER_ATTRIBUTE_VALUE_TEXT:
        keep_text(&value->val.text);
        break;
    case OFFERD_CLUSTER_ATTRIBUTE_VALUE_RANGES:
        value->val.ranges.ptr =
            keep(value->val.ranges.ptr, value->val.ranges.len * sizeof(offerd_range_t));
        break;
    case OFFERD_CLUSTER_ATTRIBUTE_VALUE_ITEMS: {
        contract_list_string_t *items = &value->val.items;
        items->ptr = keep(items->ptr, items->len * sizeof(contract_string_t));
        for (size_t at = 0; at < items->len; at++) {
            keep_text(&items->ptr[at]);
        }
        break;
    }
    }
}

static void keep_details(offerd_cluster_agent_details_t *details) {
    keep_text(&details->id);
    keep_text(&details->hostname);
    keep_option(&details->region);
    keep_option(&details->zone);
    offerd_cluster_list_attribute_t *attributes = &details->attributes;
    attributes->ptr = keep(attributes->ptr, attributes->len * sizeof(offerd_cluster_attribute_t));
    for (size_t at = 0; at < attributes->len; at++) {
        keep_text(&attributes->ptr[at].name);
        keep_value(&attributes->ptr[at].value);
    }
}

const offerd_cluster_agent_details_t *offerd_agent(uint32_t agent) {
    entry_t **row = &rows[agent % ROWS];
    for (entry_t *at = *row; at != NULL; at = at->next) {
        if (at->agent == agent) {
            return &at->details;
        }
    }
    offerd_cluster_agent_details_t details;
    if (!offerd_cluster_get_agent(agent, &details)) {
        return NULL;
    }
    // Without a host name the host knows no more than the id: there was no offer yet.
    if (details.hostname.len == 0) {
        offerd_cluster_agent_details_t *of_call = offerd_alloc(sizeof details);
        *of_call = details;
        return of_call;
    }
    keep_details(&details);
    count++;
    entry_t entry = {*row, agent, details};
    *row = keep(&entry, sizeof entry);
    return &(*row)->details;
}

void offerd_agents_forget(void) {
    memset(rows, 0, sizeof rows);
    offerd_arena_reset(&kept);
    count = 0;
}

void offerd_agents_begin_round(const offerd_round_t *round) {
    bool is_outdated = round->now - since >= KEEP_MS || count >= MOST;
    for (size_t at = 0; at < round->events.len; at++) {
        is_outdated |= round->events.ptr[at].tag == OFFERD_EVENT_SUBSCRIBED;
    }
    if (is_outdated) {
        offerd_agents_forget();
        since = round->now;
    }
}

const char *offerd_attribute(uint32_t agent, const char *name) {
    const offerd_cluster_agent_details_t *details = offerd_agent(agent);
    for (size_t at = 0; details != NULL && at < details->attributes.len; at++) {
        const offerd_cluster_attribute_t *attribute = &details->attributes.ptr[at];
        if (attribute->value.tag == OFFERD_CLUSTER_ATTRIBUTE_VALUE_TEXT &&
            offerd_text_is(attribute->name, name)) {
            return offerd_cstr(attribute->value.val.text);
        }
    }
    return NULL;
}
