// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The WebAssembly module's face: one JPEG 2000 codestream in, samples out. An
// instance decodes one codestream and is then thrown away, so nothing is freed.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opj_includes.h"

#define EXPORT(name) __attribute__((export_name(#name)))

// What the C library lacks or would import from the host.

// OpenJPEG can dump its state to files, print when memory is short and read the
// environment; vsnprintf drags in stdio.
int fprintf(FILE *file, const char *format, ...) { return 0; }
FILE *fopen(const char *path, const char *mode) { return NULL; }
int fclose(FILE *file) { return 0; }
int fputs(const char *text, FILE *file) { return 0; }
int __isatty(int descriptor) { return 0; }
size_t __stdio_write(FILE *file, const unsigned char *data, size_t n) { return n; }
off_t __stdio_seek(FILE *file, off_t offset, int whence) { return -1; }
int __stdio_close(FILE *file) { return 0; }
char *getenv(const char *name) { return NULL; }
void abort(void) { __builtin_trap(); }

// wasi-libc's lrintf is a call in the inner loop of the irreversible transform.
long lrintf(float x) { return (long)__builtin_rintf(x); }

// Memory, up to a limit that the host sets for each codestream.

#define PAGE 65536

static size_t limit;

void *sbrk(intptr_t increment) {
	size_t size = __builtin_wasm_memory_size(0) * PAGE;
	if (increment == 0) {
		return (void *)size;
	}
	if (increment < 0 || increment % PAGE != 0 || size > limit || (size_t)increment > limit - size ||
		__builtin_wasm_memory_grow(0, increment / PAGE) == (size_t)-1) {
		return (void *)-1;
	}
	return (void *)size;
}

// Cancellation. The host's poll does not return once the work is to end. It is
// called before each packet, each leaf of a tag tree, each code block, and each
// read, between which the work is bounded; wazero's own check, at every loop's
// end, makes decoding three times slower.

__attribute__((import_module("host"), import_name("poll"))) void host_poll(void);

OPJ_BOOL __real_opj_pi_next(opj_pi_iterator_t *pi);
OPJ_BOOL __wrap_opj_pi_next(opj_pi_iterator_t *pi) {
	host_poll();
	return __real_opj_pi_next(pi);
}

OPJ_UINT32 __real_opj_tgt_decode(opj_bio_t *bio, opj_tgt_tree_t *tree, OPJ_UINT32 leaf, OPJ_INT32 threshold);
OPJ_UINT32 __wrap_opj_tgt_decode(opj_bio_t *bio, opj_tgt_tree_t *tree, OPJ_UINT32 leaf, OPJ_INT32 threshold) {
	host_poll();
	return __real_opj_tgt_decode(bio, tree, leaf, threshold);
}

void __real_opj_mqc_resetstates(opj_mqc_t *mqc);
void __wrap_opj_mqc_resetstates(opj_mqc_t *mqc) {
	host_poll();
	__real_opj_mqc_resetstates(mqc);
}

OPJ_BOOL __real_opj_t1_ht_decode_cblk(opj_t1_t *t1, opj_tcd_cblk_dec_t *cblk, OPJ_UINT32 orient, OPJ_UINT32 roishift,
	OPJ_UINT32 cblksty, opj_event_mgr_t *manager, opj_mutex_t *mutex, OPJ_BOOL check_pterm);
OPJ_BOOL __wrap_opj_t1_ht_decode_cblk(opj_t1_t *t1, opj_tcd_cblk_dec_t *cblk, OPJ_UINT32 orient, OPJ_UINT32 roishift,
	OPJ_UINT32 cblksty, opj_event_mgr_t *manager, opj_mutex_t *mutex, OPJ_BOOL check_pterm) {
	host_poll();
	return __real_opj_t1_ht_decode_cblk(t1, cblk, orient, roishift, cblksty, manager, mutex, check_pterm);
}

OPJ_SIZE_T __real_opj_stream_read_data(opj_stream_private_t *stream, OPJ_BYTE *to, OPJ_SIZE_T n, opj_event_mgr_t *manager);
OPJ_SIZE_T __wrap_opj_stream_read_data(opj_stream_private_t *stream, OPJ_BYTE *to, OPJ_SIZE_T n, opj_event_mgr_t *manager) {
	host_poll();
	return __real_opj_stream_read_data(stream, to, n, manager);
}

// The codestream as OpenJPEG's stream.

struct memory {
	const uint8_t *data;
	size_t size, pos;
};

static OPJ_SIZE_T read_memory(void *to, OPJ_SIZE_T n, void *source) {
	struct memory *m = source;
	if (m->pos >= m->size) {
		return (OPJ_SIZE_T)-1;
	}
	if (n > m->size - m->pos) {
		n = m->size - m->pos;
	}
	memcpy(to, m->data + m->pos, n);
	m->pos += n;
	return n;
}

static OPJ_OFF_T skip_memory(OPJ_OFF_T n, void *source) {
	struct memory *m = source;
	if (n < 0 || (uint64_t)n > m->size - m->pos) {
		return -1;
	}
	m->pos += (size_t)n;
	return n;
}

static OPJ_BOOL seek_memory(OPJ_OFF_T pos, void *source) {
	struct memory *m = source;
	if (pos < 0 || (uint64_t)pos > m->size) {
		return OPJ_FALSE;
	}
	m->pos = (size_t)pos;
	return OPJ_TRUE;
}

static opj_stream_t *open_memory(struct memory *m) {
	opj_stream_t *stream = opj_stream_create(m->size, OPJ_TRUE);
	if (stream == NULL) {
		return NULL;
	}
	opj_stream_set_user_data(stream, m, NULL);
	opj_stream_set_user_data_length(stream, m->size);
	opj_stream_set_read_function(stream, read_memory);
	opj_stream_set_skip_function(stream, skip_memory);
	opj_stream_set_seek_function(stream, seek_memory);
	return stream;
}

static char message[256];

// keep_first keeps the first message of a decoding: it names the cause, those
// that follow name its consequences.
static void keep_first(const char *text, void *unused) {
	if (message[0] == 0) {
		strncpy(message, text, sizeof message - 1);
	}
}

static opj_image_t *image;

// allocate sets the limit of the instance's memory, in bytes, and returns room
// for the codestream, or NULL.
EXPORT(allocate) void *allocate(size_t size, size_t memory_limit) {
	limit = memory_limit;
	return opj_malloc(size);
}

// decode decodes the codestream at data and returns 1 if all of it could be.
EXPORT(decode) int decode(const uint8_t *data, size_t size) {
	struct memory source = {.data = data, .size = size};
	opj_stream_t *stream = open_memory(&source);
	opj_codec_t *codec = opj_create_decompress(OPJ_CODEC_J2K);
	opj_dparameters_t parameters;
	if (stream == NULL || codec == NULL) {
		return 0;
	}
	opj_set_default_decoder_parameters(&parameters);
	opj_set_error_handler(codec, keep_first, NULL);
	opj_set_warning_handler(codec, keep_first, NULL);
	return opj_setup_decoder(codec, &parameters) &&
		opj_decoder_set_strict_mode(codec, OPJ_TRUE) &&
		opj_read_header(stream, codec, &image) &&
		opj_decode(codec, stream, image) &&
		opj_end_decompress(codec, stream);
}

// text returns OpenJPEG's first warning or error, ended by a zero.
EXPORT(text) const char *text(void) { return message; }

// The image that decode has made.

EXPORT(components) uint32_t components(void) { return image->numcomps; }

EXPORT(width) uint32_t width(uint32_t c) { return image->comps[c].w; }

EXPORT(height) uint32_t height(uint32_t c) { return image->comps[c].h; }

// samples returns component c, row by row, or NULL.
EXPORT(samples) const int32_t *samples(uint32_t c) { return image->comps[c].data; }
