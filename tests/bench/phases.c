/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the lines "vpnrun: N us  LABEL" that the launcher writes with -v, one when a phase has
 * ended, N since the one before; other lines are passed over. The phases keep the order in which
 * they were first seen. Called by bench.c.
 */
#include "phases.h"

#include <string.h>

#include "stats.h"

#define PHASES 32

static struct phase {
	char label[64];
	struct samples us;
} phases[PHASES];
static size_t n_phases;

static struct phase *phase_of(const char *label)
{
	for (size_t i = 0; i < n_phases; i++)
		if (!strcmp(phases[i].label, label))
			return &phases[i];
	if (n_phases == PHASES || strlen(label) >= sizeof(phases[0].label))
		return NULL;
	strcpy(phases[n_phases].label, label);
	return &phases[n_phases++];
}

static void add_line(const char *line, size_t len)
{
	char text[256], *end;
	const char *colon;
	struct phase *p;
	double us;

	if (len >= sizeof(text))
		return;
	memcpy(text, line, len);
	text[len] = '\0';
	colon = strchr(text, ':');
	us = strtod(colon ? colon + 1 : text, &end);
	if (strncmp(end, " us  ", 5) != 0)
		return;
	p = phase_of(end + 5);
	if (p)
		samples_add(&p->us, us);
}

void phases_add(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		add_line(text, len);
		text += len + (text[len] == '\n');
	}
}

void phases_report(FILE *json)
{
	printf("%-46s %9s %9s %9s\n", "", "median us", "min", "max");
	for (size_t i = 0; i < n_phases; i++) {
		struct samples *s = &phases[i].us;

		samples_sort(s);
		printf("%-46s %9.0f %9.0f %9.0f\n", phases[i].label, samples_median(s),
		       samples_min(s), samples_max(s));
		fprintf(json,
			"%s\n    {\"phase\": \"%s\", \"n\": %zu, \"min_us\": %.0f, \"median_us\": "
			"%.0f, \"max_us\": %.0f}",
			i ? "," : "", phases[i].label, s->n, samples_min(s), samples_median(s),
			samples_max(s));
	}
}
