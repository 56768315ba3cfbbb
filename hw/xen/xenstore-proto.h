/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xenstore wire protocol as xenstored speaks it to one unprivileged
 * domain: requests in, replies and watch events out (xen: docs/misc/
 * xenstore.txt, tools/xenstored/core.c).  Knows nothing of rings.
 */
#ifndef JUMPCUT_HW_XEN_XENSTORE_PROTO_H
#define JUMPCUT_HW_XEN_XENSTORE_PROTO_H

#include <errno.h> /* xs_wire.h has its error names only with EINVAL known */
#include <stdbool.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

#include "hw/state.h"
#include "hw/xen/xenstore-tree.h"

typedef struct XenstoreConn XenstoreConn;

/*
 * Are the characters, slashes and length of an absolute path (beginning with
 * '/') or special name ('@') valid?  (xen: tools/xenstored/core.c,
 * is_valid_nodename)
 */
bool xenstore_path_valid(const char *path);
/* One of the letters n, r, w, b and a domain's number? */
bool xenstore_perm_valid(const char *perm);

/*
 * A message for the domain: the reply to the request being handled, or, with
 * type XS_WATCH_EVENT, an event, at any time.  @hdr->len is at most
 * XENSTORE_PAYLOAD_MAX.  Must not call back into the connection.
 */
typedef void XenstoreSendFn(void *opaque, const struct xsd_sockmsg *hdr,
                            const void *payload);

XenstoreConn *xenstore_conn_new(unsigned domid, const XenstoreTreeOps *ops,
                                void *tree, XenstoreSendFn *send, void *opaque);
/* Ends watches and transactions, too. */
void xenstore_conn_free(XenstoreConn *conn);
/* As just made: ends all watches and transactions. */
void xenstore_conn_reset(XenstoreConn *conn);
/* It is domain @domid's from now on; ends all watches and transactions. */
void xenstore_conn_set_domid(XenstoreConn *conn, unsigned domid);

/*
 * One request with @hdr->len (at most XENSTORE_PAYLOAD_MAX) bytes of @payload,
 * all of it the guest's: exactly one reply is sent.
 * @return: 0, or the positive errno that the reply names.
 */
int xenstore_conn_request(XenstoreConn *conn, const struct xsd_sockmsg *hdr,
                          const uint8_t *payload);

void xenstore_conn_save(const XenstoreConn *conn, StateWriter *w);
/*
 * Into a connection just made or reset; the tree has its state already.  No
 * watch fires.  After an error, which stays in @r, it has to be reset.
 */
void xenstore_conn_load(XenstoreConn *conn, StateReader *r);

#endif
