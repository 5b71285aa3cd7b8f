// Texts, errors, log lines, metrics.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"

contract_string_t offerd_text(const char *text) {
    return (contract_string_t){(uint8_t *)text, strlen(text)};
}

const char *offerd_cstr(contract_string_t text) {
    char *copy = offerd_alloc(text.len + 1);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return copy;
}

bool offerd_text_is(contract_string_t text, const char *other) {
    size_t length = strlen(other);
    return text.len == length && (length == 0 || memcmp(text.ptr, other, length) == 0);
}

contract_string_t offerd_vformat(const char *format, va_list list) {
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    if (length < 0) {
        length = 0;
    }
    char *text = offerd_alloc((size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return (contract_string_t){(uint8_t *)text, (size_t)length};
}

contract_string_t offerd_format(const char *format, ...) {
    va_list list;
    va_start(list, format);
    contract_string_t text = offerd_vformat(format, list);
    va_end(list);
    return text;
}

contract_option_string_t offerd_option(const char *text) {
    contract_option_string_t option = {.is_some = text != NULL};
    if (text != NULL) {
        option.val = offerd_format("%s", text);
    }
    return option;
}

// In memory of the call.
static contract_option_string_t error;

bool offerd_error(const char *format, ...) {
    va_list list;
    va_start(list, format);
    error = (contract_option_string_t){true, offerd_vformat(format, list)};
    va_end(list);
    return false;
}

void offerd_error_begin(void) { error.is_some = false; }

contract_string_t offerd_error_said(void) {
    return error.is_some ? error.val : offerd_text("it failed and gave no reason");
}

/// Takes off what is there of a character that was cut.
static void cut_between_characters(char *text, size_t length) {
    while (length > 0 && ((uint8_t)text[length - 1] & 0xc0) == 0x80) {
        length--;
    }
    if (length > 0 && ((uint8_t)text[length - 1] & 0xc0) == 0xc0) {
        length--;
    }
    text[length] = '\0';
}

void offerd_panic(const char *format, ...) {
    va_list list;
    va_start(list, format);
    // Not of the arena: there may be no memory.
    static char text[1024];
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (length >= (int)sizeof text) {
        cut_between_characters(text, sizeof text - 1);
    }
    contract_string_t line = offerd_text(text);
    offerd_logging_log(OFFERD_LOGGING_LEVEL_ERROR, &line);
    abort();
}

void offerd_log(offerd_logging_level_t level, const char *format, ...) {
    if (!offerd_logging_enabled(level)) {
        return;
    }
    va_list list;
    va_start(list, format);
    contract_string_t line = offerd_vformat(format, list);
    va_end(list);
    offerd_logging_log(level, &line);
}

void offerd_count(const char *name, double amount) {
    contract_string_t text = offerd_text(name);
    offerd_metrics_count(&text, amount);
}

void offerd_gauge(const char *name, double value) {
    contract_string_t text = offerd_text(name);
    offerd_metrics_gauge(&text, value);
}

uint32_t offerd_random_below(uint32_t bound) {
    return (uint32_t)(((uint64_t)offerd_random_next_u32() * bound) >> 32);
}
