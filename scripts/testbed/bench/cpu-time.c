// SPDX-License-Identifier: GPL-2.0
/* How long each domain has run, as Xen counts it: one line "DOMID NANOSECONDS" each. */
#include <stdio.h>
#include <xenctrl.h>

int main(void)
{
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	xc_dominfo_t info[16];
	int count = xch ? xc_domain_getinfo(xch, 0, 16, info) : -1;
	int i;

	for (i = 0; i < count; i++)
		printf("%u %llu\n", (unsigned int)info[i].domid,
		       (unsigned long long)info[i].cpu_time);
	return count <= 0;
}
