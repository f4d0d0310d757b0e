/*
 * Lines of pictures, and the search for the cache that a person means.
 */
#include "../chain.h"
#include "view.h"

#include <kernel/printk.h>
#include <kernel/string.h>

/* -- lines ---------------------------------------------------------------------- */

static void view_vadd(struct view *view, const char *format, va_list ap)
	__printf(2, 0);

static void
view_vadd(struct view *view, const char *format, va_list ap)
{
	size_t room = sizeof(view->line) - view->used;
	int n = vsnprintf(view->line + view->used, room, format, ap);

	if (n > 0)
		view->used += MIN((size_t)n, room - 1);
}

void
view_add(struct view *view, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	view_vadd(view, format, ap);
	va_end(ap);
}

void
view_column(struct view *view, size_t column)
{
	while (view->used < MIN(column, sizeof(view->line) - 1))
		view->line[view->used++] = ' ';
}

void
view_end(struct view *view)
{
	view->line[view->used] = '\0';
	view->used = 0;
	view->fn(view->line, view->arg);
}

void
view_line(struct view *view, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	view_vadd(view, format, ap);
	va_end(ap);
	view_end(view);
}

/* -- names --------------------------------------------------------------------------- */

/* How many letters must be changed, put in or left out to make `a` of b. Names are
 * short; what is longer is no name. */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t row[KMEM_NAME_LEN + 1], nr_b = strlen(b), above, diagonal;

	for (size_t j = 0; j <= nr_b; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < nr_b; j++) {
			above = row[j + 1];
			row[j + 1] = MIN(MIN(above, row[j]) + 1,
					 diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[nr_b];
}

/* A third of the letters may be wrong, or the end may be missing. */
static bool
is_similar(const char *wanted, const char *name)
{
	size_t len = strnlen(wanted, KMEM_NAME_LEN + 1);

	if (len > KMEM_NAME_LEN || len == 0)
		return false;
	return strncmp(name, wanted, len) == 0 ||
	       edit_distance(wanted, name) <= len / 3;
}

/* Names the caches that are similar (NULL: all); returns how many. */
static unsigned
list_names(struct view *view, const char *wanted)
{
	struct slab_cache *cache;
	unsigned nr = 0;

	for (cache = NULL;
	     (cache = slab_chain_next(&slab_kernel_root, cache)) != NULL;) {
		const char *name = cache->base.name;

		if (wanted != NULL && !is_similar(wanted, name))
			continue;
		if (nr++ == 0)
			view_line(view, "%s:",
				  wanted != NULL ? "similar" : "there are");
		if (view->used + 1 + strlen(name) >= KMEM_VIEW_WIDTH)
			view_end(view);
		view_add(view, "  %s", name);
	}
	if (view->used > 0)
		view_end(view);
	return nr;
}

bool
view_slab_serves(struct view *view)
{
	if (slab_serves())
		return true;
	view_line(view,
		  "no caches to look at: kmalloc=%s serves, boot with "
		  "kmalloc=slab",
		  kmem_backend_chosen()->name);
	return false;
}

struct slab_cache *
view_find_cache(struct view *view, const char *name)
{
	struct slab_cache *cache;

	if (!view_slab_serves(view))
		return NULL;
	cache = slab_chain_find(&slab_kernel_root, name);
	if (cache != NULL)
		return cache;
	view_line(view, "there is no cache %.40s", name);
	if (list_names(view, name) == 0)
		(void)list_names(view, NULL);
	return NULL;
}
