/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen_version: what this Xen is and can do (xen: common/kernel.c,
 * do_xen_version).
 */
#include <string.h>

#include "hw/xen/abi/compat-version.h"
#include "hw/xen/hypercall-internal.h"

#define FEATURES                                                          \
    (1u << XENFEAT_writable_page_tables |                                 \
     1u << XENFEAT_auto_translated_physmap |                              \
     1u << XENFEAT_hvm_callback_vector | 1u << XENFEAT_hvm_safe_pvclock | \
     1u << XENFEAT_memory_op_vnode_supported |                            \
     1u << XENFEAT_not_direct_mapped)

/* Before this minor version the start of Xen's own addresses was told. */
#define MINOR_NO_VIRT_START 18u
#define VIRT_START_64       0xffff800000000000u
/* Since this one strings of any length are told, too. */
#define MINOR_VARBUF 18u
#define MINOR_MSIX   19u

static const char capabilities[] =
    "xen-3.0-x86_64 xen-3.0-x86_32p hvm-3.0-x86_32 hvm-3.0-x86_32p "
    "hvm-3.0-x86_64 ";

static int64_t op_version(XenCall *c, G_GNUC_UNUSED void *arg)
{
    return (int64_t)c->d->cfg.version_major << 16 | c->d->cfg.version_minor;
}

/* The argument must be absent. */
static int64_t op_pagesize(XenCall *c, G_GNUC_UNUSED void *arg)
{
    return c->args[1] ? -XEN_EINVAL : (int64_t)HOST_PAGE_SIZE;
}

static const char *extraversion(const XenCall *c)
{
    return c->d->cfg.version_minor == 17 ? ".7" : ".0";
}

static int64_t op_extraversion(XenCall *c, void *arg)
{
    memset(arg, 0, XEN_EXTRAVERSION_LEN);
    strcpy(arg, extraversion(c));
    return 0;
}

/* DEVIATION: who built which Xen is not told. */
static int64_t op_compile_info(G_GNUC_UNUSED XenCall *c, void *arg)
{
    struct xen_compile_info info = {"gcc", "jumpcut", "", ""};

    memcpy(arg, &info, sizeof(info));
    return 0;
}

static int64_t op_capabilities(G_GNUC_UNUSED XenCall *c, void *arg)
{
    memset(arg, 0, XEN_CAPABILITIES_INFO_LEN);
    strcpy(arg, capabilities);
    return 0;
}

static int64_t op_changeset(G_GNUC_UNUSED XenCall *c, void *arg)
{
    memset(arg, 0, XEN_CHANGESET_INFO_LEN);
    return 0;
}

static int64_t op_platform_parameters(XenCall *c, void *arg)
{
    uint64_t start = c->compat ? UINT32_MAX : VIRT_START_64;

    if (c->d->cfg.version_minor >= MINOR_NO_VIRT_START) {
        start = 0;
    }
    memcpy(arg, &start, c->compat ? sizeof(uint32_t) : sizeof(start));
    return 0;
}

static int64_t op_get_features(XenCall *c, void *arg)
{
    struct xen_feature_info *info = arg;

    if (info->submap_idx >= XENFEAT_NR_SUBMAPS) {
        return -XEN_EINVAL;
    }
    info->submap = FEATURES;
    if (xen_domain_has_pirqs(c->d)) {
        info->submap |= 1u << XENFEAT_hvm_pirqs;
    }
    if (c->d->cfg.version_minor >= XEN_MINOR_PHYS_AREAS) {
        info->submap |= 1u << XEN_XENFEAT_RUNSTATE_PHYS_AREA |
                        1u << XEN_XENFEAT_VCPU_TIME_PHYS_AREA;
    }
    if (c->d->cfg.version_minor >= MINOR_MSIX) {
        info->submap |= 1u << XEN_XENFEAT_DM_MSIX_ALL_WRITES;
    }
    return 0;
}

static int64_t op_guest_handle(XenCall *c, void *arg)
{
    memcpy(arg, c->d->cfg.uuid, sizeof(c->d->cfg.uuid));
    return 0;
}

static const char denied[] = "<denied>";

static int64_t op_commandline(G_GNUC_UNUSED XenCall *c, void *arg)
{
    memcpy(arg, denied, sizeof(denied));
    return 0;
}

static int64_t op_build_id(G_GNUC_UNUSED XenCall *c, G_GNUC_UNUSED void *arg)
{
    return -XEN_EPERM;
}

/*
 * xen: xenver_varbuf_op, since Xen 4.18.  Without an argument the length is
 * told alone; the string is written without its NUL.
 * @return: its length; -XEN_ENOBUFS if the guest has less room; -XEN_EFAULT
 */
static int64_t varbuf(XenCall *c, const char *text)
{
    size_t len = strlen(text);
    uint64_t gva = c->args[1];
    XenVarbuf head;

    if (c->d->cfg.version_minor < MINOR_VARBUF) {
        return -XEN_ENOSYS;
    }
    if (!gva) {
        return (int64_t)len;
    }
    if (!xen_copy_in(c, gva, &head, sizeof(head))) {
        return -XEN_EFAULT;
    }
    if (len > head.len) {
        return -XEN_ENOBUFS;
    }
    return xen_copy_out(c, gva + sizeof(head), text, len) ? (int64_t)len
                                                          : -XEN_EFAULT;
}

static int64_t op_extraversion2(XenCall *c, G_GNUC_UNUSED void *arg)
{
    return varbuf(c, extraversion(c));
}

static int64_t op_capabilities2(XenCall *c, G_GNUC_UNUSED void *arg)
{
    return varbuf(c, capabilities);
}

static int64_t op_changeset2(XenCall *c, G_GNUC_UNUSED void *arg)
{
    return varbuf(c, "");
}

static int64_t op_commandline2(XenCall *c, G_GNUC_UNUSED void *arg)
{
    return c->d->cfg.version_minor < MINOR_VARBUF ? -XEN_ENOSYS : -XEN_EPERM;
}

static const XenSubop version_ops[] = {
    XEN_SUBOP_PLAIN(XENVER_version, op_version),
    XEN_SUBOP(XENVER_extraversion, xen_extraversion_t, XEN_ARG_OUT,
              op_extraversion),
    XEN_SUBOP(XENVER_compile_info, xen_compile_info_t, XEN_ARG_OUT,
              op_compile_info),
    XEN_SUBOP(XENVER_capabilities, xen_capabilities_info_t, XEN_ARG_OUT,
              op_capabilities),
    XEN_SUBOP(XENVER_changeset, xen_changeset_info_t, XEN_ARG_OUT,
              op_changeset),
    XEN_SUBOP_COMPAT(XENVER_platform_parameters, uint64_t, uint32_t,
                     XEN_ARG_OUT, op_platform_parameters),
    XEN_SUBOP(XENVER_get_features, xen_feature_info_t, XEN_ARG_IN | XEN_ARG_OUT,
              op_get_features),
    XEN_SUBOP_PLAIN(XENVER_pagesize, op_pagesize),
    XEN_SUBOP(XENVER_guest_handle, xen_domain_handle_t, XEN_ARG_OUT,
              op_guest_handle),
    XEN_SUBOP(XENVER_commandline, denied, XEN_ARG_OUT, op_commandline),
    XEN_SUBOP_PLAIN(XENVER_build_id, op_build_id),
    XEN_SUBOP_PLAIN(XEN_XENVER_EXTRAVERSION2, op_extraversion2),
    XEN_SUBOP_PLAIN(XEN_XENVER_CAPABILITIES2, op_capabilities2),
    XEN_SUBOP_PLAIN(XEN_XENVER_CHANGESET2, op_changeset2),
    XEN_SUBOP_PLAIN(XEN_XENVER_COMMANDLINE2, op_commandline2),
};

int64_t xen_do_xen_version(XenCall *c)
{
    return xen_subop_call(c, version_ops, G_N_ELEMENTS(version_ops),
                          (uint32_t)c->args[0], c->args[1]);
}
