/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a step of the state-machine fuzz draws, from its seed and number. */
#include "tests/fuzz/fuzz-domain.h"

/* xorshift64*, as in the driver of the other targets */
uint64_t draw(World *w, uint64_t n)
{
    w->rng ^= w->rng >> 12;
    w->rng ^= w->rng << 25;
    w->rng ^= w->rng >> 27;
    return (w->rng * 0x2545f4914f6cdd1dull >> 20) % n;
}

bool one_in(World *w, unsigned n)
{
    return draw(w, n) == 0;
}

uint64_t draw_edge(World *w)
{
    uint64_t bit = 1ull << draw(w, 64);

    switch (draw(w, 6)) {
    case 0:
        return draw(w, 4);
    case 1:
        return bit;
    case 2:
        return bit - 1;
    case 3:
        return bit + 1;
    case 4:
        return -(uint64_t)draw(w, 20);
    default:
        return draw(w, 5000);
    }
}

uint32_t draw_vcpu(World *w)
{
    return one_in(w, 20) ? (uint32_t)draw_edge(w)
                         : (uint32_t)draw(w, w->nr_vcpus);
}

uint32_t draw_port(World *w)
{
    if (one_in(w, 20)) {
        return (uint32_t)draw_edge(w);
    }
    return (uint32_t)draw(w, one_in(w, 8) ? w->nr_valid : 16);
}

uint16_t draw_domid(World *w)
{
    static const uint16_t others[] = {0, 0x1234, 0x7ff1, XEN_GUEST_DOMID,
                                      0xffff};

    return one_in(w, 12) ? others[draw(w, G_N_ELEMENTS(others))] : DOMID_SELF;
}

uint64_t draw_address(World *w)
{
    uint64_t area = (FUZZ_AREA_GFN + draw(w, FUZZ_AREA_NR)) << HOST_PAGE_SHIFT;

    switch (draw(w, 12)) {
    case 0:
        return XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT;
    case 1:
        return XEN_GUEST_READONLY << HOST_PAGE_SHIFT;
    case 2:
        return (XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT) - draw(w, 64);
    case 3:
        return draw_edge(w);
    case 4:
        return area + draw(w, HOST_PAGE_SIZE);
    default:
        return area + 64 * draw(w, 60);
    }
}
