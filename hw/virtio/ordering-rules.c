/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules that the ordering judge knows, in the order of a driver's life. */
#include "hw/virtio/ordering-internal.h"

#define MUST    ORDERING_MUST
#define SHOULD  ORDERING_SHOULD
#define SUSPECT ORDERING_SUSPECT

const OrderingRule ordering_table[RULE__MAX] = {
    [RULE_NO_RESET_FIRST] = {"no-reset-first", "3.1.1",
                             "The first step of a driver is to reset the "
                             "device.",
                             MUST},
    [RULE_RESET_NOT_AWAITED] = {"reset-not-awaited", "4.1.4.3.2",
                                "A reset is over when the driver reads a "
                                "status of 0, and it goes on only then, unless "
                                "it uses the legacy interface.",
                                MUST},
    [RULE_STATUS_BIT_CLEARED] = {"status-bit-cleared", "2.1.1",
                                 "Only a reset clears bits of the status.",
                                 MUST},
    [RULE_STATUS_UNKNOWN_BIT] = {"status-unknown-bit", "2.1",
                                 "A driver sets only the bits of the status "
                                 "that are defined and are a driver's.",
                                 SUSPECT},
    [RULE_STATUS_AFTER_FAILED] = {"status-after-failed", "2.1.1",
                                  "A driver that has set FAILED resets the "
                                  "device before it tries again.",
                                  MUST},
    [RULE_DRIVER_BEFORE_ACKNOWLEDGE] = {"driver-before-acknowledge", "3.1.1",
                                        "ACKNOWLEDGE comes before DRIVER.",
                                        MUST},
    [RULE_FEATURES_OK_BEFORE_DRIVER] = {"features-ok-before-driver", "3.1.1",
                                        "DRIVER comes before FEATURES_OK.",
                                        MUST},
    [RULE_DRIVER_OK_BEFORE_DRIVER] = {"driver-ok-before-driver", "3.1.1",
                                      "DRIVER comes before DRIVER_OK.", MUST},
    [RULE_DRIVER_OK_WITHOUT_FEATURES_OK] = {"driver-ok-without-features-ok",
                                            "3.1.1",
                                            "FEATURES_OK comes before "
                                            "DRIVER_OK, unless the driver is a "
                                            "legacy one.",
                                            MUST},
    [RULE_FEATURES_OK_NOT_READ] = {"features-ok-not-read", "3.1.1",
                                   "A driver that has set FEATURES_OK reads "
                                   "the status again to see whether it holds.",
                                   MUST},
    [RULE_DRIVER_OK_AGAIN] = {"driver-ok-again", "3.1.1",
                              "DRIVER_OK is set once.", SUSPECT},
    [RULE_FEATURES_NOT_READ] = {"features-not-read", "3.1.1",
                                "A driver reads the features that the device "
                                "offers before it accepts any.",
                                SUSPECT},
    [RULE_FEATURE_NOT_OFFERED] = {"feature-not-offered", "2.2.1",
                                  "A driver accepts only features that the "
                                  "device offers.",
                                  MUST},
    [RULE_FEATURES_BEFORE_DRIVER] = {"features-before-driver", "3.1.1",
                                     "Features are accepted after DRIVER is "
                                     "set.",
                                     MUST},
    [RULE_FEATURES_AFTER_FEATURES_OK] = {"features-after-features-ok", "3.1.1",
                                         "Features do not change once "
                                         "FEATURES_OK or DRIVER_OK is set.",
                                         MUST},
    [RULE_VERSION_1_REFUSED] = {"version-1-refused", "6.1",
                                "A driver accepts VIRTIO_F_VERSION_1 if it is "
                                "offered.",
                                MUST},
    [RULE_CONFIG_READ_BEFORE_DRIVER] = {"config-read-before-driver", "3.1.1",
                                        "Configuration is read by a driver "
                                        "that has set DRIVER.",
                                        SHOULD},
    [RULE_CONFIG_WRITE_BEFORE_FEATURES_OK] =
        {"config-write-before-features-ok", "3.1.1",
         "Configuration is not written before features are settled, emerg_wr "
         "excepted.",
         MUST},
    [RULE_CONFIG_WRITE_READ_ONLY] = {"config-write-read-only", "5.3.4",
                                     "Of a console's configuration a driver "
                                     "has only emerg_wr to write.",
                                     SUSPECT},
    [RULE_CONFIG_FIELD_NOT_OFFERED] =
        {"config-field-not-offered", "2.5.1",
         "A field of the configuration is accessed if the device offers the "
         "feature it goes with.",
         MUST},
    [RULE_COMMON_WRITE_READ_ONLY] =
        {"common-write-read-only", "4.1.4.3.2",
         "A driver writes none of device_feature, num_queues, "
         "config_generation, queue_notify_off and queue_notify_data.",
         MUST},
    [RULE_REGISTER_WIDTH] =
        {"register-width", "4.1.3.1",
         "A field of the configuration is accessed whole, one of 64 bits as "
         "two of 32, unless through the legacy interface.",
         MUST},
    [RULE_QUEUE_NOT_THERE] = {"queue-not-there", "5.3.2",
                              "There are the queues of port 0, and with "
                              "MULTIPORT the control queues and those of the "
                              "other ports.",
                              MUST},
    [RULE_QUEUE_BEFORE_FEATURES_OK] = {"queue-before-features-ok", "3.1.1",
                                       "Queues are set up once features are "
                                       "settled.",
                                       MUST},
    [RULE_QUEUE_SIZE_NOT_POWER] = {"queue-size-not-power-of-two", "4.1.4.3.2",
                                   "The size of a split queue is a power of 2.",
                                   MUST},
    [RULE_QUEUE_SIZE_TOO_LARGE] = {"queue-size-too-large", "4.1.4.3",
                                   "A driver may make a queue smaller than the "
                                   "device has it, and no larger.",
                                   SHOULD},
    [RULE_QUEUE_CHANGED_ENABLED] = {"queue-changed-enabled", "4.1.4.3.2",
                                    "All of a queue is set up before it is "
                                    "enabled.",
                                    MUST},
    [RULE_QUEUE_ENABLE_INCOMPLETE] = {"queue-enable-incomplete", "4.1.4.3.2",
                                      "A queue is enabled when its three "
                                      "addresses have been written.",
                                      MUST},
    [RULE_QUEUE_ADDRESS_UNALIGNED] =
        {"queue-address-unaligned", "2.7.1",
         "The parts of a split queue begin at multiples of 16, 2 and 4 bytes.",
         MUST},
    [RULE_QUEUE_ENABLE_ZERO] = {"queue-enable-zero", "4.1.4.3.2",
                                "queue_enable is never written with 0.", MUST},
    [RULE_QUEUE_ENABLE_AGAIN] =
        {"queue-enable-again", "2.6.1",
         "A queue that is enabled is reset before it is enabled again.",
         SHOULD},
    [RULE_QUEUE_ENABLE_AFTER_DRIVER_OK] = {"queue-enable-after-driver-ok",
                                           "3.1.1",
                                           "Queues are enabled before "
                                           "DRIVER_OK, or again after a reset "
                                           "of their own.",
                                           MUST},
    [RULE_QUEUE_RESET_NOT_NEGOTIATED] = {"queue-reset-not-negotiated", "2.6.1",
                                         "One queue is reset only if "
                                         "VIRTIO_F_RING_RESET was negotiated.",
                                         MUST},
    [RULE_QUEUE_RESET_NOT_AWAITED] =
        {"queue-reset-not-awaited", "4.1.4.3.2",
         "A reset of a queue is over when the driver reads a queue_reset of 0, "
         "and it is set up again only then.",
         MUST},
    [RULE_LEGACY_QUEUE_CHANGED_LIVE] =
        {"legacy-queue-changed-live", "3.3.1",
         "A queue is taken away, or put elsewhere, once the device has been "
         "reset.",
         SHOULD},
    [RULE_VECTOR_BEYOND_TABLE] =
        {"vector-beyond-table", "4.1.5.1.2.2",
         "Events are mapped to vectors that the MSI-X table has.", MUST},
    [RULE_VECTOR_NOT_READ_BACK] =
        {"vector-not-read-back", "4.1.5.1.2.2",
         "A driver that has mapped an event to a vector reads whether it is, "
         "before it goes on.",
         MUST},
    [RULE_KICK_BEFORE_DRIVER_OK] = {"kick-before-driver-ok", "3.1.1",
                                    "The device is not notified before "
                                    "DRIVER_OK is set.",
                                    MUST},
    [RULE_LEGACY_KICK_BEFORE_DRIVER_OK] =
        {"legacy-kick-before-driver-ok", "3.1.2",
         "Through the legacy interface, too, a driver sets DRIVER_OK before it "
         "notifies the device, unless it is of before virtio 1.0.",
         SUSPECT},
    [RULE_KICK_QUEUE_NOT_ENABLED] = {"kick-queue-not-enabled", "4.1.5.2",
                                     "Only a queue that is enabled is "
                                     "notified.",
                                     SHOULD},
    [RULE_KICK_WIDTH] =
        {"kick-width", "4.1.5.2.1",
         "A notification has 16 bits, or with VIRTIO_F_NOTIFICATION_DATA 32.",
         MUST},
    [RULE_KICK_VALUE] =
        {"kick-value", "4.1.5.2.1",
         "A notification says the queue to whose address it is written.", MUST},
    [RULE_BUFFER_READABLE_IN_RECEIVE] = {"buffer-readable-in-receive",
                                         "5.3.6.1",
                                         "A receive queue has no buffers for "
                                         "the device to read.",
                                         MUST},
    [RULE_BUFFER_WRITABLE_IN_TRANSMIT] = {"buffer-writable-in-transmit",
                                          "5.3.6.1",
                                          "A transmit queue has no buffers for "
                                          "the device to write.",
                                          MUST},
    [RULE_CONTROL_BUFFER_SMALL] = {"control-buffer-small", "5.3.6.2",
                                   "A buffer of the control receive queue "
                                   "holds a control message.",
                                   SHOULD},
    [RULE_CONTROL_BEFORE_DRIVER_OK] = {"control-before-driver-ok", "3.1.1",
                                       "Control messages are sent after "
                                       "DRIVER_OK.",
                                       MUST},
    [RULE_CONTROL_SHORT] = {"control-short", "5.3.6.2",
                            "A control message has 8 bytes.", MUST},
    [RULE_CONTROL_WRONG_DIRECTION] = {"control-wrong-direction", "5.3.6.2",
                                      "A driver sends DEVICE_READY, PORT_READY "
                                      "and PORT_OPEN, and nothing else.",
                                      MUST},
    [RULE_CONTROL_VALUE] = {"control-value", "5.3.6.2",
                            "The value of a driver's control message is 0 or "
                            "1.",
                            SHOULD},
    [RULE_CONTROL_NO_SUCH_PORT] = {"control-no-such-port", "5.3.6.2",
                                   "A control message is about a port below "
                                   "max_nr_ports.",
                                   SHOULD},
    [RULE_CONTROL_BEFORE_DEVICE_READY] = {"control-before-device-ready",
                                          "5.3.5",
                                          "DEVICE_READY comes before every "
                                          "message about a port.",
                                          SHOULD},
    [RULE_DEVICE_READY_TWICE] =
        {"device-ready-twice", "5.3.5",
         "DEVICE_READY is sent once, at initialisation.", SHOULD},
    [RULE_PORT_READY_UNASKED] = {"port-ready-unasked", "5.3.6.2",
                                 "PORT_READY answers a PORT_ADD.", SHOULD},
    [RULE_PORT_READY_TWICE] = {"port-ready-twice", "5.3.6.2",
                               "A PORT_ADD is answered by one PORT_READY.",
                               SHOULD},
    [RULE_PORT_OPEN_UNASKED] = {"port-open-unasked", "5.3.6.2",
                                "Only a port that was announced is opened or "
                                "closed.",
                                SHOULD},
    [RULE_PORT_OPEN_BEFORE_READY] = {"port-open-before-ready", "5.3.5",
                                     "A port that is not ready is not opened.",
                                     SHOULD},
    [RULE_PORT_OPEN_TWICE] = {"port-open-twice", "5.3.6.2",
                              "A port that is open is not opened.", SUSPECT},
    [RULE_CONSOLE_PORT_NOT_OPENED] = {"console-port-not-opened", "5.3.6.2.2",
                                      "CONSOLE_PORT is answered by PORT_OPEN "
                                      "with value 1.",
                                      MUST},
    [RULE_TRANSMIT_BEFORE_DEVICE_READY] = {"transmit-before-device-ready",
                                           "5.3.6.2.2",
                                           "With MULTIPORT a driver sends "
                                           "DEVICE_READY before it uses ports.",
                                           MUST},
    [RULE_TRANSMIT_UNKNOWN_PORT] = {"transmit-unknown-port", "5.3.6.2",
                                    "Only a port that was announced is written "
                                    "to.",
                                    SHOULD},
};

const OrderingRule *ordering_rules(size_t *n)
{
    *n = RULE__MAX;
    return ordering_table;
}

const char *ordering_severity_name(OrderingSeverity severity)
{
    static const char *const names[] = {
        [ORDERING_MUST] = "must",
        [ORDERING_SHOULD] = "should",
        [ORDERING_SUSPECT] = "suspect",
    };

    return names[severity];
}
