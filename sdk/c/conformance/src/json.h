// The values of the contract in JSON, as the guests of all languages show them: records as
// objects, none as null, enums as the names of their cases, variants as {"case": value},
// 64-bit numbers as decimal text, bytes as an array of numbers.
#ifndef JSON_H
#define JSON_H

#include <offerd.h>

#ifdef __cplusplus
extern "C" {
#endif

// A text that grows.
typedef struct {
    char *text;
    size_t length;
    size_t room;
} json_t;

void json_raw(json_t *to, const char *text);
void json_number(json_t *to, double number);
void json_bool(json_t *to, bool value);
void json_text(json_t *to, contract_string_t text);
void json_option_text(json_t *to, const contract_option_string_t *text);
void json_bytes(json_t *to, contract_list_u8_t bytes);
void json_numbers(json_t *to, const uint32_t *numbers, size_t count);
void json_millis(json_t *to, const double *numbers, size_t count);
void json_texts(json_t *to, contract_list_string_t texts);
void json_offer(json_t *to, const offerd_offer_t *offer);
void json_waiting(json_t *to, const offerd_waiting_t *set);
void json_task(json_t *to, const offerd_task_t *task);
void json_update(json_t *to, const offerd_update_t *update);
void json_event(json_t *to, const offerd_event_t *event);
void json_operation(json_t *to, const offerd_operation_update_t *operation);
void json_agent(json_t *to, const offerd_cluster_agent_details_t *agent);
void json_details(json_t *to, const offerd_cluster_offer_details_t *offer);
void json_job(json_t *to, const offerd_cluster_job_details_t *job);
void json_task_details(json_t *to, const offerd_cluster_task_details_t *task);
void json_framework(json_t *to, const offerd_cluster_framework_details_t *framework);
void json_limits(json_t *to, const offerd_cluster_limits_t *limits);

#ifdef __cplusplus
}
#endif

#endif
