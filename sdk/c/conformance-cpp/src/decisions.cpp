#include "decisions.hpp"

#include <array>

namespace {

const char *const json = R"({"name":"t"})";

contract_option_string_t some(const char *text) { return {true, offerd_text(text)}; }

template <class Item> Item *kept(const Item &item) {
    auto *made = static_cast<Item *>(offerd_alloc(sizeof(Item)));
    *made = item;
    return made;
}

offerd::Resource reserved() {
    offerd::Resource cpus = offerd_reserved_for(offerd_scalar("cpus", 0.1), "r", nullptr);
    cpus = offerd_reserved_for(cpus, "r/s", "me");
    for (size_t at = 0; at < cpus.reservations.len; at++) {
        offerd_reservation_t &reservation = cpus.reservations.ptr[at];
        reservation.labels = {kept(offerd_label_t{offerd_text("k"), reservation.principal}), 1};
    }
    // Made by the agent's operator.
    cpus.reservations.ptr[0].kind = OFFERD_RESERVATION_KIND_FIXED;
    return cpus;
}

offerd::Resource tags() {
    const char *const items[] = {"a", "☃"};
    offerd::Resource tags = offerd_items("tags", items, 2);
    tags.revocable = true;
    tags.provider = some("p");
    return tags;
}

offerd_option_disk_info_t source(offerd_disk_kind_t kind) {
    offerd_disk_source_t source = {};
    source.kind = kind;
    source.root = some("/mnt");
    source.id = some("d");
    source.metadata = {kept(offerd_label_t{offerd_text("m"), {}}), 1};
    offerd_option_disk_info_t disk = {};
    disk.is_some = true;
    disk.val.source = {true, source};
    return disk;
}

offerd::Resource volume() {
    offerd::Resource disk = offerd_scalar("disk", 64);
    disk.disk = source(OFFERD_DISK_KIND_PATH);
    disk.shared = true;
    disk = offerd_persistent(offerd_reserved_for(disk, "r", "me"), "v", "data");
    disk.disk.val.volume.val.host_path = some("/srv");
    disk.disk.val.volume.val.read_only = true;
    return disk;
}

offerd::Resource raw() {
    const offerd_range_t ranges[] = {{1, 2}, {4, 4}};
    offerd::Resource raw = offerd_ranges("blocks", ranges, 2);
    raw.disk = source(OFFERD_DISK_KIND_RAW);
    return raw;
}

// A record of which only the handle counts.
template <class Record> Record with(uint32_t Record::*handle, uint32_t number) {
    Record made = {};
    made.*handle = number;
    return made;
}
offerd::Offer offer(uint32_t handle) { return with(&offerd::Offer::offer, handle); }
offerd::Task task(uint32_t handle) { return with(&offerd::Task::task, handle); }
offerd::Waiting set(uint32_t handle) { return with(&offerd::Waiting::set, handle); }
offerd::Spot spot(uint32_t handle) { return with(&offerd::Spot::offer, handle); }

void accept(const offerd::Decisions &out) {
    const std::array<uint32_t, 2> offers = {1, 2};
    const std::array tasks = {offerd_json(json), offerd_protobuf("\x08\x01", 2)};
    out.accept(offers, "an accept")
        .launch(tasks)
        .place(set(1), 2)
        .launch_group(offerd_json(json), std::span(tasks).first(1))
        .reserve(reserved())
        .reserve(tags(), "op-1")
        .unreserve(reserved(), "op-2")
        .create(volume(), "op-3")
        .destroy(volume())
        .grow_volume(volume(), offerd_scalar("disk", 1), "op-4")
        .shrink_volume(volume(), 64000)
        .create_disk(raw(), OFFERD_DISK_KIND_MOUNT, "fast", "op-5")
        .create_disk(raw(), OFFERD_DISK_KIND_BLOCK)
        .destroy_disk(raw())
        .refuse(1000);
    out.accept(offer(3)).place(set(1), 1);
}

void act(const offerd::Decisions &out) {
    const std::array<uint32_t, 2> roles = {0, 1};
    const std::array<uint32_t, 3> handles = {6, 7, 8};
    const std::array<uint32_t, 1> tasks = {5};
    out.revive(roles, "a revival");
    out.suppress(std::span(roles).subspan(1));
    out.shutdown(3, "e");
    out.message(3, "e", std::string_view("\x00\xff", 2), "a message");
    const std::array requests = {
        offerd_resource_request_t{4, {kept(offerd_scalar("cpus", 0.5)), 1}}};
    out.request(requests);
    out.reconcile(tasks);
    out.reconcile({});
    const std::array queries = {
        offerd_operation_query_t{offerd_text("o"), OFFERD_NONE, some("p")},
        offerd_operation_query_t{offerd_text("q"), 7, {}},
    };
    out.reconcile_operations(queries);
    out.accept_inverse(std::span(handles).first(1));
    out.decline_inverse(std::span(handles).subspan(1), 2000, "not in time");
    const offerd::Message framework = offerd_json(json), constraints = offerd_protobuf("\x01", 1);
    out.update_framework(&framework, &constraints);
    out.update_framework(nullptr, &framework);
    out.timer(8, 9000);
    out.timer(3000000000, 500);
    out.cancel_timer(8);
}

} // namespace

void decide_all(const offerd::Decisions &out) {
    out.place(spot(1), set(2), 3, "a place ☃");
    out.place(spot(1), set(4), 1);
    out.decline(offer(5), 6000, "a decline");
    out.decline(offer(6), offerd::hosts_choice);
    out.kill(task(8), 9000, "a place ☃");
    out.kill(task(9), offerd::hosts_choice, "");
    out.leftover(13000);
    out.decline_rest(11000, "the rest");
    accept(out);
    act(out);
}
