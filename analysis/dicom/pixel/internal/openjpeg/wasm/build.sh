#!/bin/bash
# SPDX-FileCopyrightText: The endplate authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds ../openjpeg.wasm from Debian bookworm's openjpeg2, with its security
# patches. Needs a Debian bookworm with deb-src entries in apt's sources and
#
#   apt-get install clang-14 lld-14 wasi-libc libclang-rt-14-dev-wasm32 dpkg-dev
#
# The same versions give the same bytes. With -c, compares instead of replacing.
set -euo pipefail

readonly version=2.5.0-2+deb12u3
cd "$(dirname "$0")"
readonly here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$work"
apt-get source -qq "openjpeg2=$version"
cd openjpeg2-*/src/lib/openjp2

cp "$here/decode.c" .
cp "$here"/include/*.h .

flags=(
	--target=wasm32-wasi -mexec-model=reactor
	-O3 -msimd128 -mbulk-memory -mnontrapping-fptoint -msign-ext
	-DNDEBUG -DOPJ_STATIC -I. -w
	-ffunction-sections -fno-ident
)
link=(
	--gc-sections --strip-all --stack-first -z,stack-size=262144
	--max-memory=1073741824
	--wrap=opj_pi_next --wrap=opj_tgt_decode --wrap=opj_mqc_resetstates
	--wrap=opj_t1_ht_decode_cblk --wrap=opj_stream_read_data
)
# What decoding needs: no index files, no clock, no tools.
sources=(
	bio.c cio.c decode.c dwt.c event.c function_list.c ht_dec.c image.c
	invert.c j2k.c jp2.c mct.c mqc.c openjpeg.c opj_malloc.c pi.c
	sparse_array.c t1.c t2.c tcd.c tgt.c thread.c
)
clang-14 "${flags[@]}" "${sources[@]}" "${link[@]/#/-Wl,}" -o openjpeg.wasm

if [[ ${1:-} == -c ]]; then
	cmp openjpeg.wasm "$here/../openjpeg.wasm"
else
	cp openjpeg.wasm "$here/../openjpeg.wasm"
fi
sha256sum openjpeg.wasm
