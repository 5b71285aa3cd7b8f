#include "decisions.h"

static const char *const message = "{\"name\":\"t\"}";

static offerd_mesos_resource_t reserved(void) {
    offerd_mesos_resource_t cpus = offerd_reserved_for(offerd_scalar("cpus", 0.1), "r", NULL);
    cpus = offerd_reserved_for(cpus, "r/s", "me");
    for (size_t at = 0; at < cpus.reservations.len; at++) {
        offerd_reservation_t *reservation = &cpus.reservations.ptr[at];
        offerd_label_t *label = offerd_alloc(sizeof *label);
        *label = (offerd_label_t){offerd_text("k"), reservation->principal};
        reservation->labels = (offerd_list_label_t){label, 1};
    }
    // Made by the agent's operator.
    cpus.reservations.ptr[0].kind = OFFERD_RESERVATION_KIND_FIXED;
    return cpus;
}

static contract_option_string_t some(const char *text) {
    return (contract_option_string_t){true, offerd_text(text)};
}

static offerd_mesos_resource_t tags(void) {
    const char *const items[] = {"a", "☃"};
    offerd_mesos_resource_t tags = offerd_items("tags", items, 2);
    tags.revocable = true;
    tags.provider = some("p");
    return tags;
}

static offerd_option_disk_info_t source(offerd_disk_kind_t kind) {
    offerd_label_t *label = offerd_alloc(sizeof *label);
    label->key = offerd_text("m");
    offerd_disk_source_t source = {
        .kind = kind, .root = some("/mnt"), .id = some("d"), .metadata = {label, 1}};
    return (offerd_option_disk_info_t){true, {.source = {true, source}}};
}

static offerd_mesos_resource_t volume(void) {
    offerd_mesos_resource_t disk = offerd_scalar("disk", 64);
    disk.disk = source(OFFERD_DISK_KIND_PATH);
    disk.shared = true;
    disk = offerd_persistent(offerd_reserved_for(disk, "r", "me"), "v", "data");
    disk.disk.val.volume.val.host_path = some("/srv");
    disk.disk.val.volume.val.read_only = true;
    return disk;
}

static offerd_mesos_resource_t raw(void) {
    const offerd_range_t ranges[] = {{1, 2}, {4, 4}};
    offerd_mesos_resource_t raw = offerd_ranges("blocks", ranges, 2);
    raw.disk = source(OFFERD_DISK_KIND_RAW);
    return raw;
}

static void accept(offerd_decisions_t *out) {
    const uint32_t offers[] = {1, 2}, other[] = {3};
    const offerd_encoded_t tasks[] = {offerd_json(message), offerd_protobuf("\x08\x01", 2)};
    offerd_accepting_t *accept = offerd_accept(out, offers, 2, "an accept");
    offerd_launch(accept, tasks, 2);
    offerd_launch_waiting(accept, 1, 2);
    offerd_launch_group(accept, offerd_json(message), tasks, 1);
    offerd_reserve(accept, NULL, reserved());
    offerd_reserve(accept, "op-1", tags());
    offerd_unreserve(accept, "op-2", reserved());
    offerd_create(accept, "op-3", volume());
    offerd_destroy(accept, NULL, volume());
    offerd_grow_volume(accept, "op-4", volume(), offerd_scalar("disk", 1));
    offerd_shrink_volume(accept, NULL, volume(), 64000);
    offerd_create_disk(accept, "op-5", raw(), OFFERD_DISK_KIND_MOUNT, "fast");
    offerd_create_disk(accept, NULL, raw(), OFFERD_DISK_KIND_BLOCK, NULL);
    offerd_destroy_disk(accept, NULL, raw());
    offerd_accept_refuse(accept, 1000);
    offerd_launch_waiting(offerd_accept(out, other, 1, NULL), 1, 1);
}

static void act(offerd_decisions_t *out) {
    const uint32_t roles[] = {0, 1}, tasks[] = {5}, inverse[] = {6, 7, 8};
    offerd_revive(out, roles, 2, "a revival");
    offerd_suppress(out, roles + 1, 1, NULL);
    offerd_shutdown(out, 3, "e", NULL);
    offerd_message(out, 3, "e", "\x00\xff", 2, "a message");
    offerd_mesos_resource_t *cpus = offerd_alloc(sizeof *cpus);
    *cpus = offerd_scalar("cpus", 0.5);
    const offerd_resource_request_t request = {4, {cpus, 1}};
    offerd_request(out, &request, 1, NULL);
    offerd_reconcile(out, tasks, 1, NULL);
    offerd_reconcile(out, NULL, 0, NULL);
    const offerd_operation_query_t queries[] = {
        {offerd_text("o"), OFFERD_NONE, some("p")},
        {offerd_text("q"), 7, {false, {NULL, 0}}},
    };
    offerd_reconcile_operations(out, queries, 2, NULL);
    offerd_accept_inverse(out, inverse, 1, OFFERD_HOSTS_CHOICE, NULL);
    offerd_decline_inverse(out, inverse + 1, 2, 2000, "not in time");
    const offerd_encoded_t json = offerd_json(message), bytes = offerd_protobuf("\x01", 1);
    offerd_update_framework(out, &json, &bytes, NULL);
    offerd_update_framework(out, NULL, &json, NULL);
    offerd_timer(out, 8, 9000, NULL);
    offerd_timer(out, 3000000000, 500, NULL);
    offerd_cancel_timer(out, 8, NULL);
}

void decide_all(offerd_decisions_t *out) {
    offerd_place(out, 1, 2, 3, "a place ☃");
    offerd_place(out, 1, 4, 1, NULL);
    offerd_decline(out, 5, 6000, "a decline");
    offerd_decline(out, 6, OFFERD_HOSTS_CHOICE, NULL);
    offerd_kill(out, 8, 9000, "a place ☃");
    offerd_kill(out, 9, OFFERD_HOSTS_CHOICE, "");
    offerd_leftover(out, 13000);
    offerd_decline_rest(out, 11000, "the rest");
    accept(out);
    act(out);
}
