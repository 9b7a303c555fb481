#define _GNU_SOURCE
#include "CTimer.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>

#ifndef TFD_TIMER_CANCEL_ON_SET
#define TFD_TIMER_CANCEL_ON_SET (1 << 1)
#endif

int almanac_timer_create(void) {
    return timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
}

int almanac_timer_arm(int timer, int64_t seconds, int64_t nanoseconds) {
    struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)seconds, .tv_nsec = (long)nanoseconds},
    };
    return timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, 0);
}

int almanac_timer_disarm(int timer) {
    struct itimerspec never = {.it_value = {0, 0}};
    return timerfd_settime(timer, TFD_TIMER_ABSTIME, &never, 0);
}

int almanac_event_create(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}
