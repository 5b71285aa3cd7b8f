// Complete resources, as operations name them, and messages for Mesos. Everything is copied
// into memory of the call.

#include <string.h>

#include "inside.h"

offerd_encoded_t offerd_json(const char *message) {
    return (offerd_encoded_t){.tag = OFFERD_ENCODED_JSON, .val.json = offerd_format("%s", message)};
}

offerd_encoded_t offerd_protobuf(const void *message, size_t size) {
    return (offerd_encoded_t){.tag = OFFERD_ENCODED_PROTOBUF,
                              .val.protobuf = offerd_bytes(message, size)};
}

static offerd_mesos_resource_t plain(const char *name, offerd_resource_value_t value) {
    return (offerd_mesos_resource_t){.name = offerd_format("%s", name), .value = value};
}

offerd_mesos_resource_t offerd_scalar(const char *name, double units) {
    offerd_resource_value_t value = {.tag = OFFERD_RESOURCE_VALUE_SCALAR,
                                     .val.scalar = offerd_milli(units)};
    return plain(name, value);
}

offerd_mesos_resource_t offerd_ranges(const char *name, const offerd_range_t *ranges,
                                      size_t count) {
    offerd_resource_value_t value = {
        .tag = OFFERD_RESOURCE_VALUE_RANGES,
        .val.ranges = {offerd_copy(ranges, count * sizeof *ranges), count},
    };
    return plain(name, value);
}

offerd_mesos_resource_t offerd_items(const char *name, const char *const *items, size_t count) {
    contract_string_t *texts = offerd_alloc(count * sizeof *texts);
    for (size_t at = 0; at < count; at++) {
        texts[at] = offerd_format("%s", items[at]);
    }
    offerd_resource_value_t value = {.tag = OFFERD_RESOURCE_VALUE_ITEMS,
                                     .val.items = {texts, count}};
    return plain(name, value);
}

offerd_mesos_resource_t offerd_reserved_for(offerd_mesos_resource_t resource, const char *role,
                                            const char *principal) {
    size_t count = resource.reservations.len;
    offerd_reservation_t *stack = offerd_alloc((count + 1) * sizeof *stack);
    if (count > 0) {
        memcpy(stack, resource.reservations.ptr, count * sizeof *stack);
    }
    stack[count] = (offerd_reservation_t){
        .kind = OFFERD_RESERVATION_KIND_DYNAMIC,
        .role = offerd_format("%s", role),
        .principal = offerd_option(principal),
    };
    resource.reservations = (offerd_list_reservation_t){stack, count + 1};
    return resource;
}

offerd_mesos_resource_t offerd_persistent(offerd_mesos_resource_t disk, const char *id,
                                          const char *path) {
    offerd_persistence_t persistence = {.id = offerd_format("%s", id)};
    if (disk.reservations.len > 0) {
        persistence.principal = disk.reservations.ptr[disk.reservations.len - 1].principal;
    }
    if (!disk.disk.is_some) {
        disk.disk = (offerd_option_disk_info_t){.is_some = true};
    }
    disk.disk.val.persistence = (offerd_option_persistence_t){true, persistence};
    disk.disk.val.volume =
        (offerd_option_volume_t){true, {.container_path = offerd_format("%s", path)}};
    return disk;
}
