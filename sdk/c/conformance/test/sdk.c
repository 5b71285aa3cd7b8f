// Tests of the SDK. The conformance guest is linked with it, and used where a policy is called.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <offerd_testing.h>

#include "../../src/inside.h"

static const offerd_test_job_t job = {
    .name = "job", .role = "batch", .count = 3, .needs = {.cpus = 1000, .mem = 128000}};

static bool is(const char *found, const char *expected) {
    if (strcmp(found, expected) == 0) {
        return true;
    }
    fprintf(stderr, "found:    %s\nexpected: %s\n", found, expected);
    return false;
}

// ---- Settings ---------------------------------------------------------------------------

/// What is wrong with a configuration of four settings.
static const char *wrong(const char *text) {
    offerd_config_t *config = offerd_config_read(offerd_text(text));
    offerd_config_number(config, "most", 10);
    offerd_config_string(config, "name", "a");
    size_t length = offerd_config_length(config, "list");
    for (size_t at = 0; at < length; at++) {
        offerd_config_t *list = offerd_config_table(config, "list");
        offerd_config_string(list, offerd_cstr(offerd_format("%zu", at)), NULL);
    }
    offerd_config_bool(offerd_config_table(config, "inner"), "on", false);
    return offerd_config_check(config) ? "" : offerd_cstr(offerd_error_said());
}

static void settings_are_read(void) {
    contract_string_t text = offerd_text(
        "{\"most\": -1.5e1, \"name\": \"a\\u00e9\\ud83e\\udd80\\n\", \"list\": [1, {\"deep\": true}]}");
    offerd_config_t *config = offerd_config_read(text);
    OFFERD_CHECK(offerd_config_number(config, "most", 0) == -15);
    OFFERD_CHECK(is(offerd_config_string(config, "name", ""), "a\xc3\xa9\xf0\x9f\xa6\x80\n"));
    OFFERD_CHECK(offerd_config_length(config, "list") == 2);
    offerd_config_t *list = offerd_config_table(config, "list");
    OFFERD_CHECK(offerd_config_number(list, "0", 0) == 1);
    OFFERD_CHECK(offerd_config_bool(offerd_config_table(list, "1"), "deep", false));
    OFFERD_CHECK(offerd_config_bool(config, "absent", true));
    OFFERD_CHECK(offerd_config_check(config));
}

static void tables_in_lists_are_checked_if_they_are_read(void) {
    contract_string_t text = offerd_text("{\"list\": [{\"on\": true, \"of\": 1}, {\"any\": 1}]}");
    offerd_config_t *config = offerd_config_read(text);
    offerd_config_t *list = offerd_config_table(config, "list");
    OFFERD_CHECK(offerd_config_bool(offerd_config_table(list, "0"), "on", false));
    OFFERD_CHECK(!offerd_config_check(config));
    OFFERD_CHECK(is(offerd_cstr(offerd_error_said()),
                    "config.list[0].of: there is no such setting; known are `on`"));
}

static void wrong_settings_are_named(void) {
    OFFERD_CHECK(is(wrong("{}"), ""));
    OFFERD_CHECK(is(wrong("{\"most\": \"3\"}"), "config.most: \"3\" is not a number"));
    OFFERD_CHECK(is(wrong("{\"inner\": 3}"), "config.inner: 3 is no table"));
    OFFERD_CHECK(is(wrong("{\"list\": 3}"), "config.list: 3 is no list"));
    OFFERD_CHECK(is(wrong("{\"list\": [3]}"), "config.list[0]: 3 is not a string"));
    OFFERD_CHECK(is(wrong("{\"inner\": {\"of\": 1}}"),
                    "config.inner.of: there is no such setting; known are `on`"));
    OFFERD_CHECK(is(wrong("[]"), "config: [] is no table"));
    OFFERD_CHECK(is(wrong("{\"most\" 1}"), "the config is not JSON: a ':' was expected at byte 8"));
    OFFERD_CHECK(is(wrong("{\"most\": 1} x"),
                    "the config is not JSON: there is more after its end at byte 12"));
}

/// Every beginning of a text is told to be wrong, and none is read beyond its end.
static void cut_texts_are_refused(void) {
    const char *whole = "{\"most\": 1.25, \"name\": \"\\u00e9\\n\", \"list\": [\"x\"], \"inner\": {\"on\": true}}";
    OFFERD_CHECK(is(wrong(whole), ""));
    for (size_t length = 0; length < strlen(whole); length++) {
        char *part = malloc(length + 1);
        memcpy(part, whole, length);
        part[length] = '\0';
        OFFERD_CHECK(strncmp(wrong(part), "the config is not JSON: ", 24) == 0);
        free(part);
    }
    char deep[300];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    OFFERD_CHECK(strstr(wrong(deep), "nested too deeply") != NULL);
}

/// As many as a generated configuration has.
static void large_settings_are_read(void) {
    enum { SIZE = 1 << 20, ENTRIES = 10000 };
    char *json = malloc(SIZE + 64 * ENTRIES), *name = malloc(16 * ENTRIES), *at = json;
    at += sprintf(at, "{\"text\": \"");
    memset(at, 'x', SIZE);
    at += SIZE;
    at += sprintf(at, "\\u2603\", \"list\": [0");
    for (int entry = 1; entry < ENTRIES; entry++) {
        at += sprintf(at, ", %d", entry);
    }
    at += sprintf(at, "], \"table\": {\"n0\": 0");
    for (int entry = 1; entry < ENTRIES; entry++) {
        at += sprintf(at, ", \"n%d\": %d", entry, entry);
    }
    sprintf(at, "}}");
    offerd_config_t *config = offerd_config_read(offerd_text(json));
    const char *text = offerd_config_string(config, "text", "");
    OFFERD_CHECK(strlen(text) == SIZE + 3 && text[SIZE - 1] == 'x' && is(text + SIZE, "☃"));
    OFFERD_CHECK(offerd_config_length(config, "list") == ENTRIES);
    offerd_config_t *list = offerd_config_table(config, "list");
    offerd_config_t *table = offerd_config_table(config, "table");
    for (int entry = 0; entry < ENTRIES; entry++) {
        sprintf(name + 16 * entry, "n%d", entry);
        // The name of an item is its number.
        double found = offerd_config_number(list, name + 16 * entry + 1, -1);
        OFFERD_CHECK(found == entry);
        OFFERD_CHECK(offerd_config_number(table, name + 16 * entry, -1) == entry);
    }
    // Also out of order.
    OFFERD_CHECK(offerd_config_number(list, "7", -1) == 7);
    OFFERD_CHECK(offerd_config_number(list, "10000", -1) == -1);
    OFFERD_CHECK(offerd_config_check(config));
    free(json), free(name);
}

// ---- Finding room -----------------------------------------------------------------------

static offerd_round_t round_of(offerd_offer_t *offers, size_t count, offerd_waiting_t *sets,
                               size_t set_count) {
    return (offerd_round_t){.number = 1, .offers = {offers, count}, .waiting = {sets, set_count}};
}

static offerd_offer_t offer(uint32_t handle, double cpus, double mem) {
    return (offerd_offer_t){
        .offer = handle, .agent = handle, .cpus = cpus * 1000, .mem = mem * 1000};
}

static bool is_good(void *data, const offerd_offer_t *offer) {
    return offer->agent == *(uint32_t *)data;
}

static int64_t not_the_second(void *data, size_t at, const offerd_offer_t *offer) {
    (void)data, (void)offer;
    return at == 1 ? -1 : 0;
}

static void orders_groups_and_what_is_left(void) {
    offerd_offer_t offers[] = {offer(0, 4, 4096), offer(1, 1, 4096), offer(2, 2, 4096)};
    offerd_waiting_t set = {.count = 3, .cpus = 1000, .mem = 128000};
    offerd_round_t round = round_of(offers, 3, &set, 1);
    const offerd_order_kind_t kinds[] = {OFFERD_ARRIVAL, OFFERD_TIGHTEST, OFFERD_ROOMIEST};
    const size_t first[] = {0, 1, 0};
    offerd_spot_t spot;
    for (size_t at = 0; at < 3; at++) {
        offerd_order_t order = {kinds[at], offerd_default_weights};
        OFFERD_CHECK(offerd_next(offerd_fitter(&round, order), &set, &spot));
        OFFERD_CHECK(spot.at == first[at]);
    }
    offerd_order_t order = {OFFERD_TIGHTEST, offerd_default_weights};
    offerd_fitter_t *fitter = offerd_fitter_grouped(&round, order, not_the_second, NULL);
    OFFERD_CHECK(offerd_next(fitter, &set, &spot) && spot.at == 2 && spot.count == 2);
    offerd_take(fitter, &spot, &set, 1);
    OFFERD_CHECK(offerd_left(fitter, 2).cpus == 1000);
    OFFERD_CHECK(!offerd_next_in(fitter, 1, &set, &spot));
    uint32_t agent = 0;
    OFFERD_CHECK(offerd_next_where(fitter, &set, is_good, &agent, &spot) && spot.at == 0);
}

static void constraints_are_asked_for_and_kept(void) {
    offerd_test_begin("batch");
    for (uint32_t at = 0; at < 2; at++) {
        offerd_test_agent("host", NULL);
    }
    offerd_test_job_t constrained = job;
    constrained.is_constrained = true;
    uint32_t handle = offerd_test_wait(constrained);
    offerd_test_allow(handle, 1, 1);
    offerd_offer_t offers[] = {offer(0, 4, 4096), offer(1, 4, 4096)};
    offerd_waiting_t set = {.set = handle,
                            .count = 3,
                            .cpus = 1000,
                            .mem = 128000,
                            .traits = OFFERD_WAITING_CONSTRAINED};
    offerd_round_t round = round_of(offers, 2, &set, 1);
    offerd_fitter_t *fitter = offerd_fitter(&round, (offerd_order_t){.kind = OFFERD_ARRIVAL});
    uint32_t wanted = 3;
    offerd_spot_t spot;
    OFFERD_CHECK(offerd_fill(fitter, &set, &wanted, &spot) && spot.at == 1 && spot.count == 1);
    OFFERD_CHECK(!offerd_fill(fitter, &set, &wanted, &spot) && wanted == 2);
}

/// Against a search of all offers: the same offer each time, and never more than it has.
static void many_offers_and_sets(void) {
    enum { OFFERS = 700, SETS = 300 };
    offerd_offer_t *offers = calloc(OFFERS, sizeof *offers);
    offerd_waiting_t *sets = calloc(SETS, sizeof *sets);
    double *cpus = calloc(OFFERS, sizeof *cpus), *mem = calloc(OFFERS, sizeof *mem);
    for (uint32_t at = 0; at < OFFERS; at++) {
        offers[at] = offer(at, 1 + at % 7, 512 * (1 + at % 5));
        cpus[at] = offers[at].cpus;
        mem[at] = offers[at].mem;
    }
    for (uint32_t at = 0; at < SETS; at++) {
        sets[at] = (offerd_waiting_t){
            .set = at, .count = 1 + at % 9, .cpus = 500 + 1000 * (at % 3), .mem = 256000};
    }
    offerd_round_t round = round_of(offers, OFFERS, sets, SETS);
    // By arrival the expected offer needs no score.
    offerd_fitter_t *fitter = offerd_fitter(&round, (offerd_order_t){.kind = OFFERD_ARRIVAL});
    size_t placed = 0;
    for (size_t at = 0; at < SETS; at++) {
        uint32_t wanted = sets[at].count;
        offerd_spot_t spot;
        while (offerd_fill(fitter, &sets[at], &wanted, &spot)) {
            size_t expected = 0;
            while (cpus[expected] < sets[at].cpus || mem[expected] < sets[at].mem) {
                expected++;
            }
            OFFERD_CHECK(spot.at == expected);
            cpus[expected] -= sets[at].cpus * spot.count;
            mem[expected] -= sets[at].mem * spot.count;
            OFFERD_CHECK(cpus[expected] >= 0 && mem[expected] >= 0);
            placed++;
        }
    }
    OFFERD_CHECK(placed > 300);
    free(offers), free(sets), free(cpus), free(mem);
}

/// Whether the conformance guest says this in one of its reasons.
static bool shows(const offerd_answer_t *answer, const char *what) {
    for (size_t at = 0; answer != NULL && at < answer->reasons.len; at++) {
        if (strstr(offerd_cstr(answer->reasons.ptr[at]), what) != NULL) {
            return true;
        }
    }
    return false;
}

// ---- Decisions and the cluster ------------------------------------------------------------

static void decisions_have_their_form(void) {
    offerd_decisions_t *out = offerd_decisions_new();
    offerd_place(out, 1, 2, 3, "a");
    offerd_decline(out, 4, 5, "b");
    offerd_kill(out, 6, 7, "a");
    uint32_t offers[] = {8};
    offerd_accepting_t *accept = offerd_accept(out, offers, 1, "c");
    offerd_timer(out, 9, 10, "");
    offerd_mesos_resource_t disk = offerd_scalar("disk", 0.1);
    disk.disk.is_some = disk.disk.val.source.is_some = true;
    disk.disk.val.source.val.kind = OFFERD_DISK_KIND_MOUNT;
    disk = offerd_persistent(offerd_reserved_for(disk, "r", "me"), "v", "d");
    offerd_reserve(accept, "x", disk);
    offerd_create(accept, NULL, disk);
    offerd_encoded_t task = offerd_json("{}");
    offerd_launch(accept, &task, 1);
    offerd_decline_rest(out, 11, NULL);
    offerd_answer_t answer;
    offerd_decisions_give(out, &answer);
    OFFERD_CHECK(answer.reasons.len == 3 && offerd_text_is(answer.reasons.ptr[2], "c"));
    OFFERD_CHECK(answer.placements.ptr[0].reason == 1 && answer.kills.ptr[0].reason == 1);
    OFFERD_CHECK(answer.actions.len == 2 && answer.actions.ptr[0].reason == 3);
    const offerd_accept_t *made = &answer.actions.ptr[0].action.val.accept;
    OFFERD_CHECK(made->offers.ptr[0] == 8 && made->operations.len == 3);
    OFFERD_CHECK(offerd_text_is(made->operations.ptr[0].val.reserve.id.val, "x"));
    OFFERD_CHECK(!made->operations.ptr[1].val.create.id.is_some);
    const offerd_mesos_resource_t *volume = made->operations.ptr[1].val.create.resources.ptr;
    OFFERD_CHECK(volume->value.val.scalar == 100);
    OFFERD_CHECK(volume->disk.val.source.val.kind == OFFERD_DISK_KIND_MOUNT);
    OFFERD_CHECK(offerd_text_is(volume->disk.val.persistence.val.principal.val, "me"));
    OFFERD_CHECK(answer.rest.val.refuse == 11 && answer.rest.val.reason == 0);
}

static void agents_are_kept(void) {
    offerd_test_begin("batch");
    uint32_t agent = offerd_test_agent("one", "rack=a,disk=ssd");
    uint32_t unnamed = offerd_test_agent("", NULL);
    offerd_agents_forget();
    offerd_round_t round = {.now = 1e12};
    offerd_agents_begin_round(&round);
    const offerd_cluster_agent_details_t *details = offerd_agent(agent);
    OFFERD_CHECK(details != NULL && offerd_text_is(details->hostname, "one"));
    // Beyond the call.
    offerd_arena_reset(&offerd_call);
    round.now = 1e12 + 599999;
    offerd_agents_begin_round(&round);
    OFFERD_CHECK(offerd_agent(agent) == details);
    OFFERD_CHECK(is(offerd_attribute(agent, "disk"), "ssd"));
    OFFERD_CHECK(offerd_attribute(agent, "zone") == NULL && offerd_agent(7) == NULL);
    // One of which only the id is known is asked for again.
    OFFERD_CHECK(offerd_agent(unnamed)->hostname.len == 0);
    OFFERD_CHECK(offerd_agent(unnamed) != offerd_agent(unnamed));
    // After ten minutes all are.
    round.now = 1e12 + 600000;
    offerd_agents_begin_round(&round);
    OFFERD_CHECK(offerd_agent(unnamed)->hostname.len == 0);
    OFFERD_CHECK(offerd_text_is(offerd_agent(agent)->hostname, "one"));
}

static void texts_of_settings_live_on(void) {
    static const char text[] = "{\"name\": \"a\\\\b\\\"c\", \"other\": \"x\"}";
    offerd_config_t *config = offerd_config_read(offerd_text(text));
    const char *name = offerd_config_string(config, "name", NULL);
    const char *other = offerd_config_string(config, "other", NULL);
    offerd_arena_reset(&offerd_call);
    memset(offerd_alloc(1000), 'z', 1000);
    OFFERD_CHECK(is(name, "a\\b\"c") && is(other, "x"));
}

static void memory_is_used_again(void) {
    offerd_arena_reset(&offerd_call);
    for (int call = 0; call < 100; call++) {
        uint8_t *large = offerd_alloc(1000000), *small = offerd_alloc(3);
        large[999999] = 1;
        OFFERD_CHECK(small[2] == 0 && ((uintptr_t)small & 15) == 0);
        offerd_arena_reset(&offerd_call);
    }
}

static void the_stand_in_tells_what_was_set(void) {
    offerd_test_begin("batch");
    uint32_t agent = offerd_test_agent("one", "rack=a,disk=ssd");
    uint32_t offer = offerd_test_offer(agent, "batch", offerd_amounts(2, 1024));
    offerd_test_offer(agent, "batch", offerd_amounts(1, 512));
    offerd_cluster_attribute_value_t cores = {.tag = OFFERD_CLUSTER_ATTRIBUTE_VALUE_SCALAR,
                                              .val.scalar = 2500};
    offerd_test_attribute(agent, "disk", cores);
    offerd_test_zone(agent, "z");
    offerd_test_rename(agent, "two");
    offerd_cluster_agent_details_t details;
    OFFERD_CHECK(offerd_cluster_get_agent(agent, &details));
    OFFERD_CHECK(offerd_text_is(details.hostname, "two") && details.region.is_some);
    OFFERD_CHECK(details.zone.is_some && offerd_text_is(details.zone.val, "z"));
    OFFERD_CHECK(details.attributes.len == 2);
    OFFERD_CHECK(offerd_text_is(details.attributes.ptr[0].value.val.text, "a"));
    OFFERD_CHECK(details.attributes.ptr[1].value.val.scalar == 2500);
    offerd_test_zone(agent, NULL);
    OFFERD_CHECK(offerd_cluster_get_agent(agent, &details) && !details.zone.is_some);

    offerd_test_column(offer, "fpgas", 3000);
    offerd_test_column(offer, "cpus", 1000);
    contract_string_t fpgas = offerd_text("fpgas"), cpus = offerd_text("cpus");
    offerd_cluster_list_milli_t column;
    offerd_cluster_column(&fpgas, &column);
    OFFERD_CHECK(column.len == 2 && column.ptr[0] == 3000 && column.ptr[1] == 0);
    offerd_cluster_column(&cpus, &column);
    OFFERD_CHECK(column.ptr[0] == 1000 && column.ptr[1] == 1000);

    offerd_mesos_resource_t disk = offerd_reserved_for(offerd_scalar("disk", 64), "batch", NULL);
    offerd_test_resources(offer, &disk, 1);
    offerd_test_traits(offer, OFFERD_OFFER_RESERVED);
    offerd_test_operation((offerd_operation_update_t){.state = OFFERD_OPERATION_STATE_FINISHED,
                                                      .converted = {&disk, 1}});
    // What was made for the cluster outlives calls; this policy shows all of it.
    OFFERD_CHECK(offerd_test_configure("{}"));
    const offerd_answer_t *answer = offerd_test_decide();
    OFFERD_CHECK(answer != NULL && shows(answer, "\"traits\":3"));
    OFFERD_CHECK(shows(answer, "[\"details\",{\"id\":\"offer-0\",\"resources\":[{\"name\":\"disk\""));
    OFFERD_CHECK(shows(answer, "[\"operation\",{\"operation_id\":null,\"state\":2,"));
    OFFERD_CHECK(shows(answer, "\"converted\":[{\"name\":\"disk\",\"value\":{\"scalar\":64000}"));
    OFFERD_CHECK(shows(answer, "\"kind\":\"dynamic\",\"role\":\"batch\""));
}

static void state_goes_from_one_instance_to_the_next(void) {
    offerd_test_begin("batch");
    OFFERD_CHECK(offerd_test_configure("{}"));
    OFFERD_CHECK(offerd_test_restart("weigh"));
    // Of "conformance".
    OFFERD_CHECK(shows(offerd_test_decide(), "[\"restored\",1,[11,"));
    // It saves what it was given.
    OFFERD_CHECK(offerd_test_restart("{}"));
    OFFERD_CHECK(shows(offerd_test_decide(), "[\"restored\",1,[99,111,110,"));
    OFFERD_CHECK(!offerd_test_restart("refuse"));
    OFFERD_CHECK(strstr(offerd_test_error(), "'refuse' is not allowed") != NULL);
    OFFERD_CHECK(offerd_test_configure("save-fails"));
    OFFERD_CHECK(!offerd_test_restart("{}") && is(offerd_test_error(), "nothing to save"));
}

static void what_a_host_would_refuse(void) {
    offerd_test_begin("batch");
    offerd_test_offer(offerd_test_agent("one", NULL), "batch",
                      (offerd_amounts_t){.cpus = 2000, .mem = 1024000});
    offerd_test_wait(job);
    OFFERD_CHECK(offerd_test_configure("decide-all"));
    // The guest answers with handles that the round does not show.
    OFFERD_CHECK(offerd_test_decide() == NULL);
    const char *why = offerd_test_error();
    OFFERD_CHECK(strstr(why, "the host would refuse: ") == why);
    OFFERD_CHECK(strstr(why, "kill of task 8, which does not live") != NULL);
    OFFERD_CHECK(strstr(why, "no such offer or set") != NULL);
}

int main(void) {
    settings_are_read();
    tables_in_lists_are_checked_if_they_are_read();
    wrong_settings_are_named();
    cut_texts_are_refused();
    large_settings_are_read();
    orders_groups_and_what_is_left();
    constraints_are_asked_for_and_kept();
    many_offers_and_sets();
    decisions_have_their_form();
    agents_are_kept();
    texts_of_settings_live_on();
    memory_is_used_again();
    the_stand_in_tells_what_was_set();
    state_goes_from_one_instance_to_the_next();
    what_a_host_would_refuse();
    return offerd_test_result();
}
