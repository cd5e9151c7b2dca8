/* The one place where a node reads the clock. */
#pragma once

#include "base/time.h"

/* Wall clock. Never less than what it gave before: when the clock is set back, time stands still in this
 * process until the clock has caught up. Any thread. */
tb_time now_ms(void);
