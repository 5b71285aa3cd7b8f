// Settings: JSON text to a tree, and questions to it that know what is right.
//
// Asking declares a setting. What was asked for with another type, or is there and was not
// asked for, is an error once the policy has configured itself.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"

typedef enum { NOTHING, BOOLEAN, NUMBER, STRING, LIST, TABLE } kind_t;

struct offerd_config {
    // Before it is read: the text. Afterwards what is wrong hangs on the root.
    contract_string_t text;
    bool is_read;
    bool is_raw;
    const char *wrong;

    struct offerd_config *root;
    // As messages name it: `config.weights`.
    const char *path;
    const char *name;
    kind_t kind;
    bool boolean;
    double number;
    const char *string;
    // As it is written.
    contract_string_t written;
    // Members of a table, items of a list.
    struct offerd_config *first;
    struct offerd_config *last;
    struct offerd_config *next;
    size_t length;
    // Behind what was found last.
    struct offerd_config *then;

    // What was asked for.
    bool is_asked;
    const char **known;
    size_t known_count, known_room;
};

typedef struct offerd_config node_t;

// ---- JSON -----------------------------------------------------------------------------

enum { DEEPEST = 64 };

typedef struct {
    const char *begin;
    const char *at;
    const char *end;
    const char *wrong;
    int depth;
} reader_t;

static bool fail(reader_t *reader, const char *wrong) {
    if (reader->wrong == NULL) {
        reader->wrong = wrong;
    }
    return false;
}

static void skip(reader_t *reader) {
    while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) != NULL && *reader->at) {
        reader->at++;
    }
}

static bool take(reader_t *reader, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0) {
        return false;
    }
    reader->at += length;
    return true;
}

static bool hex(reader_t *reader, uint32_t *code) {
    *code = 0;
    for (int digit = 0; digit < 4; digit++) {
        if (reader->at >= reader->end) {
            return fail(reader, "it ends in a string");
        }
        char c = *reader->at++;
        uint32_t value = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (value > 15) {
            return fail(reader, "\\u wants four hexadecimal digits");
        }
        *code = *code * 16 + value;
    }
    return true;
}

static size_t utf8(char *to, uint32_t code) {
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 63));
        to[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 63));
    to[2] = (char)(0x80 | (code >> 6 & 63));
    to[3] = (char)(0x80 | (code & 63));
    return 4;
}

static bool escape(reader_t *reader, char *to, size_t *length) {
    static const char names[] = "\"\\/bfnrt";
    static const char means[] = "\"\\/\b\f\n\r\t";
    if (reader->at >= reader->end) {
        return fail(reader, "it ends in a string");
    }
    char c = *reader->at++;
    const char *found = c != '\0' ? strchr(names, c) : NULL;
    if (found != NULL) {
        to[(*length)++] = means[found - names];
        return true;
    }
    uint32_t code;
    if (c != 'u') {
        return fail(reader, "there is no such escape");
    }
    if (!hex(reader, &code)) {
        return false;
    }
    if (code >= 0xd800 && code < 0xdc00 && take(reader, "\\u")) {
        uint32_t low;
        if (!hex(reader, &low)) {
            return false;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    *length += utf8(to + *length, code);
    return true;
}

static const char *string(reader_t *reader) {
    if (!take(reader, "\"")) {
        fail(reader, "a string was expected");
        return NULL;
    }
    const char *closing = reader->at;
    while (closing < reader->end && *closing != '"') {
        closing += *closing == '\\' && reader->end - closing > 1 ? 2 : 1;
    }
    // No escape is shorter than what it stands for.
    char *text = offerd_alloc((size_t)(closing - reader->at) + 1);
    size_t length = 0;
    while (reader->at < reader->end) {
        char c = *reader->at++;
        if (c == '"') {
            return text;
        }
        if (c != '\\') {
            text[length++] = c;
        } else if (!escape(reader, text, &length)) {
            return NULL;
        }
    }
    fail(reader, "it ends in a string");
    return NULL;
}

static node_t *value(reader_t *reader, node_t *root, const char *path, const char *name);

static bool members(reader_t *reader, node_t *node, char closing) {
    bool is_list = node->kind == LIST;
    skip(reader);
    if (reader->at < reader->end && *reader->at == closing) {
        reader->at++;
        return true;
    }
    for (;;) {
        const char *name;
        skip(reader);
        if (is_list) {
            name = offerd_cstr(offerd_format("%zu", node->length));
        } else {
            name = string(reader);
            skip(reader);
            if (name == NULL || !take(reader, ":")) {
                return fail(reader, "a ':' was expected");
            }
        }
        const char *format = is_list ? "%s[%s]" : "%s.%s";
        const char *path = offerd_cstr(offerd_format(format, node->path, name));
        node_t *member = value(reader, node->root, path, name);
        if (member == NULL) {
            return false;
        }
        *(node->last == NULL ? &node->first : &node->last->next) = member;
        node->last = member;
        node->length++;
        skip(reader);
        if (reader->at < reader->end && *reader->at == closing) {
            reader->at++;
            return true;
        }
        if (!take(reader, ",")) {
            return fail(reader, is_list ? "',' or ']' was expected" : "',' or '}' was expected");
        }
    }
}

static bool content(reader_t *reader, node_t *node) {
    if (reader->at >= reader->end) {
        return fail(reader, "it ends where a value was expected");
    }
    switch (*reader->at) {
    case '{':
    case '[':
        if (++reader->depth > DEEPEST) {
            return fail(reader, "it is nested too deeply");
        }
        node->kind = *reader->at == '{' ? TABLE : LIST;
        reader->at++;
        if (!members(reader, node, node->kind == TABLE ? '}' : ']')) {
            return false;
        }
        reader->depth--;
        return true;
    case '"':
        node->kind = STRING;
        node->string = string(reader);
        return node->string != NULL;
    }
    node->kind = BOOLEAN;
    if (take(reader, "true")) {
        node->boolean = true;
        return true;
    }
    if (take(reader, "false")) {
        return true;
    }
    if (take(reader, "null")) {
        node->kind = NOTHING;
        return true;
    }
    node->kind = NUMBER;
    // strtod wants an end, and takes more than JSON has.
    char digits[64];
    size_t length = 0;
    while (reader->at + length < reader->end && length < sizeof digits - 1 &&
           reader->at[length] != '\0' && strchr("+-.0123456789eE", reader->at[length]) != NULL) {
        digits[length] = reader->at[length];
        length++;
    }
    digits[length] = '\0';
    char *end;
    node->number = strtod(digits, &end);
    if (length == 0 || *end != '\0') {
        return fail(reader, "a value was expected");
    }
    reader->at += length;
    return true;
}

static node_t *value(reader_t *reader, node_t *root, const char *path, const char *name) {
    node_t *node = offerd_alloc(sizeof(node_t));
    node->root = root;
    node->path = path;
    node->name = name;
    skip(reader);
    const char *begin = reader->at;
    if (!content(reader, node)) {
        return NULL;
    }
    node->written = (contract_string_t){(uint8_t *)begin, (size_t)(reader->at - begin)};
    return node;
}

// ---- Questions --------------------------------------------------------------------------

static void wrong(node_t *node, const char *path, const char *format, ...) OFFERD_PRINTF(3, 4);

/// The first mistake counts.
static void wrong(node_t *node, const char *path, const char *format, ...) {
    if (node->root->wrong != NULL) {
        return;
    }
    va_list list;
    va_start(list, format);
    const char *why = offerd_cstr(offerd_vformat(format, list));
    va_end(list);
    node->root->wrong = offerd_cstr(offerd_format("%s: %s", path, why));
}

// Texts that the policy asked for, until it is configured again.
static offerd_arena_t texts;

static const char *shown(const node_t *node) { return offerd_cstr(node->written); }

offerd_config_t *offerd_config_read(contract_string_t text) {
    offerd_arena_reset(&texts);
    node_t *root = offerd_alloc(sizeof(node_t));
    root->text = text;
    root->root = root;
    root->path = "config";
    return root;
}

static void read(node_t *root) {
    if (root->is_read) {
        return;
    }
    root->is_read = true;
    const char *text = (const char *)root->text.ptr;
    reader_t reader = {text, text, text + root->text.len, NULL, 0};
    node_t *found = value(&reader, root, "config", "");
    if (found != NULL) {
        skip(&reader);
        if (reader.at < reader.end) {
            fail(&reader, "there is more after its end");
        }
    }
    root->kind = TABLE;
    if (reader.wrong != NULL) {
        contract_string_t why = offerd_format("the config is not JSON: %s at byte %zu",
                                              reader.wrong, (size_t)(reader.at - reader.begin));
        root->wrong = offerd_cstr(why);
        return;
    }
    if (found->kind != TABLE) {
        wrong(root, "config", "%s is no table", shown(found));
        return;
    }
    root->first = found->first;
    root->length = found->length;
    root->written = found->written;
}

/// Remembers the name of a setting.
static void know(node_t *table, const char *name) {
    for (size_t at = 0; at < table->known_count; at++) {
        if (strcmp(table->known[at], name) == 0) {
            return;
        }
    }
    if (table->known_count == table->known_room) {
        table->known_room = 2 * table->known_room + 8;
        const char **known = offerd_alloc(table->known_room * sizeof(char *));
        if (table->known_count > 0) {
            memcpy(known, table->known, table->known_count * sizeof(char *));
        }
        table->known = known;
    }
    table->known[table->known_count++] = name;
}

/// The item of a list; those of a long one are mostly asked for in their order.
static node_t *item(node_t *list, const char *name) {
    node_t *found = list->then;
    if (found == NULL || strcmp(found->name, name) != 0) {
        found = list->first;
        while (found != NULL && strcmp(found->name, name) != 0) {
            found = found->next;
        }
    }
    list->then = found == NULL ? NULL : found->next;
    if (found != NULL) {
        found->is_asked = true;
    }
    return found;
}

static node_t *ask(node_t *table, const char *name) {
    if (table == table->root) {
        read(table);
    }
    if (table->kind == LIST) {
        return item(table, name);
    }
    know(table, name);
    node_t *found = NULL;
    for (node_t *at = table->first; at != NULL; at = at->next) {
        if (strcmp(at->name, name) == 0) {
            at->is_asked = true;
            found = at;
        }
    }
    return found;
}

double offerd_config_number(offerd_config_t *config, const char *name, double usual) {
    node_t *node = ask(config, name);
    if (node == NULL) {
        return usual;
    }
    if (node->kind != NUMBER || !isfinite(node->number)) {
        wrong(node, node->path, "%s is not a number", shown(node));
        return usual;
    }
    return node->number;
}

bool offerd_config_bool(offerd_config_t *config, const char *name, bool usual) {
    node_t *node = ask(config, name);
    if (node == NULL) {
        return usual;
    }
    if (node->kind != BOOLEAN) {
        wrong(node, node->path, "%s is not a boolean", shown(node));
        return usual;
    }
    return node->boolean;
}

const char *offerd_config_string(offerd_config_t *config, const char *name, const char *usual) {
    node_t *node = ask(config, name);
    if (node == NULL) {
        return usual;
    }
    if (node->kind != STRING) {
        wrong(node, node->path, "%s is not a string", shown(node));
        return usual;
    }
    size_t size = strlen(node->string) + 1;
    return memcpy(offerd_arena_take(&texts, size, 1), node->string, size);
}

offerd_config_t *offerd_config_table(offerd_config_t *config, const char *name) {
    node_t *node = ask(config, name);
    if (node == NULL || (node->kind != TABLE && node->kind != LIST)) {
        if (node != NULL) {
            wrong(node, node->path, "%s is no table", shown(node));
        }
        node = offerd_alloc(sizeof(node_t));
        node->root = config->root;
        node->path = offerd_cstr(offerd_format("%s.%s", config->path, name));
        node->kind = TABLE;
    }
    return node;
}

size_t offerd_config_length(offerd_config_t *config, const char *name) {
    node_t *node = ask(config, name);
    if (node == NULL) {
        return 0;
    }
    if (node->kind != LIST) {
        wrong(node, node->path, "%s is no list", shown(node));
        return 0;
    }
    return node->length;
}

contract_string_t offerd_config_text(offerd_config_t *config) {
    config->root->is_raw = true;
    return config->root->text;
}

static void check(node_t *table) {
    for (node_t *at = table->first; at != NULL; at = at->next) {
        // A policy may leave items of a list unread.
        if (!at->is_asked && table->kind == TABLE) {
            contract_string_t known = offerd_text("there are none");
            for (size_t name = 0; name < table->known_count; name++) {
                known = name == 0
                            ? offerd_format("known are `%s`", table->known[name])
                            : offerd_format("%s, `%s`", offerd_cstr(known), table->known[name]);
            }
            wrong(at, at->path, "there is no such setting; %s", offerd_cstr(known));
        } else if (at->is_asked && (at->kind == TABLE || at->kind == LIST)) {
            check(at);
        }
    }
}

bool offerd_config_check(offerd_config_t *config) {
    if (config->is_raw) {
        return true;
    }
    read(config);
    check(config);
    return config->wrong == NULL || offerd_error("%s", config->wrong);
}

// ---- Weights ------------------------------------------------------------------------------

const offerd_weights_t offerd_default_weights = {1, 1, 1, 4, 0};

/// The shortest text that reads as the same number.
static const char *number(double value) {
    char text[40];
    if (value == floor(value) && fabs(value) < 1e15) {
        return offerd_cstr(offerd_format("%.0f", value));
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    return offerd_cstr(offerd_text(text));
}

bool offerd_config_weights(offerd_config_t *config, offerd_weights_t *weights) {
    static const char *const names[] = {"cpus", "mem", "disk", "gpus", "ports"};
    offerd_config_t *table = offerd_config_table(config, "weights");
    *weights = offerd_default_weights;
    double *const fields[] = {&weights->cpus, &weights->mem, &weights->disk, &weights->gpus,
                              &weights->ports};
    for (size_t at = 0; at < 5; at++) {
        *fields[at] = offerd_config_number(table, names[at], *fields[at]);
    }
    for (size_t at = 0; at < 5; at++) {
        if (!(*fields[at] >= 0 && *fields[at] <= 1e6)) {
            const char *path = offerd_cstr(offerd_format("%s.%s", table->path, names[at]));
            wrong(table, path, "%s is no weight; it must be from 0 to 1000000",
                  number(*fields[at]));
        }
    }
    return config->root->wrong == NULL;
}
