// What the policy decides, without a host.

#include <offerd_testing.h>
#include <string.h>

static offerd_amounts_t room(double cpus, double mem) {
    return (offerd_amounts_t){.cpus = cpus * 1000, .mem = mem * 1000};
}

static uint32_t wait(const char *name, offerd_amounts_t needs, uint32_t count, int32_t priority) {
    return offerd_test_wait((offerd_test_job_t){
        .name = name, .role = "batch", .needs = needs, .count = count, .priority = priority});
}

static void begin(const offerd_amounts_t *offers, size_t count) {
    offerd_test_begin("batch");
    for (size_t at = 0; at < count; at++) {
        offerd_test_offer(offerd_test_agent("host", NULL), "batch", offers[at]);
    }
}

/// How many tasks of a set an answer places on an offer.
static uint32_t placed(const offerd_answer_t *answer, uint32_t offer, uint32_t set) {
    uint32_t count = 0;
    for (size_t at = 0; answer != NULL && at < answer->placements.len; at++) {
        const offerd_placement_t *placement = &answer->placements.ptr[at];
        if (placement->offer == offer && placement->set == set) {
            count += placement->count;
        }
    }
    return count;
}

static void cpus_go_to_cpus_and_memory_to_memory(void) {
    const offerd_amounts_t offers[] = {room(8, 2048), room(2, 16384)};
    begin(offers, 2);
    uint32_t large = wait("memory", room(0.5, 4096), 4, 0);
    uint32_t fast = wait("cpus", room(2, 256), 4, 0);
    OFFERD_CHECK(offerd_test_configure("{}"));
    const offerd_answer_t *answer = offerd_test_decide();
    OFFERD_CHECK(placed(answer, 0, fast) == 4);
    OFFERD_CHECK(placed(answer, 1, large) == 4);
}

static void higher_priority_comes_first(void) {
    const offerd_amounts_t offers[] = {room(2, 2048)};
    begin(offers, 1);
    uint32_t aligned = wait("aligned", room(2, 2048), 1, 0);
    uint32_t urgent = wait("urgent", room(1, 64), 1, 5);
    OFFERD_CHECK(offerd_test_configure("{}"));
    const offerd_answer_t *answer = offerd_test_decide();
    OFFERD_CHECK(placed(answer, 0, urgent) == 1 && placed(answer, 0, aligned) == 0);
}

static void constraints_hold(void) {
    const offerd_amounts_t offers[] = {room(4, 4096), room(4, 4096)};
    begin(offers, 2);
    uint32_t set = offerd_test_wait((offerd_test_job_t){.name = "one each",
                                                        .role = "batch",
                                                        .needs = room(1, 64),
                                                        .count = 4,
                                                        .is_constrained = true});
    offerd_test_allow(set, 1, 1);
    OFFERD_CHECK(offerd_test_configure("{}"));
    const offerd_answer_t *answer = offerd_test_decide();
    OFFERD_CHECK(placed(answer, 0, set) == 0 && placed(answer, 1, set) == 1);
}

static void a_wrong_setting_is_named(void) {
    offerd_test_begin("batch");
    OFFERD_CHECK(!offerd_test_configure("{\"compare\": 0}"));
    OFFERD_CHECK(strcmp(offerd_test_error(),
                        "config.compare: 0 is too few; it must be at least 1") == 0);
}

int main(void) {
    cpus_go_to_cpus_and_memory_to_memory();
    higher_priority_comes_first();
    constraints_hold();
    a_wrong_setting_is_named();
    return offerd_test_result();
}
