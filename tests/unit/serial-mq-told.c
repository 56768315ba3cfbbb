/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a multiport console device on a fake transport told, as text. */
#include "tests/unit/serial-mq-guest.h"

#include <string.h>

const char *mq_used_text(MqGuest *g, unsigned queue)
{
    static char *text;
    GString *bytes = mq_used_bytes(g, queue);

    g_free(text);
    text = bytes ? g_string_free(bytes, false) : NULL;
    return text;
}

static void append_message(GString *told, const GString *bytes)
{
    static const char *const names[] = {"ready",      "add",     "remove",
                                        "port-ready", "console", "resize",
                                        "open",       "name"};
    struct virtio_console_control control;
    unsigned event;
    const char *more = bytes->str + sizeof(control);
    size_t left = bytes->len - sizeof(control);
    uint16_t size[2];

    if (bytes->len < sizeof(control)) {
        g_string_append_printf(told, "short:%zu ", bytes->len);
        return;
    }
    memcpy(&control, bytes->str, sizeof(control));
    event = GUINT16_FROM_LE(control.event);
    g_string_append_printf(
        told, "%s:%u=%u",
        event < G_N_ELEMENTS(names) ? names[event] : "unknown",
        GUINT32_FROM_LE(control.id), GUINT16_FROM_LE(control.value));
    if (event == VIRTIO_CONSOLE_PORT_NAME) {
        /* Its zero at the end comes along, if the buffer has room for it. */
        g_string_append_printf(told, "(%s%s)", more,
                               strlen(more) + 1 == left ? "" : "...");
    } else if (event == VIRTIO_CONSOLE_RESIZE && left < sizeof(size)) {
        g_string_append(told, "(...)");
    } else if (event == VIRTIO_CONSOLE_RESIZE) {
        g_assert_cmpuint(left, ==, sizeof(size));
        memcpy(size, more, sizeof(size));
        g_string_append_printf(told, "(%ux%u)", GUINT16_FROM_LE(size[0]),
                               GUINT16_FROM_LE(size[1]));
    } else {
        g_assert_cmpuint(left, ==, 0);
    }
    g_string_append_c(told, ' ');
}

/* The text without the blank at its end, kept until the next call. */
static const char *keep(char **kept, GString *text)
{
    g_free(*kept);
    *kept = g_string_free(text, false);
    return g_strchomp(*kept);
}

const char *mq_told(MqGuest *g)
{
    static char *kept;
    GString *told = g_string_new(NULL), *bytes;

    while ((bytes = mq_used_bytes(g, SERIAL_MQ_CONTROL_IN))) {
        append_message(told, bytes);
        g_string_free(bytes, true);
    }
    return keep(&kept, told);
}

const char *mq_log(MqGuest *g)
{
    static char *kept;
    GString *log = g->log;

    g->log = g_string_new(NULL);
    return keep(&kept, log);
}
