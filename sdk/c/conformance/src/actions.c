// One of each action and operation of the contract.

#include "actions.h"

enum { OPERATIONS = 11, ACTIONS = 12 };

static contract_option_string_t some(const char *text) {
    return (contract_option_string_t){true, offerd_text(text)};
}

static offerd_encoded_t json(void) {
    return (offerd_encoded_t){.tag = OFFERD_ENCODED_JSON, .val.json = offerd_text("{}")};
}

static offerd_encoded_t protobuf(const char *bytes, size_t count) {
    contract_list_u8_t list = {(uint8_t *)bytes, count};
    return (offerd_encoded_t){.tag = OFFERD_ENCODED_PROTOBUF, .val.protobuf = list};
}

static offerd_mesos_resource_t reserved(void) {
    offerd_mesos_resource_t cpus = offerd_reserved_for(offerd_scalar("cpus", 1), "r", "me");
    offerd_label_t *label = offerd_alloc(sizeof *label);
    label->key = offerd_text("k");
    cpus.reservations.ptr[0].labels = (offerd_list_label_t){label, 1};
    return cpus;
}

static offerd_mesos_resource_t volume(void) {
    offerd_mesos_resource_t disk = offerd_persistent(offerd_scalar("disk", 64000), "v", NULL, "data");
    disk.disk.val.source.is_some = true;
    disk.disk.val.source.val.kind = OFFERD_DISK_KIND_PATH;
    disk.disk.val.source.val.root = some("/mnt");
    disk.shared = true;
    return disk;
}

static offerd_list_mesos_resource_t only(offerd_mesos_resource_t resource) {
    offerd_mesos_resource_t *list = offerd_alloc(sizeof *list);
    *list = resource;
    return (offerd_list_mesos_resource_t){list, 1};
}

static offerd_list_operation_t operations(void) {
    offerd_operation_t *all = offerd_alloc(OPERATIONS * sizeof *all);
    for (uint8_t tag = 0; tag < OPERATIONS; tag++) {
        all[tag].tag = tag;
    }
    offerd_encoded_t *tasks = offerd_alloc(2 * sizeof *tasks);
    tasks[0] = json();
    tasks[1] = protobuf("\x08\x01", 2);
    all[OFFERD_OPERATION_LAUNCH].val.launch = (offerd_list_encoded_t){tasks, 2};
    all[OFFERD_OPERATION_PLACE].val.place = (offerd_set_count_t){1, 2};
    all[OFFERD_OPERATION_LAUNCH_GROUP].val.launch_group =
        (offerd_task_group_t){json(), {tasks, 1}};
    all[OFFERD_OPERATION_RESERVE].val.reserve = (offerd_reserve_t){
        .source = only(offerd_scalar("cpus", 1)), .resources = only(reserved())};
    all[OFFERD_OPERATION_UNRESERVE].val.unreserve =
        (offerd_resource_operation_t){some("op"), only(reserved())};
    all[OFFERD_OPERATION_CREATE].val.create =
        (offerd_resource_operation_t){some("op"), only(volume())};
    all[OFFERD_OPERATION_DESTROY].val.destroy =
        (offerd_resource_operation_t){some("op"), only(volume())};
    all[OFFERD_OPERATION_GROW_VOLUME].val.grow_volume =
        (offerd_grow_volume_t){.volume = volume(), .addition = offerd_scalar("disk", 1)};
    all[OFFERD_OPERATION_SHRINK_VOLUME].val.shrink_volume =
        (offerd_shrink_volume_t){.volume = volume(), .subtract = 64000};
    all[OFFERD_OPERATION_CREATE_DISK].val.create_disk = (offerd_create_disk_t){
        .source = offerd_scalar("disk", 2),
        .target = OFFERD_DISK_KIND_MOUNT,
        .target_profile = some("fast"),
    };
    offerd_range_t *range = offerd_alloc(sizeof *range);
    *range = (offerd_range_t){1, 2};
    offerd_mesos_resource_t ports = offerd_scalar("ports", 0);
    ports.value.tag = OFFERD_RESOURCE_VALUE_RANGES;
    ports.value.val.ranges = (offerd_list_range_t){range, 1};
    all[OFFERD_OPERATION_DESTROY_DISK].val.destroy_disk = (offerd_destroy_disk_t){.source = ports};
    return (offerd_list_operation_t){all, OPERATIONS};
}

static contract_list_u32_t numbers(size_t count, uint32_t first, uint32_t second) {
    uint32_t *list = offerd_alloc(2 * sizeof *list);
    list[0] = first;
    list[1] = second;
    return (contract_list_u32_t){list, count};
}

offerd_list_reasoned_action_t actions(void) {
    offerd_reasoned_action_t *all = offerd_alloc(ACTIONS * sizeof *all);
    for (uint8_t tag = 0; tag < ACTIONS; tag++) {
        all[tag].action.tag = tag;
        all[tag].reason = tag + 1u;
    }
    all[OFFERD_ACTION_ACCEPT].action.val.accept =
        (offerd_accept_t){numbers(2, 1, 2), operations(), 1000};
    all[OFFERD_ACTION_REVIVE].action.val.revive = numbers(2, 0, 1);
    all[OFFERD_ACTION_SUPPRESS].action.val.suppress = numbers(1, 1, 0);
    all[OFFERD_ACTION_SHUTDOWN].action.val.shutdown = (offerd_executor_t){3, offerd_text("e")};
    all[OFFERD_ACTION_MESSAGE].action.val.message =
        (offerd_executor_message_t){3, offerd_text("e"), {(uint8_t *)"\x00\xff", 2}};
    offerd_resource_request_t *request = offerd_alloc(sizeof *request);
    *request = (offerd_resource_request_t){4, only(offerd_scalar("cpus", 500))};
    all[OFFERD_ACTION_REQUEST].action.val.request = (offerd_list_resource_request_t){request, 1};
    all[OFFERD_ACTION_RECONCILE].action.val.reconcile = numbers(1, 5, 0);
    offerd_operation_query_t *query = offerd_alloc(sizeof *query);
    *query = (offerd_operation_query_t){offerd_text("o"), OFFERD_NONE, some("p")};
    all[OFFERD_ACTION_RECONCILE_OPERATIONS].action.val.reconcile_operations =
        (offerd_list_operation_query_t){query, 1};
    all[OFFERD_ACTION_ACCEPT_INVERSE_OFFERS].action.val.accept_inverse_offers =
        (offerd_inverse_answer_t){numbers(1, 6, 0), OFFERD_HOSTS_CHOICE};
    all[OFFERD_ACTION_DECLINE_INVERSE_OFFERS].action.val.decline_inverse_offers =
        (offerd_inverse_answer_t){numbers(1, 7, 0), 2000};
    all[OFFERD_ACTION_UPDATE_FRAMEWORK].action.val.update_framework =
        (offerd_framework_update_t){{true, json()}, {true, protobuf("\x01", 1)}};
    all[OFFERD_ACTION_TIMER].action.val.timer = (offerd_timer_t){8, 9000};
    return (offerd_list_reasoned_action_t){all, ACTIONS};
}
