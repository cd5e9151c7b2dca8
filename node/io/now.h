/* The one place where a node reads the clock. */
#pragma once

#include "base/time.h"

/* Wall clock. Never less than what it gave before: when the clock is set back, time goes on in this process
 * at half its speed until the clock has caught up. It may not stand still: whoever waits to try again would
 * wait as long as the clock was wrong. Any thread. */
tb_time now_ms(void);
