#define ROOM 400
#include "unloaded.h"
