#include "json.h"

#include <stdio.h>
#include <string.h>

static void add(json_t *to, const char *bytes, size_t count) {
    if (to->length + count + 1 > to->room) {
        size_t room = 2 * to->room + count + 64;
        char *text = offerd_alloc(room);
        if (to->length > 0) {
            memcpy(text, to->text, to->length);
        }
        to->text = text;
        to->room = room;
    }
    if (count > 0) {
        memcpy(to->text + to->length, bytes, count);
    }
    to->length += count;
}

void json_raw(json_t *to, const char *text) { add(to, text, strlen(text)); }

void json_number(json_t *to, double number) {
    char text[40];
    int length = snprintf(text, sizeof text, "%.17g", number);
    add(to, text, (size_t)length);
}

void json_bool(json_t *to, bool value) { json_raw(to, value ? "true" : "false"); }

void json_text(json_t *to, contract_string_t text) {
    json_raw(to, "\"");
    for (size_t at = 0; at < text.len; at++) {
        uint8_t byte = text.ptr[at];
        if (byte == '"' || byte == '\\') {
            char escaped[2] = {'\\', (char)byte};
            add(to, escaped, 2);
        } else if (byte < 0x20) {
            char escaped[8];
            int length = snprintf(escaped, sizeof escaped, "\\u%04x", byte);
            add(to, escaped, (size_t)length);
        } else {
            add(to, (const char *)&byte, 1);
        }
    }
    json_raw(to, "\"");
}

void json_option_text(json_t *to, const contract_option_string_t *text) {
    if (text->is_some) {
        json_text(to, text->val);
    } else {
        json_raw(to, "null");
    }
}

// A list of anything: the rest shows the item `item`.
#define LIST(TO, COUNT, ...)                                                                   \
    do {                                                                                       \
        json_raw(TO, "[");                                                                     \
        for (size_t item = 0; item < (COUNT); item++) {                                        \
            if (item > 0)                                                                      \
                json_raw(TO, ",");                                                             \
            __VA_ARGS__;                                                                       \
        }                                                                                      \
        json_raw(TO, "]");                                                                     \
    } while (0)

void json_bytes(json_t *to, contract_list_u8_t bytes) {
    LIST(to, bytes.len, json_number(to, bytes.ptr[item]));
}

void json_numbers(json_t *to, const uint32_t *numbers, size_t count) {
    LIST(to, count, json_number(to, numbers[item]));
}

void json_millis(json_t *to, const double *numbers, size_t count) {
    LIST(to, count, json_number(to, numbers[item]));
}

void json_texts(json_t *to, contract_list_string_t texts) {
    LIST(to, texts.len, json_text(to, texts.ptr[item]));
}

static void wide(json_t *to, uint64_t number) {
    char text[24];
    snprintf(text, sizeof text, "\"%llu\"", (unsigned long long)number);
    json_raw(to, text);
}

/// The name of a field; the first one opens the object.
static void key(json_t *to, const char *name) {
    json_raw(to, to->length > 0 && to->text[to->length - 1] != '{' ? ",\"" : "\"");
    json_raw(to, name);
    json_raw(to, "\":");
}

// Fields of the record `from`.
#define OPEN json_raw(to, "{")
#define CLOSE json_raw(to, "}")
#define NUMBER(FIELD) (key(to, #FIELD), json_number(to, from->FIELD))
#define TEXT(FIELD) (key(to, #FIELD), json_text(to, from->FIELD))
#define OPTION(FIELD) (key(to, #FIELD), json_option_text(to, &from->FIELD))
#define BOOL(FIELD) (key(to, #FIELD), json_bool(to, from->FIELD))
#define AMOUNTS NUMBER(cpus), NUMBER(mem), NUMBER(disk), NUMBER(gpus), NUMBER(ports)

static void name(json_t *to, const char *const *names, uint8_t number) {
    json_text(to, offerd_text(names[number]));
}

void json_offer(json_t *to, const offerd_offer_t *from) {
    OPEN;
    NUMBER(offer), NUMBER(agent), NUMBER(role), AMOUNTS, NUMBER(traits), NUMBER(since);
    CLOSE;
}

void json_waiting(json_t *to, const offerd_waiting_t *from) {
    OPEN;
    NUMBER(set), NUMBER(job), NUMBER(role), NUMBER(count), AMOUNTS, NUMBER(priority);
    NUMBER(traits), NUMBER(since);
    CLOSE;
}

void json_task(json_t *to, const offerd_task_t *from) {
    OPEN;
    NUMBER(task), NUMBER(job), NUMBER(agent), NUMBER(role), NUMBER(state), NUMBER(priority);
    NUMBER(traits), AMOUNTS, NUMBER(since);
    CLOSE;
}

void json_update(json_t *to, const offerd_update_t *from) {
    OPEN;
    NUMBER(task), NUMBER(job), NUMBER(agent), NUMBER(state), NUMBER(reason), NUMBER(source);
    NUMBER(traits), NUMBER(at);
    CLOSE;
}

static void labels(json_t *to, const offerd_label_t *list, size_t count) {
    LIST(to, count, {
        const offerd_label_t *from = &list[item];
        OPEN;
        TEXT(key), OPTION(value);
        CLOSE;
    });
}

static void ranges(json_t *to, offerd_list_range_t list) {
    LIST(to, list.len, {
        OPEN;
        key(to, "begin"), wide(to, list.ptr[item].begin);
        key(to, "end"), wide(to, list.ptr[item].end);
        CLOSE;
    });
}

static void resource_value(json_t *to, const offerd_resource_value_t *from) {
    OPEN;
    switch (from->tag) {
    case OFFERD_RESOURCE_VALUE_SCALAR:
        key(to, "scalar"), json_number(to, from->val.scalar);
        break;
    case OFFERD_RESOURCE_VALUE_RANGES:
        key(to, "ranges"), ranges(to, from->val.ranges);
        break;
    default:
        key(to, "items"), json_texts(to, from->val.items);
    }
    CLOSE;
}

static void reservations(json_t *to, offerd_list_reservation_t list) {
    static const char *const kinds[] = {"fixed", "dynamic"};
    LIST(to, list.len, {
        const offerd_reservation_t *from = &list.ptr[item];
        OPEN;
        key(to, "kind"), name(to, kinds, from->kind);
        TEXT(role), OPTION(principal);
        key(to, "labels"), labels(to, from->labels.ptr, from->labels.len);
        CLOSE;
    });
}

static void persistence(json_t *to, const offerd_option_persistence_t *option) {
    if (!option->is_some) {
        json_raw(to, "null");
        return;
    }
    const offerd_persistence_t *from = &option->val;
    OPEN;
    TEXT(id), OPTION(principal);
    CLOSE;
}

static void volume(json_t *to, const offerd_option_volume_t *option) {
    if (!option->is_some) {
        json_raw(to, "null");
        return;
    }
    const offerd_volume_t *from = &option->val;
    OPEN;
    TEXT(container_path), OPTION(host_path), BOOL(read_only);
    CLOSE;
}

static void source(json_t *to, const offerd_option_disk_source_t *option) {
    static const char *const kinds[] = {"unknown", "path", "mount", "block", "raw"};
    if (!option->is_some) {
        json_raw(to, "null");
        return;
    }
    const offerd_disk_source_t *from = &option->val;
    OPEN;
    key(to, "kind"), name(to, kinds, from->kind);
    OPTION(root), OPTION(id), OPTION(vendor), OPTION(profile);
    key(to, "metadata"), labels(to, from->metadata.ptr, from->metadata.len);
    CLOSE;
}

static void disk(json_t *to, const offerd_option_disk_info_t *option) {
    if (!option->is_some) {
        json_raw(to, "null");
        return;
    }
    OPEN;
    key(to, "persistence"), persistence(to, &option->val.persistence);
    key(to, "volume"), volume(to, &option->val.volume);
    key(to, "source"), source(to, &option->val.source);
    CLOSE;
}

static void resource(json_t *to, const offerd_mesos_resource_t *from) {
    OPEN;
    TEXT(name);
    key(to, "value"), resource_value(to, &from->value);
    key(to, "reservations"), reservations(to, from->reservations);
    key(to, "disk"), disk(to, &from->disk);
    BOOL(revocable), BOOL(shared), OPTION(provider);
    CLOSE;
}

static void resources(json_t *to, const offerd_mesos_resource_t *list, size_t count) {
    LIST(to, count, resource(to, &list[item]));
}

void json_operation(json_t *to, const offerd_operation_update_t *from) {
    OPEN;
    OPTION(operation_id), NUMBER(state), OPTION(message), NUMBER(agent), OPTION(provider);
    key(to, "converted"), resources(to, from->converted.ptr, from->converted.len);
    CLOSE;
}

static void subscribed(json_t *to, const offerd_subscribed_t *from) {
    OPEN;
    TEXT(framework_id), BOOL(fresh), TEXT(master);
    CLOSE;
}

static void message(json_t *to, const offerd_executor_message_t *from) {
    OPEN;
    NUMBER(agent), TEXT(executor_id);
    key(to, "data"), json_bytes(to, from->data);
    CLOSE;
}

static void failure(json_t *to, const offerd_failure_t *from) {
    OPEN;
    NUMBER(agent), OPTION(executor_id), key(to, "status");
    if (from->status.is_some) {
        json_number(to, from->status.val);
    } else {
        json_raw(to, "null");
    }
    CLOSE;
}

static void inverse_offers(json_t *to, offerd_list_inverse_offer_t list) {
    LIST(to, list.len, {
        const offerd_inverse_offer_t *from = &list.ptr[item];
        OPEN;
        NUMBER(inverse_offer), TEXT(id), NUMBER(agent), NUMBER(unavailable_from);
        NUMBER(unavailable_for);
        key(to, "resources"), resources(to, from->resources.ptr, from->resources.len);
        CLOSE;
    });
}

static void refusal(json_t *to, const offerd_refusal_t *from) {
    OPEN;
    NUMBER(round), TEXT(kind), NUMBER(position), TEXT(why);
    CLOSE;
}

static void other(json_t *to, const offerd_other_event_t *from) {
    OPEN;
    TEXT(kind), TEXT(details);
    CLOSE;
}

void json_event(json_t *to, const offerd_event_t *event) {
    OPEN;
    switch (event->tag) {
    case OFFERD_EVENT_SUBSCRIBED:
        key(to, "subscribed"), subscribed(to, &event->val.subscribed);
        break;
    case OFFERD_EVENT_DISCONNECTED:
        key(to, "disconnected"), json_text(to, event->val.disconnected);
        break;
    case OFFERD_EVENT_OPERATION:
        key(to, "operation"), json_operation(to, &event->val.operation);
        break;
    case OFFERD_EVENT_MESSAGE:
        key(to, "message"), message(to, &event->val.message);
        break;
    case OFFERD_EVENT_FAILURE:
        key(to, "failure"), failure(to, &event->val.failure);
        break;
    case OFFERD_EVENT_ERROR:
        key(to, "error"), json_text(to, event->val.error);
        break;
    case OFFERD_EVENT_INVERSE_OFFERS:
        key(to, "inverse_offers"), inverse_offers(to, event->val.inverse_offers);
        break;
    case OFFERD_EVENT_INVERSE_OFFER_RESCINDED:
        key(to, "inverse_offer_rescinded"), json_number(to, event->val.inverse_offer_rescinded);
        break;
    case OFFERD_EVENT_TIMER:
        key(to, "timer"), json_number(to, event->val.timer);
        break;
    case OFFERD_EVENT_REFUSED:
        key(to, "refused"), refusal(to, &event->val.refused);
        break;
    default:
        key(to, "other"), other(to, &event->val.other);
    }
    CLOSE;
}

static void attribute_value(json_t *to, const offerd_cluster_attribute_value_t *from) {
    OPEN;
    switch (from->tag) {
    case OFFERD_CLUSTER_ATTRIBUTE_VALUE_TEXT:
        key(to, "text"), json_text(to, from->val.text);
        break;
    case OFFERD_CLUSTER_ATTRIBUTE_VALUE_SCALAR:
        key(to, "scalar"), json_number(to, from->val.scalar);
        break;
    case OFFERD_CLUSTER_ATTRIBUTE_VALUE_RANGES: {
        offerd_list_range_t list = {from->val.ranges.ptr, from->val.ranges.len};
        key(to, "ranges"), ranges(to, list);
        break;
    }
    default:
        key(to, "items"), json_texts(to, from->val.items);
    }
    CLOSE;
}

void json_agent(json_t *to, const offerd_cluster_agent_details_t *from) {
    OPEN;
    TEXT(id), TEXT(hostname), OPTION(region), OPTION(zone);
    key(to, "attributes");
    LIST(to, from->attributes.len, {
        const offerd_cluster_attribute_t *attribute = &from->attributes.ptr[item];
        OPEN;
        key(to, "name"), json_text(to, attribute->name);
        key(to, "value"), attribute_value(to, &attribute->value);
        CLOSE;
    });
    CLOSE;
}

void json_details(json_t *to, const offerd_cluster_offer_details_t *from) {
    OPEN;
    TEXT(id);
    key(to, "resources"), resources(to, from->resources.ptr, from->resources.len);
    key(to, "executor_ids"), json_texts(to, from->executor_ids);
    key(to, "unavailability");
    if (from->unavailability.is_some) {
        OPEN;
        key(to, "begin"), json_number(to, from->unavailability.val.begin);
        key(to, "duration"), json_number(to, from->unavailability.val.duration);
        CLOSE;
    } else {
        json_raw(to, "null");
    }
    CLOSE;
}

void json_job(json_t *to, const offerd_cluster_job_details_t *from) {
    static const char *const kinds[] = {"service", "batch"};
    OPEN;
    TEXT(name), TEXT(role), key(to, "kind"), name(to, kinds, from->kind);
    NUMBER(count), NUMBER(priority);
    key(to, "labels"), labels(to, from->labels.ptr, from->labels.len);
    key(to, "constraints"), json_texts(to, from->constraints);
    CLOSE;
}

void json_task_details(json_t *to, const offerd_cluster_task_details_t *from) {
    OPEN;
    TEXT(id), TEXT(name), OPTION(executor_id), OPTION(message), OPTION(launched_because);
    key(to, "labels"), labels(to, from->labels.ptr, from->labels.len);
    key(to, "resources"), resources(to, from->resources.ptr, from->resources.len);
    CLOSE;
}

void json_framework(json_t *to, const offerd_cluster_framework_details_t *from) {
    OPEN;
    OPTION(id), TEXT(name), TEXT(user);
    CLOSE;
}

void json_limits(json_t *to, const offerd_cluster_limits_t *from) {
    OPEN;
    NUMBER(call_deadline), key(to, "memory"), wide(to, from->memory);
    NUMBER(offer_lease), NUMBER(offers_per_round), NUMBER(waiting_per_round), NUMBER(log_lines);
    CLOSE;
}
