/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing what running vCPUs change, too. */
#include "qemu/osdep.h"
#include "cpu.h"
#include "exec/translation-block.h"
#include "hw/core/cpu.h"
#include "system/tcg.h"
#include "accel/shim/apart.h"

typedef struct Work {
    ShimApartFn *fn;
    void *opaque;
    uint32_t arg;
} Work;

bool shim_is_apart(void)
{
    return !tcg_enabled() || current_cpu ||
           tcg_cflags_has(first_cpu, CF_PARALLEL);
}

void shim_make_atomic(void)
{
    CPUState *cs;

    CPU_FOREACH(cs)
    {
        if (tcg_enabled() && !tcg_cflags_has(cs, CF_PARALLEL)) {
            tcg_cflags_set(cs, CF_PARALLEL);
        }
    }
}

/* With the big lock held, and no vCPU of this thread in guest code. */
static void work_run(CPUState *cs, run_on_cpu_data data)
{
    Work *work = data.host_ptr;

    work->fn(work->opaque, work->arg);
    g_free(work);
}

void shim_apart(ShimApartFn *fn, void *opaque, uint32_t arg)
{
    Work *work;

    if (shim_is_apart()) {
        fn(opaque, arg);
        return;
    }
    work = g_new(Work, 1);
    *work = (Work){fn, opaque, arg};
    async_run_on_cpu(first_cpu, work_run, RUN_ON_CPU_HOST_PTR(work));
}
