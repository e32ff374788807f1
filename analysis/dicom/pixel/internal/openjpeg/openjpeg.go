// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// Package openjpeg decodes JPEG 2000 and HTJ2K codestreams by OpenJPEG,
// compiled to WebAssembly and run by wazero.
//
// openjpeg.wasm is Debian's openjpeg2 2.5.0-2+deb12u3 (BSD-2-Clause, see
// LICENSE) behind wasm/decode.c; wasm/build.sh makes it again, bit for bit. It
// imports nothing from the host but a poll of the context: a codestream can
// reach its own instance's memory, up to a limit, and nothing else.
package openjpeg

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

//go:embed openjpeg.wasm
var binaryModule []byte

// Memory that an instance may take, bytes.
const (
	// OpenJPEG holds each sample up to twice, as an int32 of a tile and of the
	// image, and with it the state of its code block: a little for blocks of 64×64
	// samples, 30 bytes for the smallest, of 4×4.
	memoryPerSample = 48
	// Stack, tables, and what a small frame's many code blocks and packets take.
	memoryBase = 32 << 20
	// maxMemory is the limit for one instance, and that of the module.
	maxMemory = 1 << 30
)

// ErrCodestream is wrapped by the errors that the codestream caused.
var ErrCodestream = errors.New("openjpeg")

// module is the compiled module, which the first codestream pays for.
var module = sync.OnceValues(compile)

type compiled struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
}

func compile() (*compiled, error) {
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	_, err := runtime.NewHostModuleBuilder("host").
		NewFunctionBuilder().WithGoFunction(api.GoFunc(poll), nil, nil).Export("poll").Instantiate(ctx)
	if err != nil {
		return nil, fmt.Errorf("host of openjpeg.wasm: %w", err)
	}
	code, err := runtime.CompileModule(ctx, binaryModule)
	if err != nil {
		return nil, fmt.Errorf("compile openjpeg.wasm: %w", err)
	}
	return &compiled{runtime, code}, nil
}

// poll ends the instance that calls it once the context has ended: the panic
// becomes the error of the instance's call.
func poll(ctx context.Context, _ []uint64) {
	if err := ctx.Err(); err != nil {
		panic(err)
	}
}

// Decode decodes a codestream into dst, by pixel: index
// (y*width+x)*components+component. The codestream must have the given size,
// and its components the same resolution.
//
// Every call runs in a fresh instance, so that nothing of one patient's image
// is left for the next.
func Decode(ctx context.Context, codestream []byte, width, height, components int, dst []int32) error {
	m, err := module()
	if err != nil {
		return err
	}
	instance, err := m.runtime.InstantiateModule(ctx, m.code,
		wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return fmt.Errorf("instantiate openjpeg.wasm: %w", err)
	}
	defer instance.Close(context.WithoutCancel(ctx))

	c := call{ctx: ctx, module: instance}
	c.decode(codestream, min(maxMemory, memoryBase+len(codestream)*2+memoryPerSample*len(dst)))
	if n := c.function("components"); c.err == nil && int(n) != components {
		c.err = fmt.Errorf("%w: %d components, want %d", ErrCodestream, n, components)
	}
	for i := range components {
		c.copyComponent(i, components, width, height, dst)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.err
}

// A call is a use of an instance. Its methods do nothing once err is set.
type call struct {
	ctx    context.Context
	module api.Module
	err    error
}

// function calls an exported function. A trap is the codestream's fault.
func (c *call) function(name string, args ...uint64) uint32 {
	if c.err != nil {
		return 0
	}
	results, err := c.module.ExportedFunction(name).Call(c.ctx, args...)
	if err != nil {
		c.err = fmt.Errorf("%w: %s: %v", ErrCodestream, name, err)
		return 0
	}
	return uint32(results[0])
}

// decode decodes the codestream within the instance and so much memory.
func (c *call) decode(codestream []byte, memory int) {
	address := c.function("allocate", uint64(len(codestream)), uint64(memory))
	if c.err == nil && (address == 0 || !c.module.Memory().Write(address, codestream)) {
		c.err = fmt.Errorf("%w: no room for %d bytes", ErrCodestream, len(codestream))
	}
	if done := c.function("decode", uint64(address), uint64(len(codestream))); c.err == nil && done == 0 {
		c.err = fmt.Errorf("%w: %s", ErrCodestream, c.text())
	}
}

// text returns OpenJPEG's message.
func (c *call) text() string {
	const longest = 256
	address := c.function("text")
	buffer, ok := c.module.Memory().Read(address, longest)
	if !ok || c.err != nil {
		return "no message"
	}
	for i, b := range buffer {
		if b < ' ' || b > '~' {
			return string(buffer[:i])
		}
	}
	return string(buffer)
}

// copyComponent copies one decoded component into the pixels of dst.
func (c *call) copyComponent(component, components, width, height int, dst []int32) {
	w := c.function("width", uint64(component))
	h := c.function("height", uint64(component))
	address := c.function("samples", uint64(component))
	if c.err != nil {
		return
	}
	if int(w) != width || int(h) != height || address == 0 {
		c.err = fmt.Errorf("%w: component %d has %d×%d samples, want %d×%d", ErrCodestream, component, w, h, width, height)
		return
	}
	samples, ok := c.module.Memory().Read(address, uint32(4*width*height))
	if !ok {
		c.err = fmt.Errorf("%w: component %d lies outside the memory", ErrCodestream, component)
		return
	}
	for i := component; i < len(dst); i += components {
		dst[i] = int32(binary.LittleEndian.Uint32(samples))
		samples = samples[4:]
	}
}
