// What the policy decides, without a host.

#include <offerd_testing.h>
#include <string.h>

static const offerd_test_job_t job = {.name = "job", .role = "batch", .count = 1};

static offerd_amounts_t room(double cpus, double mem) {
    return (offerd_amounts_t){.cpus = cpus * 1000, .mem = mem * 1000};
}

/// A cluster of these agents, with tasks that wait, and what the policy says.
static const offerd_answer_t *decide(const char *config, const offerd_amounts_t *offers,
                                     size_t count, offerd_amounts_t needs, uint32_t tasks) {
    offerd_test_begin("batch");
    for (size_t at = 0; at < count; at++) {
        offerd_test_offer(offerd_test_agent("host", NULL), "batch", offers[at]);
    }
    offerd_test_job_t waits = job;
    waits.needs = needs;
    waits.count = tasks;
    offerd_test_wait(waits);
    OFFERD_CHECK(offerd_test_configure(config));
    const offerd_answer_t *answer = offerd_test_decide();
    OFFERD_CHECK(answer != NULL);
    return answer;
}

static bool is_placed(const offerd_answer_t *answer, size_t at, uint32_t offer, uint32_t count) {
    return at < answer->placements.len && answer->placements.ptr[at].offer == offer &&
           answer->placements.ptr[at].count == count;
}

static void the_tightest_first_and_then_the_next(void) {
    const offerd_amounts_t offers[] = {room(8, 8192), room(2, 2048), room(4, 4096)};
    const offerd_answer_t *answer = decide("{}", offers, 3, room(1, 64), 7);
    OFFERD_CHECK(is_placed(answer, 0, 1, 2));
    OFFERD_CHECK(is_placed(answer, 1, 2, 4));
    OFFERD_CHECK(is_placed(answer, 2, 0, 1));
    OFFERD_CHECK(offerd_test_tasks() == 7 && offerd_test_offers() == 0);
}

static void weights_decide_which_resource_is_scarce(void) {
    const offerd_amounts_t offers[] = {room(8, 100), room(2, 9000)};
    const char *cpus = "{\"weights\": {\"mem\": 0}}";
    const char *mem = "{\"weights\": {\"cpus\": 0}}";
    OFFERD_CHECK(is_placed(decide(cpus, offers, 2, room(1, 10), 1), 0, 1, 1));
    OFFERD_CHECK(is_placed(decide(mem, offers, 2, room(1, 10), 1), 0, 0, 1));
}

static void tasks_without_gpus_leave_gpus_free(void) {
    offerd_amounts_t offers[] = {room(2, 2048), room(4, 4096)};
    offers[0].gpus = 1000;
    OFFERD_CHECK(is_placed(decide("{}", offers, 2, room(1, 64), 1), 0, 1, 1));
}

static void decisions_have_reasons(void) {
    const offerd_amounts_t offers[] = {room(1, 64), room(1, 64)};
    const offerd_answer_t *answer = decide("{}", offers, 2, room(1, 64), 1);
    OFFERD_CHECK(answer->reasons.len == 2);
    OFFERD_CHECK(offerd_text_is(answer->reasons.ptr[0], "the tightest offer with room"));
    OFFERD_CHECK(offerd_text_is(answer->reasons.ptr[1], "nothing that waits fits"));
    OFFERD_CHECK(answer->placements.ptr[0].reason == 1 && answer->rest.val.reason == 2);
}

static void is_refused(const char *config, const char *why) {
    offerd_test_begin("batch");
    OFFERD_CHECK(!offerd_test_configure(config));
    OFFERD_CHECK(strcmp(offerd_test_error(), why) == 0);
}

static void wrong_settings_are_named(void) {
    is_refused("{\"weights\": {\"cpus\": -1}}",
               "config.weights.cpus: -1 is no weight; it must be from 0 to 1000000");
    is_refused("{\"wieghts\": {}}",
               "config.wieghts: there is no such setting; known are `weights`");
    is_refused("{\"weights\": {\"mem\": \"2\"}}", "config.weights.mem: \"2\" is not a number");
}

int main(void) {
    the_tightest_first_and_then_the_next();
    weights_decide_which_resource_is_scarce();
    tasks_without_gpus_leave_gpus_free();
    decisions_have_reasons();
    wrong_settings_are_named();
    return offerd_test_result();
}
