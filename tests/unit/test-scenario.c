/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenario files: what they come to, and every refusal with its line. */
#include <string.h>

#include "tools/scenario.h"

#define HEAD  "[scenario]\ntitle=t\n"
#define GUEST "[guest]\nkernel=debian-6.12\n"
#define BASE  HEAD GUEST
#define ENDS  "[expect 1]\nending=powered-off\n"
#define CUT   "[cut 1]\nat=5\nuptime=9\n"

static Scenario *parse(const char *text)
{
    GError *error = NULL;
    Scenario *scenario = scenario_parse("f", text, strlen(text), &error);

    g_assert_no_error(error);
    return scenario;
}

static void check_options(const Scenario *scenario, const char *name,
                          const char *want)
{
    const Variant *variant = scenario_variant(scenario, name);
    g_autofree char *got = NULL;

    g_assert_nonnull(variant);
    got = g_strjoinv(" ", variant->options);
    g_assert_cmpstr(got, ==, want);
}

static void test_keys_become_options_of_boot(void)
{
    g_autoptr(Scenario) s =
        parse("# comment\n\n" HEAD "report=r\nabout=a\n"
              "[machine]\nguest=xen-pvh\nsmp=2\nmemory=64M\nxen-version=4.20\n"
              "tsc-mode=native\nsteal=10ms:30\ndigest=1s\n"
              "[guest]\nkernel = payload:x \ninitrd=none\nappend=a b\n"
              "[host]\nuptime=1d\ntsc-khz=5\ninvtsc=on\n"
              "[host new]\nuptime=3\ntsc-khz=7\n"
              "[cut a]\nat=2\nhost=new\ntsc-khz=8\n"
              "[cut b]\nat=3\ndowntime=1ms\n"
              "[fault x]\nat=4\nkind=event-lost\nvirq=timer\ncount=2\n" ENDS);

    g_assert_cmpstr(s->title, ==, "t");
    g_assert_cmpstr(s->report, ==, "r");
    g_assert_cmpstr(s->about, ==, "a");
    check_options(s, "",
                  "--guest=xen-pvh --smp=2 --memory=64M --xen-version=4.20 "
                  "--tsc-mode=native --steal=10ms:30 --digest=1s --append=a b "
                  "--host-uptime=1d --tsc-khz=5 --invtsc=on "
                  "--cut=2:tsc-khz=8,uptime=3 --cut=3:downtime=1ms "
                  "--fault=4:event-lost,virq=timer,count=2");
    g_assert_cmpstr(scenario_variant(s, "")->kernel, ==, "payload:x");
    g_assert_null(scenario_variant(s, "")->initrd);
}

static void check_step(const Variant *variant, guint i, const char *name,
                       gint64 at_ns, const char *command, const char *arguments)
{
    const Step *step = variant->steps->pdata[i];

    g_assert_cmpstr(step->name, ==, name);
    g_assert_cmpint(step->at_ns, ==, at_ns);
    g_assert_true((step->when != NULL) == (at_ns < 0));
    g_assert_cmpstr(step->command, ==, command);
    g_assert_cmpstr(step->arguments, ==, arguments);
}

static void test_steps_stand_in_the_order_of_the_file(void)
{
    g_autoptr(Scenario) s =
        parse(BASE "[input a]\nat=5\ntype=ls\\n\n"
                   "[cut 1]\nwhen=console:x\nway=suspend\nuptime=5\n"
                   "[input b]\nwhen=console:y\nxenstore=/a\nvalue=b\n"
                   "[input c]\nwhen=console:y\nxenstore=/a\n"
                   "[input d]\nat=6\nqmp=stop\n"
                   "[input e]\nat=6\nqmp=x\narguments={\"a\":1}\n"
                   "[cut 2]\nat=7\nway=migrate\nvia=file\n" ENDS);
    const Variant *v = scenario_variant(s, "");

    g_assert_cmpuint(v->steps->len, ==, 6);
    check_step(v, 0, "input a", 5000000000, "jumpcut-type",
               "{\"text\":\"ls\\n\"}");
    check_step(v, 1, "cut 1", -1, NULL, NULL);
    g_assert_cmpstr(((const Step *)v->steps->pdata[1])->cut, ==,
                    "way=suspend,uptime=5");
    check_step(v, 2, "input b", -1, "jumpcut-xenstore-write",
               "{\"path\":\"/a\",\"value\":\"b\"}");
    check_step(v, 3, "input c", -1, "jumpcut-xenstore-remove",
               "{\"path\":\"/a\"}");
    check_step(v, 4, "input d", 6000000000, "stop", "{}");
    check_step(v, 5, "input e", 6000000000, "x", "{\"a\":1}");
    check_options(s, "", "--cut=7:way=migrate,via=file");
}

#define DEVICE "[machine]\nqemu=-device virtio-serial-mq-pci,max_ports=4\n"

static void test_provocations_are_a_property_of_the_device(void)
{
    g_autoptr(Scenario) s =
        parse(BASE DEVICE "[provoke a]\nat=5ms\nkind=port-unplug\nport=1\n"
                          "[provoke b]\nevent=push=5#2\nkind=port-throttle\n"
                          "port=2\ndelay=1ms\nvariant=x\n" ENDS
                          "[variant x]\n[variant y]\n");
    g_autofree char *x = g_strjoinv(" ", scenario_variant(s, "x")->qemu);
    g_autofree char *y = g_strjoinv(" ", scenario_variant(s, "y")->qemu);

    g_assert_cmpstr(x, ==,
                    "-device virtio-serial-mq-pci,max_ports=4 -global "
                    "virtio-serial-mq-device.provoke=5ms:port-unplug,port=1;"
                    "push=5#2:port-throttle,port=2,delay=1ms");
    g_assert_cmpstr(y, ==,
                    "-device virtio-serial-mq-pci,max_ports=4 -global "
                    "virtio-serial-mq-device.provoke=5ms:port-unplug,port=1");
}

static void test_kernel_of_debian_gets_the_agent(void)
{
    g_autoptr(Scenario) s = parse(BASE ENDS);

    g_assert_cmpstr(scenario_variant(s, "")->initrd, ==, "agent");
}

static void test_variant_overrides_and_leaves_out(void)
{
    g_autoptr(Scenario) s =
        parse(BASE CUT "[cut 2]\nat=6\nuptime=7\nvariant=b, c\n" ENDS
                       "[expect 2]\nabsent=x\nvariant=a\n"
                       "[variant a]\nabout=x\nhost.invtsc=on\n"
                       "[variant b]\ncut 1.uptime=8\n[variant c]\n");

    g_assert_cmpuint(s->variants->len, ==, 3);
    check_options(s, "a", "--invtsc=on --cut=5:uptime=9");
    check_options(s, "b", "--cut=5:uptime=8 --cut=6:uptime=7");
    check_options(s, "c", "--cut=5:uptime=9 --cut=6:uptime=7");
    g_assert_cmpuint(scenario_variant(s, "a")->expects->len, ==, 2);
    g_assert_cmpuint(scenario_variant(s, "b")->expects->len, ==, 1);
    g_assert_null(scenario_variant(s, "d"));
}

static void test_expectations_are_read(void)
{
    g_autoptr(Scenario) s =
        parse(BASE CUT "[expect a]\npresent=x(.)\nnumber=1..2\ncount=3..\n"
                       "[expect b]\npresent=y\nafter=a\ncut=1\nside=after\n"
                       "[expect c]\nclock=monotonic\ncut=1\nstep=-1.5..1.5\n"
                       "[expect d]\nclock=tsc\nagainst=printk\nrate=2.9\n"
                       "[expect e]\ntext=a\\nb\n");
    GPtrArray *expects = scenario_variant(s, "")->expects;
    const Expect *e = expects->pdata[0];

    g_assert_cmpint(e->subject, ==, EXPECT_PRESENT);
    g_assert_cmpfloat(e->number.high, ==, 2);
    g_assert_cmpfloat(e->count.low, ==, 3);
    e = expects->pdata[1];
    g_assert_cmpstr(e->after, ==, "a");
    g_assert_cmpuint(e->cut, ==, 1);
    g_assert_cmpint(e->side, ==, SIDE_AFTER);
    e = expects->pdata[2];
    g_assert_cmpint(e->measure, ==, MEASURE_STEP);
    g_assert_cmpfloat(e->range.low, ==, -1.5);
    e = expects->pdata[3];
    g_assert_cmpint(e->measure, ==, MEASURE_RATE);
    g_assert_cmpstr(e->against, ==, "printk");
    e = expects->pdata[4];
    g_assert_cmpstr(e->value, ==, "a\nb");
}

/* What GKeyFile takes for a file, we do, too, and with the same values. */
static void test_syntax_is_that_of_key_files(void)
{
    static const char text[] = "# c\n" HEAD "about = b = c \n" GUEST ENDS;
    g_autoptr(GKeyFile) keys = g_key_file_new();
    g_autoptr(Scenario) s = parse(text);
    g_autofree char *about = NULL;

    g_assert_true(g_key_file_load_from_data(keys, text, strlen(text),
                                            G_KEY_FILE_NONE, NULL));
    about = g_key_file_get_value(keys, "scenario", "about", NULL);
    g_strchomp(about);
    g_assert_cmpstr(s->about, ==, about);
}

typedef struct BadCase {
    const char *text;
    const char *message; /* its beginning */
} BadCase;

static const BadCase bad_cases[] = {
    /* Text. */
    {"", "f:1: want a group [scenario]"},
    {"title=t\n", "f:1: want [GROUP] before the first key"},
    {HEAD "x\n", "f:3: want [GROUP], KEY=VALUE or # comment, got 'x'"},
    {HEAD "=x\n", "f:3: want [GROUP], KEY=VALUE or # comment"},
    {HEAD "[\n", "f:3: want [GROUP], got '['"},
    {HEAD "[]\n", "f:3: want [GROUP]"},
    {HEAD "[a\n", "f:3: want [GROUP]"},
    {HEAD "[a]b\n", "f:3: want [GROUP]"},
    {HEAD "[a[b]]\n", "f:3: want [GROUP]"},
    {HEAD "[ a]\n", "f:3: want [GROUP]"},
    {HEAD "\xff\n", "f:3: want UTF-8, got byte 0xff"},
    {HEAD "a\rb\n", "f:3: want text, got character 0x0d"},
    {HEAD "title=u\n", "f:3: key 'title' is there already, in line 2"},
    {BASE ENDS "[guest]\n", "f:7: [guest] is there already, in line 3"},
    /* Groups. */
    {BASE ENDS "[guests]\n", "f:7: no group [guests]; there are scenario"},
    {BASE ENDS "[cut]\n", "f:7: no group [cut]"},
    {BASE ENDS "[cut a b]\n", "f:7: no group [cut a b]"},
    {BASE ENDS "[cut a_b]\n", "f:7: no group [cut a_b]"},
    {"[scenario]\n" GUEST ENDS, "f:1: [scenario] wants a key 'title'"},
    {HEAD ENDS, "f:1: want a group [guest]"},
    {HEAD "[guest]\n" ENDS, "f:3: [guest] wants a key 'kernel'"},
    {BASE, "f:1: nothing is expected of variant ''"},
    {BASE ENDS "[cut 1]\nuptime=5\n", "f:7: [cut 1] wants one of the keys"},
    {BASE ENDS "[fault 1]\nat=5\n", "f:7: [fault 1] wants a key 'kind'"},
    /* Keys. */
    {HEAD "x=1\n" GUEST ENDS, "f:3: [scenario] has no key 'x', but title"},
    {BASE "x=1\n" ENDS, "f:5: [guest] has no key 'x', but kernel"},
    {BASE ENDS "[machine]\nx=1\n", "f:8: [machine] has no key 'x', but guest"},
    {BASE ENDS "[host]\ntsc=1\n", "f:8: [host] has no key 'tsc', but uptime"},
    {BASE ENDS "[host a]\nx=1\n", "f:8: [host a] has no key 'x'"},
    {BASE ENDS CUT "x=1\n", "f:10: [cut 1] has no key 'x'"},
    {BASE ENDS "x=1\n", "f:7: [expect 1] has no key 'x', but present"},
    {BASE ENDS "[fault 1]\nx=1\n", "f:8: [fault 1] has no key 'x', but at"},
    /* Values. */
    {"[scenario]\ntitle=\n", "f:2: [scenario] title=: want a value"},
    {HEAD "[guest]\nkernel=\n" ENDS, "f:4: [guest] kernel=: want debian-6.1"},
    {HEAD "[guest]\nkernel=payload:\n" ENDS, "f:4: [guest] kernel=payload:: w"},
    {BASE ENDS "[machine]\nguest=xen-pv\n",
     "f:8: [machine] guest=xen-pv: want one of xen-hvm, xen-pvh, kvm"},
    {BASE ENDS "[machine]\nsmp=0\n", "f:8: [machine] smp=0: want a number"},
    {BASE ENDS "[machine]\nsmp=129\n", "f:8: [machine] smp=129: want"},
    {BASE ENDS "[machine]\nmemory=64\n", "f:8: [machine] memory=64: want"},
    {BASE ENDS "[machine]\nmemory=64MM\n", "f:8: [machine] memory=64MM: want"},
    {BASE ENDS "[machine]\nmemory=999999M\n", "f:8: [machine] memory=999999M"},
    {BASE ENDS "[machine]\nxen-version=4.1\n", "f:8: [machine] xen-version="},
    {BASE ENDS "[machine]\ntsc-mode=x\n", "f:8: [machine] tsc-mode=x: want"},
    {BASE ENDS "[machine]\nsteal=10ms\n", "f:8: [machine] steal=10ms: "},
    {BASE ENDS "[machine]\ndigest=x\n", "f:8: [machine] digest=x: "},
    {BASE ENDS "[host]\nuptime=x\n", "f:8: [host] uptime=x: uptime: "},
    {BASE ENDS "[host]\ninvtsc=yes\n", "f:8: [host] invtsc=yes: want one of"},
    {BASE ENDS "[host]\ntsc-khz=0\n", "f:8: [host] tsc-khz=0: tsc-khz: wanted"},
    {BASE ENDS "[cut 1]\nat=x\n", "f:8: [cut 1] at=x: "},
    {BASE ENDS "[cut 1]\nat=0\nuptime=1\n",
     "f:7: [cut 1]: in the past: the guest"},
    {BASE ENDS "[cut 1]\nat=5\n", "f:7: [cut 1]: "},
    {BASE ENDS "[cut 1]\nat=5\nhost=a\n",
     "f:9: [cut 1] host=a: there is no [h"},
    {BASE ENDS CUT "[cut 2]\nat=5.0\nuptime=1\n",
     "f:10: [cut 2]: want at=5.0 later than the cut before it"},
    {BASE ENDS "[fault 1]\nat=1\nkind=x\n", "f:7: [fault 1]: "},
    /* Steps. */
    {BASE ENDS CUT "when=console:x\n", "f:7: [cut 1] wants one of the keys"},
    {BASE ENDS "[cut 1]\nwhen=x\nuptime=1\n", "f:8: [cut 1] when=x: want con"},
    {BASE ENDS "[cut 1]\nwhen=console:(\n", "f:8: [cut 1] when=console:(: wan"},
    {BASE ENDS "[cut 1]\nwhen=console:\n", "f:8: [cut 1] when=console:: want"},
    {BASE ENDS "[cut 1]\nwhen=console:x\n", "f:7: [cut 1]: "},
    {BASE ENDS "[cut 1]\nwhen=console:x\nway=migrate\n",
     "f:7: [cut 1]: way=migrate wants a key 'at'"},
    {BASE ENDS CUT "way=x\n", "f:10: [cut 1] way=x: want one of in-place"},
    {BASE ENDS CUT "via=unix\n", "f:7: [cut 1]: via=unix: only with way=mig"},
    {BASE ENDS CUT "way=cancel\n", "f:7: [cut 1]: uptime=9: way=cancel stays"},
    {BASE ENDS "[input]\n", "f:7: no group [input]"},
    {BASE ENDS "[input 1]\nx=1\n", "f:8: [input 1] has no key 'x', but at"},
    {BASE ENDS "[input 1]\nat=1\n", "f:7: [input 1] wants one of type, xen"},
    {BASE ENDS "[input 1]\ntype=x\n", "f:7: [input 1] wants one of the keys"},
    {BASE ENDS "[input 1]\nat=1\ntype=x\nqmp=x\n", "f:7: [input 1] wants on"},
    {BASE ENDS "[input 1]\nat=1\ntype=x\nvalue=x\n", "f:7: [input 1] wants "},
    {BASE ENDS "[input 1]\nat=1\nxenstore=/x\narguments={}\n",
     "f:7: [input 1] wants one of type, xenstore (with value) and qmp"},
    {BASE ENDS "[input 1]\nat=1\ntype=\n", "f:9: [input 1] type=: want UTF-8"},
    {BASE ENDS "[input 1]\nat=1\ntype=\\\n", "f:9: [input 1] type=\\: want UT"},
    {BASE ENDS "[input 1]\nat=1\ntype=\\377\n", "f:9: [input 1] type=\\377: "},
    {BASE ENDS "[input 1]\nat=1\nqmp=x\narguments=[]\n",
     "f:10: [input 1] arguments=[]: want a JSON object"},
    {BASE ENDS "[input 1]\nat=1\nqmp=x\narguments={\n",
     "f:10: [input 1] arguments={: want a JSON object: "},
    /* Provocations. */
    {BASE DEVICE ENDS "[provoke a]\nat=1\n",
     "f:9: [provoke a] wants a key 'kind'"},
    {BASE DEVICE ENDS "[provoke a]\nkind=needs-reset\n",
     "f:9: [provoke a] wants one of at and event"},
    {BASE DEVICE ENDS "[provoke a]\nat=1\nevent=push#1\nkind=needs-reset\n",
     "f:9: [provoke a] wants one of at and event"},
    {BASE DEVICE ENDS "[provoke a]\nevent=pull#1\nkind=needs-reset\n",
     "f:9: [provoke a]: provocation: event: "},
    {BASE DEVICE ENDS "[provoke a]\nat=1\nkind=sulk\n",
     "f:9: [provoke a]: provocation: kind: "},
    {BASE DEVICE ENDS "[provoke a]\nat=1\nkind=port-unplug\nport=511\n",
     "f:9: [provoke a]: provocation: port: "},
    {BASE DEVICE ENDS "[provoke a]\nat=1\nkind=x;2:y\n",
     "f:9: [provoke a]: want no ';'"},
    {BASE DEVICE ENDS "[provoke a]\nat=1\nkind=needs-reset\ncolour=red\n",
     "f:12: [provoke a] has no key 'colour'"},
    {BASE ENDS "[provoke a]\nat=1\nkind=needs-reset\n",
     "f:7: [provoke a] wants a virtio-serial-mq-pci in [machine] qemu"},
    /* Expectations. */
    {BASE "[expect 1]\n", "f:5: [expect 1] wants one of present, absent"},
    {BASE ENDS "cuts=1\n", "f:5: [expect 1] wants one of present, absent, text,"
                           " clock, clocksource, ending, equal, cuts and "
                           "event, got 2"},
    {BASE "[expect 1]\npresent=\n", "f:6: [expect 1] present=: want a regular"},
    {BASE "[expect 1]\npresent=(\n", "f:6: [expect 1] present=(: want a reg"},
    {BASE "[expect 1]\nabsent=[\n", "f:6: [expect 1] absent=[: want a regular"},
    {BASE "[expect 1]\ntext=\n", "f:6: [expect 1] text=: want a value"},
    {BASE "[expect 1]\ntext=a\\\n", "f:6: [expect 1] text=a\\: want no \\ at"},
    {BASE "[expect 1]\nending=off\n",
     "f:6: [expect 1] ending=off: want one of"},
    {BASE "[expect 1]\ncuts=x\n", "f:6: [expect 1] cuts=x: want NUMBER"},
    {BASE "[expect 1]\ncuts=..\n", "f:6: [expect 1] cuts=..: want NUMBER"},
    {BASE "[expect 1]\ncuts=2..1\n", "f:6: [expect 1] cuts=2..1: want NUMBER"},
    {BASE "[expect 1]\ncuts=inf\n", "f:6: [expect 1] cuts=inf: want NUMBER"},
    {BASE "[expect 1]\ncuts=0x1\n", "f:6: [expect 1] cuts=0x1: want NUMBER"},
    {BASE "[expect 1]\nevent=\n", "f:6: [expect 1] event=: want the name of"},
    {BASE "[expect 1]\nevent=x\n", "f:6: [expect 1] event=x: want the name"},
    {BASE "[expect 1]\nevent=X\nwith=a\n",
     "f:7: [expect 1] with=a: want MEMBER=VALUE"},
    {BASE "[expect 1]\nevent=X\nwith=\n", "f:7: [expect 1] with=: want a val"},
    {BASE "[expect 1]\nevent=X\nwith=a=1,\n",
     "f:7: [expect 1] with=a=1,: want MEMBER=VALUE"},
    {BASE "[expect 1]\nevent=X\nwith=a=\n",
     "f:7: [expect 1] with=a=: want MEMBER=VALUE"},
    {BASE "[expect 1]\npresent=x\nwith=a=1\n",
     "f:7: [expect 1] with does not go with present"},
    {BASE "[expect 1]\nclock=x\n", "f:6: [expect 1] clock=x: want one of prin"},
    {BASE "[expect 1]\nclock=tsc\n", "f:5: [expect 1] clock wants one of step"},
    {BASE "[expect 1]\nclock=tsc\nstep=1\n", "f:5: [expect 1] step wants a ke"},
    {BASE "[expect 1]\nclock=tsc\nrate=1\n", "f:5: [expect 1] rate and agains"},
    {BASE "[expect 1]\nclock=tsc\nreading=1\nagainst=tsc\n",
     "f:5: [expect 1] rate and against want each other"},
    {BASE "[expect 1]\nclock=tsc\nreading=1\nrate=1\n",
     "f:5: [expect 1] clock wants one of step, rate and reading, got 2"},
    {BASE "[expect 1]\npresent=x\nnumber=1\n",
     "f:7: [expect 1] number wants a ( ) in present"},
    {BASE "[expect 1]\npresent=x\ncut=1\n",
     "f:7: [expect 1] cut=1: there is n"},
    {BASE "[expect 1]\npresent=x\nside=after\n",
     "f:5: [expect 1] side wants a"},
    {BASE "[expect 1]\npresent=x\nafter=2\n",
     "f:5: [expect 1] after=2: want t"},
    {BASE "[expect 1]\npresent=x\nafter=1\n",
     "f:5: [expect 1] after=1: want t"},
    {BASE ENDS "[expect 2]\npresent=x\nafter=1\n",
     "f:7: [expect 2] after=1: w"},
    {BASE ENDS "step=1\n", "f:7: [expect 1] step does not go with ending"},
    {BASE ENDS "after=x\n", "f:7: [expect 1] after does not go with ending"},
    {BASE ENDS "what=both\n", "f:7: [expect 1] what does not go with ending"},
    {BASE "[expect 1]\nequal=a\n", "f:5: [expect 1] equal=a: want a variant"},
    /* Variants. */
    {BASE ENDS "variant=a\n", "f:7: [expect 1] variant=a: there is no [vari"},
    {BASE ENDS "[variant a]\nx=1\n", "f:8: [variant a] x=1: want about or GRO"},
    {BASE ENDS "[variant a]\nscenario.title=1\n",
     "f:8: [variant a] scenario.t"},
    {BASE ENDS "[variant a]\nvariant a.about=1\n",
     "f:8: [variant a] variant a"},
    {BASE ENDS "[variant a]\nexpect 1.variant=a\n",
     "f:8: [variant a] expect 1"},
    {BASE ENDS "[variant a]\ncut 1.at=1\n", "f:8: [variant a] cut 1.at=1: the"},
    {BASE ENDS "[variant a]\nhost.x=1\n", "f:8: [host] has no key 'x'"},
    {BASE ENDS "[variant a]\nhost.uptime=x\n", "f:8: [host] uptime=x: uptime:"},
    {BASE ENDS "variant=a\n[variant a]\n[variant b]\n",
     "f:1: nothing is expected of variant 'b'"},
    {BASE "[expect 1]\nequal=b\n[variant a]\n[variant b]\n",
     "f:5: [expect 1] equal=b: want a variant that stands before [variant a]"},
};

static void test_bad_file_is_refused_with_its_line(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(bad_cases); i++) {
        const BadCase *c = &bad_cases[i];
        g_autoptr(GError) error = NULL;

        g_assert_null(scenario_parse("f", c->text, strlen(c->text), &error));
        g_assert_nonnull(error);
        if (!g_str_has_prefix(error->message, c->message)) {
            g_error("'%s': want '%s', got '%s'", c->text, c->message,
                    error->message);
        }
    }
}

static void check_refused(const char *text, gsize size, const char *message)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(scenario_parse("f", text, size, &error));
    g_assert_nonnull(strstr(error->message, message));
}

static void test_what_is_too_much_is_refused(void)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_set_size(text, SCENARIO_SIZE_MAX + 1);
    memset(text->str, '#', text->len);
    check_refused(text->str, text->len, "longer than 1048576 bytes");
    g_string_assign(text, HEAD);
    for (guint i = 0; i < SCENARIO_GROUPS_MAX; i++) {
        g_string_append_printf(text, "[cut %u]\n", i);
    }
    check_refused(text->str, text->len, "f:202: more than 200 groups");
    g_string_assign(text, HEAD);
    for (guint i = 0; i < SCENARIO_KEYS_MAX; i++) {
        g_string_append_printf(text, "k%u=\n", i);
    }
    check_refused(text->str, text->len, "f:102: more than 100 keys");
    check_refused("[scenario]\ntitle=a\0b\n", 21, "f:2: want UTF-8");
}

static void test_missing_file_is_named(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(scenario_load("/nonexistent/x.scenario", &error));
    g_assert_nonnull(strstr(error->message, "/nonexistent/x.scenario"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scenario/options", test_keys_become_options_of_boot);
    g_test_add_func("/scenario/steps",
                    test_steps_stand_in_the_order_of_the_file);
    g_test_add_func("/scenario/provoke",
                    test_provocations_are_a_property_of_the_device);
    g_test_add_func("/scenario/agent", test_kernel_of_debian_gets_the_agent);
    g_test_add_func("/scenario/variants",
                    test_variant_overrides_and_leaves_out);
    g_test_add_func("/scenario/expects", test_expectations_are_read);
    g_test_add_func("/scenario/key-file", test_syntax_is_that_of_key_files);
    g_test_add_func("/scenario/bad", test_bad_file_is_refused_with_its_line);
    g_test_add_func("/scenario/too-much", test_what_is_too_much_is_refused);
    g_test_add_func("/scenario/missing", test_missing_file_is_named);
    return g_test_run();
}
