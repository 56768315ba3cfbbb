/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls into the hypervisor logic that a tap writes down. */
#ifndef JUMPCUT_HW_TAP_TAP_ENTRY_H
#define JUMPCUT_HW_TAP_TAP_ENTRY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define TAP_ARGS_MAX    9u
#define TAP_ANSWERS_MAX 4u

/* X(NAME, name in lines, least and most arguments, has data) */
#define TAP_ENTRIES(X)                                                     \
    X(HYPERCALL, "hypercall", 3, 9, false) /* vcpu, flags, nr, args */     \
    X(CPUID, "cpuid", 3, 3, false)         /* vcpu, leaf, subleaf */       \
    X(RDMSR, "rdmsr", 2, 2, false)         /* vcpu, index */               \
    X(WRMSR, "wrmsr", 3, 3, false)         /* vcpu, index, value */        \
    X(HALTED, "halted", 2, 2, false)       /* vcpu, interrupts */          \
    X(RUNNABLE, "runnable", 1, 1, false)   /* vcpu */                      \
    X(RUNNING, "running", 1, 1, false)     /* vcpu */                      \
    X(INIT, "init", 1, 1, false)           /* vcpu */                      \
    X(NMI, "nmi", 1, 1, false)             /* vcpu */                      \
    X(UPCALL, "upcall", 1, 1, false)       /* vcpu */                      \
    X(LVT, "lvt", 2, 2, false)             /* vcpu, value */               \
    X(INPUT, "input", 0, 0, true)          /* console */                   \
    X(GSI, "gsi", 2, 2, false)             /* line, level */               \
    X(MSI, "msi", 2, 2, false)             /* address, data */             \
    X(RTC, "rtc", 1, 1, false)             /* seconds */                   \
    X(CUT, "cut", 8, 8, false)             /* see HostProfile */           \
    X(RESTORED, "restored", 8, 8, false)   /* the same, in a new domain */ \
    X(RESUMED, "resumed", 0, 0, false)     /* the machine, from a stop */  \
    X(CANCELLED, "cancelled", 0, 0, false) /* suspend */                   \
    X(RESET, "reset", 0, 0, false)                                         \
    X(WAKEUP, "wakeup", 0, 0, false)                                       \
    X(SOFT_RESET, "soft-reset", 0, 0, false)                               \
    X(STORE_WRITE, "store-write", 0, 0, true)   /* path NUL value */       \
    X(STORE_REMOVE, "store-remove", 0, 0, true) /* path */                 \
    X(STORE_PERMS, "store-perms", 0, 0, true)   /* path NUL perm NUL... */ \
    X(TIMER, "timer", 1, 1, false)              /* id */                   \
    X(APART, "apart", 0, 0, false)              /* what was put off */     \
    X(FAULT, "fault", 0, 0, true)               /* see fault_spec_parse() */

typedef enum TapEntryKind {
#define TAP_ENTRY_ENUM(id, name, least, most, data) TAP_##id,
    TAP_ENTRIES(TAP_ENTRY_ENUM)
#undef TAP_ENTRY_ENUM
        TAP_ENTRY__MAX
} TapEntryKind;

typedef struct TapEntry {
    TapEntryKind kind;
    uint64_t arg[TAP_ARGS_MAX]; /* what is not given is 0 */
    const uint8_t *data;
    size_t len; /* bytes */
} TapEntry;

#define TAP_HYPERCALL_LONG_MODE  1u
#define TAP_HYPERCALL_PRIVILEGED 2u

/* Words separated by @separator. */
void tap_entry_format(GString *out, const TapEntry *entry, char separator);
/*
 * @words: @nr of them, changed: @entry->data points into one.
 * @return: false and *@problem, to be freed
 */
bool tap_entry_parse(char **words, unsigned nr, TapEntry *entry,
                     char **problem);

/* Numbers are hexadecimal; errors, the last 4095, with a minus sign. */
void tap_put_number(GString *out, uint64_t value);
bool tap_get_number(const char *word, uint64_t *value);
void tap_put_hex(GString *out, const uint8_t *data, size_t len);
/* In place. @return: false if @word is not hexadecimal bytes. */
bool tap_get_hex(char *word, size_t *len);

#endif
