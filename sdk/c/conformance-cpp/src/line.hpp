// What the guest shows: lines of JSON, `["kind",value...]`, in memory of the call.
#ifndef LINE_HPP
#define LINE_HPP

#include <offerd.hpp>

#include "../../conformance/src/json.h"

inline void put(json_t &to, bool value) { json_bool(&to, value); }
inline void put(json_t &to, double value) { json_number(&to, value); }
inline void put(json_t &to, uint32_t value) { json_number(&to, value); }
inline void put(json_t &to, std::string_view text) {
    auto *bytes = reinterpret_cast<uint8_t *>(const_cast<char *>(text.data()));
    json_text(&to, {bytes, text.size()});
}
inline void put(json_t &to, std::span<const uint32_t> numbers) {
    json_numbers(&to, numbers.data(), numbers.size());
}
inline void put(json_t &to, std::span<const double> numbers) {
    json_millis(&to, numbers.data(), numbers.size());
}
inline void put(json_t &to, std::span<const uint8_t> bytes) {
    json_bytes(&to, {const_cast<uint8_t *>(bytes.data()), bytes.size()});
}
inline void put(json_t &to, std::span<const contract_string_t> texts) {
    json_texts(&to, {const_cast<contract_string_t *>(texts.data()), texts.size()});
}
inline void put(json_t &to, const offerd::Offer &offer) { json_offer(&to, &offer); }
inline void put(json_t &to, const offerd::Waiting &set) { json_waiting(&to, &set); }
inline void put(json_t &to, const offerd::Task &task) { json_task(&to, &task); }
inline void put(json_t &to, const offerd::Update &update) { json_update(&to, &update); }
inline void put(json_t &to, const offerd::Event &event) { json_event(&to, &event); }
inline void put(json_t &to, const offerd::OperationUpdate &operation) {
    json_operation(&to, &operation);
}
inline void put(json_t &to, const offerd::AgentDetails &agent) { json_agent(&to, &agent); }
inline void put(json_t &to, const offerd::OfferDetails &details) { json_details(&to, &details); }
inline void put(json_t &to, const offerd::JobDetails &job) { json_job(&to, &job); }
inline void put(json_t &to, const offerd::TaskDetails &details) {
    json_task_details(&to, &details);
}
inline void put(json_t &to, const offerd::FrameworkDetails &framework) {
    json_framework(&to, &framework);
}
inline void put(json_t &to, const offerd::Limits &limits) { json_limits(&to, &limits); }
inline void put(json_t &to, std::nullopt_t) { json_raw(&to, "null"); }
template <class Value> void put(json_t &to, const std::optional<Value> &value) {
    value ? put(to, *value) : put(to, std::nullopt);
}

template <class... Values>
contract_string_t line(std::string_view kind, const Values &...values) {
    json_t json = {};
    json_raw(&json, "[");
    put(json, kind);
    ((json_raw(&json, ","), put(json, values)), ...);
    json_raw(&json, "]");
    return {reinterpret_cast<uint8_t *>(json.text), json.length};
}

#endif
