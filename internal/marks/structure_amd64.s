//go:build !purego

#include "textflag.h"

#define FILL(byte, x, y) \
	MOVQ byte, AX \
	VMOVQ AX, x \
	VPBROADCASTQ x, y

#define FILL512(byte, z) \
	MOVQ byte, AX \
	VPBROADCASTQ AX, z

// The bytes of Y0 and Y1 that are equal to those of y.
#define EQUAL(y, r) \
	VPCMPEQB y, Y0, Y10 \
	VPMOVMSKB Y10, r \
	VPCMPEQB y, Y1, Y10 \
	VPMOVMSKB Y10, R14 \
	SHLQ $32, R14 \
	ORQ R14, r

#define EQUAL512(z, r) \
	VPCMPEQB z, Z0, K1 \
	KMOVQ K1, r

// func structure(dst *Block, src *byte, blocks int, c *carry, wide bool)
//
// A word has a bit for each byte of a block. That a byte follows another is the word of the other, moved by one, with what the
// block before left (LEAQ). That a byte is within a string is the sum without carry of all quotes up to it, which is a product
// without carry with ones (VPCLMULQDQ). That the quote at the end of a string belongs to a certain one at its start is told by
// adding the latter to the bits of all strings: it runs through its own string, and comes to rest behind it.
TEXT ·structure(SB), NOSPLIT, $0-33
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX
	MOVQ c+24(FP), DX
	VPCMPEQB X2, X2, X2 // ones
	CMPB wide+32(FP), $0
	JNE fill512
	FILL($0x2222222222222222, X3, Y3) // quotes
	FILL($0x5c5c5c5c5c5c5c5c, X4, Y4) // backslashes
	FILL($0x3a3a3a3a3a3a3a3a, X5, Y5) // colons
	FILL($0x2c2c2c2c2c2c2c2c, X6, Y6) // commas
	FILL($0x7b7b7b7b7b7b7b7b, X7, Y7) // opening brackets, square ones with the bit that they lack
	FILL($0x7d7d7d7d7d7d7d7d, X8, Y8) // closing ones
	FILL($0x2020202020202020, X9, Y9) // this bit
	JMP block

fill512:
	FILL512($0x2222222222222222, Z3)
	FILL512($0x5c5c5c5c5c5c5c5c, Z4)
	FILL512($0x3a3a3a3a3a3a3a3a, Z5)
	FILL512($0x2c2c2c2c2c2c2c2c, Z6)
	FILL512($0x7b7b7b7b7b7b7b7b, Z7)
	FILL512($0x7d7d7d7d7d7d7d7d, Z8)
	FILL512($0x2020202020202020, Z9)

block:
	CMPB wide+32(FP), $0
	JNE block512
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	EQUAL(Y3, R8)  // quotes
	EQUAL(Y4, R9)  // backslashes
	EQUAL(Y5, R10) // colons
	EQUAL(Y6, R11) // commas
	VPAND Y9, Y0, Y11
	VPAND Y9, Y1, Y12
	VPCMPEQB Y9, Y11, Y11
	VPCMPEQB Y9, Y12, Y12
	VPMOVMSKB Y11, BX
	VPMOVMSKB Y12, R14
	SHLQ $32, R14
	ORQ R14, BX    // no square brackets
	VPOR Y9, Y0, Y0
	VPOR Y9, Y1, Y1
	EQUAL(Y7, R12) // opening brackets
	EQUAL(Y8, R13) // closing brackets
	JMP backslashes

block512:
	VMOVDQU64 (SI), Z0
	EQUAL512(Z3, R8)
	EQUAL512(Z4, R9)
	EQUAL512(Z5, R10)
	EQUAL512(Z6, R11)
	VPTESTMB Z9, Z0, K1
	KMOVQ K1, BX
	VPORQ Z9, Z0, Z0
	EQUAL512(Z7, R12)
	EQUAL512(Z8, R13)

backslashes:
	MOVQ 8(DX), AX
	MOVQ AX, R14
	ORQ R9, R14
	JNZ escapes

plain:
	VMOVQ R8, X1
	VPCLMULQDQ $0, X2, X1, X1
	VMOVQ X1, AX
	XORQ 0(DX), AX  // in strings, the first quote included
	MOVQ AX, R9
	SARQ $63, R9
	MOVQ R9, 0(DX)
	ANDNQ R10, AX, R10
	ANDNQ R11, AX, R11
	ANDNQ R12, AX, R12
	ANDNQ R13, AX, R13
	MOVQ R12, 0(DI)  // Open
	MOVQ R13, 8(DI)  // Close
	MOVQ R10, 24(DI) // Colon
	MOVQ R12, R14
	ORQ R13, R14
	ANDNQ R14, BX, BX
	MOVQ BX, 16(DI)  // Square
	ORQ AX, R14
	MOVQ R10, R9
	ORQ R11, R9
	ORQ R8, R9
	ORQ R14, R9
	NOTQ R9          // scalars
	MOVQ 48(DX), BX
	LEAQ (BX)(R9*2), BX
	ANDNQ R9, BX, BX // ... their first bytes
	SHRQ $63, R9
	MOVQ R9, 48(DX)
	MOVQ BX, 32(DI)  // Scalar
	ANDQ AX, R8      // quotes that open
	ORQ R8, BX
	ORQ R12, BX      // what starts a value or key
	ORQ R12, R11     // commas and opening brackets
	MOVQ R11, R9
	ORQ R10, R9      // ... and colons
	MOVQ 32(DX), R14
	LEAQ (R14)(R9*2), R14
	SHRQ $63, R9
	MOVQ R9, 32(DX)
	XORQ R14, BX     // something starts behind these and only there
	MOVQ 40(DX), R14
	LEAQ (R14)(R12*2), R14
	SHRQ $63, R12
	MOVQ R12, 40(DX)
	ANDQ R13, R14    // ... but for what is empty
	ANDNQ BX, R14, BX
	MOVQ 24(DX), R9
	LEAQ (R9)(R11*2), R9
	SHRQ $63, R11
	MOVQ R11, 24(DX) // behind commas and opening brackets
	MOVQ R8, R12
	ANDQ R9, R12     // stands a string
	ANDNQ R9, R8, R9
	ANDNQ R9, R14, R9 // ... or something else
	MOVQ 16(DX), R14
	ADDQ $-1, R14
	MOVQ AX, R13
	ADCQ R12, R13
	SBBQ R14, R14
	NEGQ R14
	MOVQ R14, 16(DX)
	ANDNQ R13, AX, R13 // where these strings end
	MOVQ 56(DX), R14
	LEAQ (R14)(R13*2), R14
	SHRQ $63, R13
	MOVQ R13, 56(DX)
	ANDNQ R10, R14, R12 // a colon that is not behind them
	ORQ R12, BX
	MOVQ BX, 48(DI)     // Wrong
	ANDNQ R14, R10, R14 // something else behind them
	ORQ R14, R9
	MOVQ R9, 40(DI)     // Element
	ADDQ $64, SI
	ADDQ $56, DI
	DECQ CX
	JNZ block
	VZEROUPPER
	RET

	// Few blocks have backslashes, and these have few. AX is the first byte, if it is escaped.
escapes:
	MOVQ $0, 8(DX)
	ANDNQ R9, AX, R9
	TESTQ R9, R9
	JZ escaped

backslash:
	BLSIQ R9, R14
	XORQ R14, R9
	ADDQ R14, R14
	JCS over
	ORQ R14, AX
	ANDNQ R9, R14, R9
	TESTQ R9, R9
	JNZ backslash
	JMP escaped

over:
	MOVQ $1, 8(DX)

escaped:
	ANDNQ R8, AX, R8
	JMP plain
