// What no policy should do; the host ends it, in whatever language.
#ifndef LIMITS_H
#define LIMITS_H

/// Does what the configuration asks for, if it asks for any of it.
void test_limits(const char *config);

#endif
