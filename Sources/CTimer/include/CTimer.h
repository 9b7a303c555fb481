/* The kernel's absolute timer and event counter, for Swift: glibc declares them in headers that
   Swift's Glibc module does not have. */
#ifndef ALMANAC_CTIMER_H
#define ALMANAC_CTIMER_H

#include <stdint.h>

/* A timerfd on CLOCK_REALTIME, close-on-exec, non-blocking. -1 and errno on error. */
int almanac_timer_create(void);

/* Arms the timer for an absolute instant, to be cancelled when the clock is set (see
   timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). Returns 0, or -1 and errno. */
int almanac_timer_arm(int timer, int64_t seconds, int64_t nanoseconds);

/* Disarms the timer. */
int almanac_timer_disarm(int timer);

/* An eventfd, close-on-exec, non-blocking: written by any thread to wake the sleeper. */
int almanac_event_create(void);

#endif
