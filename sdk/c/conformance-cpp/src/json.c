// The records in JSON are written as by the guest of C.
#include "../../conformance/src/json.c"
