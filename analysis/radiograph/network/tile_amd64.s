// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func tileAVX(dst *float32, dstStep uintptr, x *float32, xStep uintptr, w *float32, wStep uintptr, n int)
//
// One sum is in each lane of Y0 to Y7, a register for each pixel. Products are rounded before
// they are added, as tile does: FMA would not.
TEXT ·tileAVX(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ dstStep+8(FP), R8
	MOVQ x+16(FP), SI
	MOVQ xStep+24(FP), R9
	MOVQ w+32(FP), DX
	MOVQ wStep+40(FP), R10
	MOVQ n+48(FP), CX

	LEAQ (R8)(R8*2), R11    // 3 steps of dst
	LEAQ (DI)(R8*4), R12    // its fifth pixel
	LEAQ (R9)(R9*2), R13    // 3 steps of x
	LEAQ (SI)(R9*4), BX     // its fifth pixel

	VMOVUPS (DI), Y0
	VMOVUPS (DI)(R8*1), Y1
	VMOVUPS (DI)(R8*2), Y2
	VMOVUPS (DI)(R11*1), Y3
	VMOVUPS (R12), Y4
	VMOVUPS (R12)(R8*1), Y5
	VMOVUPS (R12)(R8*2), Y6
	VMOVUPS (R12)(R11*1), Y7

next:
	VMOVUPS      (DX), Y8
	VBROADCASTSS (SI), Y9
	VBROADCASTSS (SI)(R9*1), Y10
	VBROADCASTSS (SI)(R9*2), Y11
	VBROADCASTSS (SI)(R13*1), Y12
	VMULPS       Y8, Y9, Y9
	VMULPS       Y8, Y10, Y10
	VMULPS       Y8, Y11, Y11
	VMULPS       Y8, Y12, Y12
	VADDPS       Y9, Y0, Y0
	VADDPS       Y10, Y1, Y1
	VADDPS       Y11, Y2, Y2
	VADDPS       Y12, Y3, Y3
	VBROADCASTSS (BX), Y9
	VBROADCASTSS (BX)(R9*1), Y10
	VBROADCASTSS (BX)(R9*2), Y11
	VBROADCASTSS (BX)(R13*1), Y12
	VMULPS       Y8, Y9, Y9
	VMULPS       Y8, Y10, Y10
	VMULPS       Y8, Y11, Y11
	VMULPS       Y8, Y12, Y12
	VADDPS       Y9, Y4, Y4
	VADDPS       Y10, Y5, Y5
	VADDPS       Y11, Y6, Y6
	VADDPS       Y12, Y7, Y7
	ADDQ         $4, SI
	ADDQ         $4, BX
	ADDQ         R10, DX
	DECQ         CX
	JNZ          next

	VMOVUPS Y0, (DI)
	VMOVUPS Y1, (DI)(R8*1)
	VMOVUPS Y2, (DI)(R8*2)
	VMOVUPS Y3, (DI)(R11*1)
	VMOVUPS Y4, (R12)
	VMOVUPS Y5, (R12)(R8*1)
	VMOVUPS Y6, (R12)(R8*2)
	VMOVUPS Y7, (R12)(R11*1)
	VZEROUPPER
	RET
