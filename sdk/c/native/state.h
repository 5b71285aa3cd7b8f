// What the stand-in for the host knows.
#ifndef OFFERD_STATE_H
#define OFFERD_STATE_H

#include "../src/inside.h"
#include "offerd_testing.h"

// A list that grows, of items of one size.
typedef struct {
    void *items;
    size_t count;
    size_t room;
    size_t size;
} offerd_items_t;

typedef struct {
    contract_string_t hostname;
    contract_option_string_t zone;
} offerd_test_agent_t;

typedef struct {
    uint32_t agent;
    offerd_cluster_attribute_t attribute;
} offerd_test_attribute_t;

typedef struct {
    uint32_t offer;
    contract_string_t name;
    double milli;
} offerd_test_column_t;

typedef struct {
    uint32_t offer;
    offerd_cluster_list_mesos_resource_t list;
} offerd_test_resources_t;

typedef struct {
    uint32_t set, agent, count;
} offerd_test_allowed_t;

typedef struct {
    const char *name;
    double value;
} offerd_test_number_t;

extern struct offerd_test {
    double now;
    uint32_t seed;
    uint32_t rounds;
    offerd_items_t roles;      // const char *
    offerd_items_t agents;     // offerd_test_agent_t
    offerd_items_t attributes; // offerd_test_attribute_t
    offerd_items_t offers;     // offerd_offer_t
    offerd_items_t columns;    // offerd_test_column_t: the last one of an offer and name counts
    offerd_items_t resources;  // offerd_test_resources_t: the last one of an offer counts
    offerd_items_t operations; // offerd_operation_update_t
    offerd_items_t jobs;       // offerd_test_job_t
    offerd_items_t waiting;    // offerd_waiting_t
    offerd_items_t allowed;    // offerd_test_allowed_t
    offerd_items_t tasks;      // offerd_task_t
    offerd_items_t launched;   // uint32_t: job of each task that ever was
    offerd_items_t updates;    // offerd_update_t
    offerd_items_t rescinded;  // uint32_t
    offerd_items_t events;     // offerd_event_t
    offerd_items_t numbers;    // offerd_test_number_t
    offerd_items_t log;        // char
    uint32_t next_offer, next_set;
} offerd_test;

void *offerd_items_add(offerd_items_t *list, const void *item);
void offerd_items_remove(offerd_items_t *list, size_t at);
/// An item of a list of this type.
#define OFFERD_ITEM(TYPE, LIST, AT) (&((TYPE *)(LIST).items)[AT])

/// From here to the end of the call memory is that of the call, in place of the test's.
void offerd_begin_call(void);
/// Keeps why the call failed, if it did.
bool offerd_end_call(bool is_done);
/// Sets attributes that are written "rack=a,disk=ssd".
void offerd_text_attributes(uint32_t agent, const char *text);

/// What the host would refuse of an answer, in words; NULL if nothing.
const char *offerd_violations(const offerd_round_t *round, const offerd_answer_t *answer);

#endif
