/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the multiport device asks its provocations. */
#ifndef JUMPCUT_HW_VIRTIO_SERIAL_MQ_PROVOKE_H
#define JUMPCUT_HW_VIRTIO_SERIAL_MQ_PROVOKE_H

#include "hw/virtio/serial-mq-internal.h"

bool serial_mq_provoked(SerialMq *s, ProvokePoint point, unsigned what);
/*
 * @point happens to the queue, offset or status @what.
 * @return: false: it is lost
 */
static inline bool serial_mq_happens(SerialMq *s, ProvokePoint point,
                                     unsigned what)
{
    return !s->provoker || serial_mq_provoked(s, point, what);
}
void serial_mq_save_provocations(const SerialMq *s, StateWriter *w);
/* @any: there are some in @r */
void serial_mq_load_provocations(SerialMq *s, bool any, StateReader *r);

#endif
