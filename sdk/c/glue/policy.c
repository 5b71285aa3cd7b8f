// The exports of the world `policy`.

#include "exports.h"
