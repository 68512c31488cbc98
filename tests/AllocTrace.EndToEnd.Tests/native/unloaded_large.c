#define ROOM 640
#include "unloaded.h"
