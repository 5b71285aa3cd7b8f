// Every decision, made as a policy makes it: by the functions of offerd.h. Only what none of
// them makes is set in the records.
#ifndef DECISIONS_H
#define DECISIONS_H

#include <offerd.h>

void decide_all(offerd_decisions_t *out);

#endif
