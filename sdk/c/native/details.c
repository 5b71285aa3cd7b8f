// What a test sets beside what follows from the cluster: details of agents and offers, and
// operations. Texts are copied; what records point to is memory of the test.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

static offerd_test_agent_t *agent_of(uint32_t handle) {
    if (handle >= offerd_test.agents.count) {
        fprintf(stderr, "the test cluster has no agent %u\n", handle);
        exit(1);
    }
    return OFFERD_ITEM(offerd_test_agent_t, offerd_test.agents, handle);
}

static offerd_offer_t *offer_of(uint32_t handle) {
    for (size_t at = 0; at < offerd_test.offers.count; at++) {
        offerd_offer_t *offer = OFFERD_ITEM(offerd_offer_t, offerd_test.offers, at);
        if (offer->offer == handle) {
            return offer;
        }
    }
    fprintf(stderr, "the test cluster has no offer %u\n", handle);
    exit(1);
}

static contract_string_t copy(const char *text, size_t length) {
    return (contract_string_t){(uint8_t *)strndup(text, length), length};
}

static void set_attribute(uint32_t agent, contract_string_t name,
                          offerd_cluster_attribute_value_t value) {
    offerd_items_t *all = &offerd_test.attributes;
    for (size_t at = 0; at < all->count; at++) {
        offerd_test_attribute_t *known = OFFERD_ITEM(offerd_test_attribute_t, *all, at);
        contract_string_t other = known->attribute.name;
        if (known->agent == agent && other.len == name.len &&
            memcmp(other.ptr, name.ptr, name.len) == 0) {
            known->attribute.value = value;
            return;
        }
    }
    offerd_test_attribute_t made = {agent, {name, value}};
    offerd_items_add(all, &made);
}

void offerd_test_attribute(uint32_t agent, const char *name,
                           offerd_cluster_attribute_value_t value) {
    agent_of(agent);
    set_attribute(agent, copy(name, strlen(name)), value);
}

void offerd_text_attributes(uint32_t agent, const char *text) {
    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, ",");
        size_t name = strcspn(text, "=");
        if (name >= length) {
            fprintf(stderr, "%.*s is no attribute; write name=value\n", (int)length, text);
            exit(1);
        }
        offerd_cluster_attribute_value_t value = {
            .tag = OFFERD_CLUSTER_ATTRIBUTE_VALUE_TEXT,
            .val.text = copy(text + name + 1, length - name - 1),
        };
        set_attribute(agent, copy(text, name), value);
        text += length + (text[length] == ',');
    }
}

void offerd_test_rename(uint32_t agent, const char *hostname) {
    agent_of(agent)->hostname = copy(hostname, strlen(hostname));
}

void offerd_test_zone(uint32_t agent, const char *zone) {
    offerd_test_agent_t *known = agent_of(agent);
    known->zone.is_some = zone != NULL;
    if (zone != NULL) {
        known->zone.val = copy(zone, strlen(zone));
    }
}

void offerd_test_traits(uint32_t offer, uint32_t traits) { offer_of(offer)->traits |= traits; }

void offerd_test_column(uint32_t offer, const char *name, double milli) {
    offer_of(offer);
    offerd_test_column_t column = {offer, copy(name, strlen(name)), milli};
    offerd_items_add(&offerd_test.columns, &column);
}

void offerd_test_resources(uint32_t offer, const offerd_mesos_resource_t *resources,
                           size_t count) {
    offer_of(offer);
    offerd_test_resources_t made = {
        offer, {offerd_copy(resources, count * sizeof *resources), count}};
    offerd_items_add(&offerd_test.resources, &made);
}

void offerd_test_operation(offerd_operation_update_t operation) {
    offerd_items_add(&offerd_test.operations, &operation);
}
