// What no policy should do; the host ends it, in whatever language.
#ifndef LIMITS_HPP
#define LIMITS_HPP

#include <string_view>

/// Does what the configuration asks for, if it asks for any of it.
void test_limits(std::string_view config);

#endif
