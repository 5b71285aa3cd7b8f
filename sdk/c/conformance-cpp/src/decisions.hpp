// Every decision, made as a policy makes it: by the face in offerd.hpp. Only what no face makes
// is set in the records.
#ifndef DECISIONS_HPP
#define DECISIONS_HPP

#include <offerd.hpp>

void decide_all(const offerd::Decisions &out);

#endif
