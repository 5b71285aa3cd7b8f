// Unit tests: `offerd policy unit`.

#include <offerd_testing.h>

static const offerd_answer_t *decide(const char *config) {
    offerd_test_begin("batch");
    for (int host = 0; host < 2; host++) {
        uint32_t agent = offerd_test_agent("one.example.org", NULL);
        offerd_test_offer(agent, "batch", offerd_amounts(2, 1024));
    }
    offerd_test_wait((offerd_test_job_t){
        .name = "job",
        .role = "batch",
        .count = 3,
        .needs = offerd_amounts(1, 128),
    });
    OFFERD_CHECK(offerd_test_configure(config));
    const offerd_answer_t *answer = offerd_test_decide();
    OFFERD_CHECK(answer != NULL);
    return answer;
}

static void the_first_offer_is_filled_first(void) {
    const offerd_answer_t *answer = decide("{}");
    OFFERD_CHECK(answer->placements.len == 2);
    OFFERD_CHECK(answer->placements.ptr[0].offer == 0 && answer->placements.ptr[0].count == 2);
    OFFERD_CHECK(answer->placements.ptr[1].offer == 1 && answer->placements.ptr[1].count == 1);
}

static void no_more_than_allowed(void) {
    const offerd_answer_t *answer = decide("{\"most\": 1}");
    OFFERD_CHECK(answer->placements.len == 1 && answer->placements.ptr[0].count == 1);
}

int main(void) {
    the_first_offer_is_filled_first();
    no_more_than_allowed();
    return offerd_test_result();
}
