// A stand-in for the host, so that a policy is tested without one: a small cluster made by
// hand, rounds of it, and a check of the answers. There is one cluster, as there is one
// policy in a program.
//
//     offerd_test_begin("batch");
//     uint32_t agent = offerd_test_agent("one.example.org", "rack=a");
//     offerd_test_offer(agent, "batch", offerd_amounts(4, 4096));
//     offerd_test_wait((offerd_test_job_t){.name = "job", .role = "batch", .count = 3,
//                                          .needs = offerd_amounts(1, 64)});
//     OFFERD_CHECK(offerd_test_configure("{}"));
//     const offerd_answer_t *answer = offerd_test_decide();
//     OFFERD_CHECK(answer != NULL && answer->placements.len == 1);
#ifndef OFFERD_TESTING_H
#define OFFERD_TESTING_H

#include "offerd.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Says which condition does not hold, and where; the program's exit status tells.
#define OFFERD_CHECK(CONDITION) offerd_test_check((CONDITION), __FILE__, __LINE__, #CONDITION)
void offerd_test_check(bool holds, const char *file, int line, const char *what);
/// What `main` returns: 0 if every check held.
int offerd_test_result(void);

/// An empty cluster with these roles, separated by commas. Handles count from 0. What a test makes
/// with `offerd_alloc`, `offerd_scalar` and so on lives until the next cluster is begun.
void offerd_test_begin(const char *roles);
/// An agent with text attributes: "rack=a,disk=ssd", or NULL.
uint32_t offerd_test_agent(const char *hostname, const char *attributes);
/// An attribute of any kind (OFFERD_CLUSTER_ATTRIBUTE_VALUE_...), in place of the one of this name.
void offerd_test_attribute(uint32_t agent, const char *name,
                           offerd_cluster_attribute_value_t value);
/// A zone of the region "region"; NULL for none.
void offerd_test_zone(uint32_t agent, const char *zone);
/// Another host name. An agent of which the host knows only the id has an empty one.
void offerd_test_rename(uint32_t agent, const char *hostname);

uint32_t offerd_test_offer(uint32_t agent, const char *role, offerd_amounts_t amounts);
/// Sets bits of an offer's traits: OFFERD_OFFER_RESERVED and so on.
void offerd_test_traits(uint32_t offer, uint32_t traits);
/// What `offerd_cluster_column` tells of an offer, in thousandths, where it is not what the offer
/// says itself.
void offerd_test_column(uint32_t offer, const char *name, double milli);
/// The resources that `offerd_cluster_get_offer` tells, in place of the offer's amounts.
void offerd_test_resources(uint32_t offer, const offerd_mesos_resource_t *resources, size_t count);
void offerd_test_rescind(uint32_t offer);
/// One of those that `offerd_cluster_operations` tells.
void offerd_test_operation(offerd_operation_update_t operation);

typedef struct {
    const char *name;
    const char *role;
    /// What each task needs.
    offerd_amounts_t needs;
    uint32_t count;
    int32_t priority;
    bool is_service;
    /// Placement constraints allow nothing until `offerd_test_allow`.
    bool is_constrained;
} offerd_test_job_t;

/// Waiting tasks; the handle of their set.
uint32_t offerd_test_wait(offerd_test_job_t job);
/// The constraints of a set allow so many more tasks on an agent.
void offerd_test_allow(uint32_t set, uint32_t agent, uint32_t count);
/// A running task of a job; its handle.
uint32_t offerd_test_run(offerd_test_job_t job, uint32_t agent);
/// A task ends in a state, OFFERD_TASK_FINISHED and so on; the next round tells.
void offerd_test_end(uint32_t task, uint32_t state);
/// The next round tells this.
void offerd_test_event(offerd_event_t event);
void offerd_test_advance(double milliseconds);

/// Starts the policy. False if it refuses; `offerd_test_error` says why.
bool offerd_test_configure(const char *config);
/// Saves the state of the policy, configures it anew and gives it the state. False if one of these
/// fails; `offerd_test_error` says why.
bool offerd_test_restart(const char *config);
/// One round, carried out: placements run, kills end. NULL if the policy gives an error or
/// the host would refuse a decision; `offerd_test_error` says why. The answer lives until
/// the next round.
const offerd_answer_t *offerd_test_decide(void);
const char *offerd_test_error(void);
/// Log lines so far, each as "info: text".
const char *offerd_test_log(void);
/// A counter or gauge of the policy; 0 if it has none of that name.
double offerd_test_metric(const char *name);
/// Numbers of tasks that run and of offers that are held.
size_t offerd_test_tasks(void);
size_t offerd_test_offers(void);

#ifdef __cplusplus
}
#endif

#endif
