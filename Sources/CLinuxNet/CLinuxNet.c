#include "include/CLinuxNet.h"
