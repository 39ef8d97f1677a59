/*
 * How long something took, from how often it took so long at the most.
 */

#include "cmd/histogram.h"

void
histogram_init(struct histogram *h, const struct snapshot *s)
{
	const struct snapshot_line *line = snapshot_next(s, NULL, "buckets");

	h->n = line == NULL ?
	    0 :
	    snapshot_numbers(line, "us", h->bounds, HISTOGRAM_MAX);
}

uint64_t
histogram_quantile(const struct histogram *h,
    const struct snapshot_line *service, unsigned int percent)
{
	uint64_t times[HISTOGRAM_MAX + 1], total = 0, sum = 0;
	size_t i, n;

	n = snapshot_numbers(service, "times", times, HISTOGRAM_MAX + 1);
	if (h->n == 0 || n != h->n + 1)
		return 0;
	for (i = 0; i < n; i++)
		total += times[i];
	if (total == 0)
		return 0;
	for (i = 0; i < h->n; i++) {
		sum += times[i];
		if ((double)sum * 100 >= (double)total * percent)
			return h->bounds[i];
	}
	return UINT64_MAX;
}
