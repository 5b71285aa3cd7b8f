#ifndef ACTIONS_H
#define ACTIONS_H

#include <offerd.h>

/// One of each action of the contract.
offerd_list_reasoned_action_t actions(void);

#endif
