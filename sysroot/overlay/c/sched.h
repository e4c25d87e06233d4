#ifndef BAREFLOW_SCHED_H
#define BAREFLOW_SCHED_H

#ifdef __cplusplus
extern "C"
#endif
int sched_yield(void);

#endif
