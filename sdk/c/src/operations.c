// Operations of an ACCEPT.

#include "inside.h"

static void operate(offerd_accepting_t *accept, uint8_t tag, offerd_operation_t operation) {
    operation.tag = tag;
    offerd_operate(accept, operation);
}

static offerd_list_encoded_t messages(const offerd_encoded_t *list, size_t count) {
    return (offerd_list_encoded_t){offerd_copy(list, count * sizeof *list), count};
}

void offerd_launch(offerd_accepting_t *accept, const offerd_encoded_t *tasks, size_t count) {
    offerd_operation_t operation = {.val.launch = messages(tasks, count)};
    operate(accept, OFFERD_OPERATION_LAUNCH, operation);
}

void offerd_launch_waiting(offerd_accepting_t *accept, uint32_t set, uint32_t count) {
    offerd_operation_t operation = {.val.place = {set, count}};
    operate(accept, OFFERD_OPERATION_PLACE, operation);
}

void offerd_launch_group(offerd_accepting_t *accept, offerd_encoded_t executor,
                         const offerd_encoded_t *tasks, size_t count) {
    offerd_operation_t operation = {.val.launch_group = {executor, messages(tasks, count)}};
    operate(accept, OFFERD_OPERATION_LAUNCH_GROUP, operation);
}

static offerd_list_mesos_resource_t one(offerd_mesos_resource_t resource) {
    return (offerd_list_mesos_resource_t){offerd_copy(&resource, sizeof resource), 1};
}

static offerd_resource_operation_t on(const char *id, offerd_mesos_resource_t resource) {
    return (offerd_resource_operation_t){offerd_option(id), one(resource)};
}

void offerd_reserve(offerd_accepting_t *accept, const char *id, offerd_mesos_resource_t resource) {
    offerd_operation_t operation = {
        .val.reserve = {.id = offerd_option(id), .resources = one(resource)}};
    operate(accept, OFFERD_OPERATION_RESERVE, operation);
}

void offerd_unreserve(offerd_accepting_t *accept, const char *id,
                      offerd_mesos_resource_t resource) {
    offerd_operation_t operation = {.val.unreserve = on(id, resource)};
    operate(accept, OFFERD_OPERATION_UNRESERVE, operation);
}

void offerd_create(offerd_accepting_t *accept, const char *id, offerd_mesos_resource_t volume) {
    offerd_operation_t operation = {.val.create = on(id, volume)};
    operate(accept, OFFERD_OPERATION_CREATE, operation);
}

void offerd_destroy(offerd_accepting_t *accept, const char *id, offerd_mesos_resource_t volume) {
    offerd_operation_t operation = {.val.destroy = on(id, volume)};
    operate(accept, OFFERD_OPERATION_DESTROY, operation);
}

void offerd_grow_volume(offerd_accepting_t *accept, const char *id, offerd_mesos_resource_t volume,
                        offerd_mesos_resource_t addition) {
    offerd_operation_t operation = {.val.grow_volume = {offerd_option(id), volume, addition}};
    operate(accept, OFFERD_OPERATION_GROW_VOLUME, operation);
}

void offerd_shrink_volume(offerd_accepting_t *accept, const char *id,
                          offerd_mesos_resource_t volume, double subtract) {
    offerd_operation_t operation = {.val.shrink_volume = {offerd_option(id), volume, subtract}};
    operate(accept, OFFERD_OPERATION_SHRINK_VOLUME, operation);
}

void offerd_create_disk(offerd_accepting_t *accept, const char *id, offerd_mesos_resource_t source,
                        offerd_disk_kind_t target, const char *profile) {
    offerd_operation_t operation = {
        .val.create_disk = {offerd_option(id), source, target, offerd_option(profile)}};
    operate(accept, OFFERD_OPERATION_CREATE_DISK, operation);
}

void offerd_destroy_disk(offerd_accepting_t *accept, const char *id,
                         offerd_mesos_resource_t source) {
    offerd_operation_t operation = {.val.destroy_disk = {offerd_option(id), source}};
    operate(accept, OFFERD_OPERATION_DESTROY_DISK, operation);
}
