// SPDX-License-Identifier: MIT
/* test_hv_cfg.c - configurations of domains: what is read, what is refused */
#include <stdint.h>

#include "hv/cli/cfg.h"
#include "tests/unit/bh_check.h"

/* docs/man/xen-vbd-interface.7 of Xen */
static const struct {
	const char *name;
	uint32_t number; /* 0: it is no name */
} vdevs[] = {
	{"xvda", 51712},
	{"xvda1", 51713},
	{"xvdb", 51728},
	{"xvdp15", 51967},
	{"xvdq", 1u << 28 | 16 << 8},
	{"xvda16", 1u << 28 | 16},
	{"xvdaa", 1u << 28 | 26 << 8},
	{"d0", 51712},
	{"d0p1", 51713},
	{"d536p37", 1u << 28 | 536 << 8 | 37},
	{"hda", 768},
	{"hdb", 832},
	{"hdc", 5632},
	{"hdd3", 5699},
	{"sda", 2048},
	{"sdb2", 2066},
	{"", 0},
	{"xvd", 0},
	{"xvda256", 0},
	{"xvda1x", 0},
	{"hde", 0},
	{"hda64", 0},
	{"sdq", 0},
	{"sda16", 0},
	{"d", 0},
	{"d1048576", 0},
	{"d0p256", 0},
	{"d0p", 0},
	{"foo", 0},
	{"xvdzzzzz", 0},
	{"d99999999999999999999", 0},
};
enum { VDEVS_NR = sizeof(vdevs) / sizeof(vdevs[0]) };

START_TEST(test_vdev)
{
	uint32_t n = 0;

	ck_assert_int_eq(
		vdev_number(vdevs[_i].name, &n), vdevs[_i].number != 0);
	if (vdevs[_i].number)
		ck_assert_uint_eq(n, vdevs[_i].number);
}
END_TEST

START_TEST(test_uuid)
{
	const char *text = "01234567-89ab-cdef-0123-456789ABCDEF";
	char back[UUID_TEXT];
	uint8_t uuid[16];

	ck_assert(uuid_parse(text, uuid));
	uuid_text(uuid, back);
	ck_assert_str_eq(back, "01234567-89ab-cdef-0123-456789abcdef");
	ck_assert(uuid_parse("0123456789abcdef0123456789abcdef", uuid));
	ck_assert(!uuid_parse("", uuid));
	ck_assert(!uuid_parse("0123456789abcdef0123456789abcde", uuid));
	ck_assert(!uuid_parse("0123456789abcdef0123456789abcdef0", uuid));
	ck_assert(!uuid_parse("0123456789abcdef0123456789abcdeg", uuid));
}
END_TEST

START_TEST(test_defaults)
{
	struct domcfg c;

	ck_assert(domcfg_parse(&c, "name = \"a\"", "file"));
	ck_assert_str_eq(c.name, "a");
	ck_assert(!c.has_uuid);
	ck_assert_int_eq(c.type, CFG_PVH);
	ck_assert_uint_eq(c.memory, 32);
	ck_assert_uint_eq(c.maxmem, 32);
	ck_assert_uint_eq(c.vcpus, 1);
	ck_assert_ptr_null(c.kernel);
	ck_assert_int_eq(c.uid, -1);
	ck_assert(!c.iouring && !c.driver_domain);
	ck_assert_str_eq(c.on_poweroff, "destroy");
	ck_assert_str_eq(c.on_reboot, "restart");
	ck_assert_str_eq(c.on_crash, "destroy");
	domcfg_fini(&c);
}
END_TEST

START_TEST(test_everything)
{
	static const char text[] =
		"# a comment: memroy = 3\n"
		"name = 'all'; type = \"hvm\"\n"
		"uuid = \"01234567-89ab-cdef-0123-456789abcdef\"\n"
		"memory = 64\nmaxmem = 128\nvcpus = 4\n"
		"kernel = \"/bin/sh\"\n"
		"args = [ \"-c\",\n\t\"echo # = [ ; \", # why = not\n ]\n"
		"hv_env = [ \"A=b\", \"C=\" ]\nhv_bind = [ \"/x:rw\" ]\n"
		"cpus = \"0-1\"\nhv_iouring = 1\nhv_uid = 1000\n"
		"driver_domain = 1\non_crash = \"preserve\"\n"
		"disk = [ '/dev/vg/a,raw,xvda,w', "
		"'format=qcow2, vdev=xvdb, access=ro, backend=dd, "
		"target=/b.qcow2' ]\n"
		"vif = [ 'mac=00:16:3e:00:00:01, bridge=br0, mtu=9000', '' ]\n";
	struct domcfg c;
	uint8_t mac[6];

	ck_assert(domcfg_parse(&c, text, "file"));
	ck_assert_int_eq(c.type, CFG_HVM);
	ck_assert_uint_eq(c.maxmem, 128);
	ck_assert_uint_eq(c.args.nr, 2);
	ck_assert_str_eq(c.args.v[1], "echo # = [ ; ");
	ck_assert_uint_eq(c.env.nr, 2);
	ck_assert_str_eq(c.bind.v[0], "/x:rw");
	ck_assert_str_eq(c.cpus, "0-1");
	ck_assert(c.iouring && c.driver_domain);
	ck_assert_int_eq(c.uid, 1000);
	ck_assert_str_eq(c.on_crash, "preserve");
	ck_assert_uint_eq(c.disks, 2);
	ck_assert_str_eq(c.disk[0].target, "/dev/vg/a");
	ck_assert(c.disk[0].writable);
	ck_assert_ptr_null(c.disk[0].backend);
	ck_assert_str_eq(c.disk[1].backend, "dd");
	ck_assert_str_eq(c.disk[1].format, "qcow2");
	ck_assert(!c.disk[1].writable);
	ck_assert_uint_eq(c.disk[1].number, 51728);
	ck_assert_uint_eq(c.vifs, 2);
	ck_assert_str_eq(c.vif[0].bridge, "br0");
	ck_assert_uint_eq(c.vif[0].mac[5], 1);
	ck_assert_uint_eq(c.vif[0].mtu, 9000);
	/* the second has none: it follows from the uuid and its number */
	cfg_vif_mac(&c.vif[0], c.uuid, 0, mac);
	ck_assert_mem_eq(mac, "\x00\x16\x3e\x00\x00\x01", 6);
	cfg_vif_mac(&c.vif[1], c.uuid, 1, mac);
	ck_assert_mem_eq(mac, "\x00\x16\x3e\x2b\xcd\xf0", 6);
	domcfg_fini(&c);
}
END_TEST

/* Later lines win: that is how the command line changes a file. */
START_TEST(test_later_wins)
{
	struct domcfg c;

	ck_assert(domcfg_parse(
		&c, "name='a'\nmemory=8\nname=\"b\"\nmemory=16", "file"));
	ck_assert_str_eq(c.name, "b");
	ck_assert_uint_eq(c.memory, 16);
	domcfg_fini(&c);
}
END_TEST

static const char *const refused[] = {
	"",
	"memory = 8",
	"name = \"\"",
	"name = \"1\"",
	"name = \"a/b\"",
	"name = \"-a\"",
	"name = [ \"a\" ]",
	"name = \"a\"\nname2 = \"b\"",
	"name = \"a\"\nmemory = 0",
	"name = \"a\"\nmemory = \"x\"",
	"name = \"a\"\nmemory = -1",
	"name = \"a\"\nmemory = 99999999999999999",
	"name = \"a\"\nmaxmem = 1",
	"name = \"a\"\nvcpus = 0",
	"name = \"a\"\nvcpus = 129",
	"name = \"a\"\ntype = \"x\"",
	"name = \"a\"\nuuid = \"x\"",
	"name = \"a\"\nargs = [ \"x\" ]",
	"name = \"a\"\nkernel = \"/x\"\nargs = \"x\"",
	"name = \"a\"\nkernel = \"/x\"\nargs = [ [ \"x\" ] ]",
	"name = \"a\"\nhv_env = [ \"=x\" ]",
	"name = \"a\"\nhv_bind = [ \"x\" ]",
	"name = \"a\"\nhv_iouring = 2",
	"name = \"a\"\nhv_uid = 0",
	"name = \"a\"\non_reboot = \"x\"",
	"name = \"a\"\nvif = [ \"x\" ]",
	"name = \"a\"\nvif = [ \"x=y\" ]",
	"name = \"a\"\nvif = [ \"mtu=1\" ]",
	"name = \"a\"\nvif = [ \"mac=00:16:3e:00:00\" ]",
	"name = \"a\"\nvif = [ \"mac=00:16:3e:00:00:001\" ]",
	"name = \"a\"\ndisk = [ \"x\" ]",
	"name = \"a\"\ndisk = \"x\"",
	"name = \"a\"\ndisk = [ \"/x,raw,xvdzzzzz,w\" ]",
	"name = \"a\"\nmemory",
	"name = \"a",
	"name = \"a\" memory = 3",
	"name = \"a\"\n  unknown = 1",
	"name = \"a\"; unknown = 1",
};
enum { REFUSED_NR = sizeof(refused) / sizeof(refused[0]) };

START_TEST(test_refused)
{
	struct domcfg c;

	ck_assert_msg(
		!domcfg_parse(&c, refused[_i], "file"), "%s", refused[_i]);
	ck_assert_ptr_null(c.name);
	ck_assert_uint_eq(c.disks + c.vifs, 0);
}
END_TEST

START_TEST(test_too_many)
{
	char text[16384] = "name = \"a\"\nvif = [ ";
	struct domcfg c;

	for (int i = 0; i < CFG_VIFS_MAX; i++)
		strcat(text, "'', ");
	strcat(text, "]");
	ck_assert(domcfg_parse(&c, text, "file"));
	ck_assert_uint_eq(c.vifs, CFG_VIFS_MAX);
	domcfg_fini(&c);
	text[strlen(text) - 1] = '\0';
	strcat(text, "'' ]");
	ck_assert(!domcfg_parse(&c, text, "file"));
}
END_TEST

BH_CHECK_MAIN("hv_cfg", 10, BH_LOOP(test_vdev, VDEVS_NR), BH_TEST(test_uuid),
	BH_TEST(test_defaults), BH_TEST(test_everything),
	BH_TEST(test_later_wins), BH_LOOP(test_refused, REFUSED_NR),
	BH_TEST(test_too_many))
