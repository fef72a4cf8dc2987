/* MCUboot includes it where it might allocate. */
#pragma once
#include <stdlib.h>
