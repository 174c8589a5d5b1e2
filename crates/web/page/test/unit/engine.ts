// The built engine, without a worker around it.

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Engine } from '../../src/source/engine'

type Exports = { memory: WebAssembly.Memory; reserve(length: number): number; ask(): number; answer(): number }

export async function engineOfTheBuild(): Promise<Engine> {
  const bytes = gunzipSync(readFileSync(new URL('../../dist/engine.wasm.gz', import.meta.url)))
  const { instance } = await WebAssembly.instantiate(new Uint8Array(bytes))
  const { memory, reserve, ask, answer } = instance.exports as unknown as Exports
  const engine: Pick<Engine, 'ask'> = {
    async ask(what, fields) {
      const request = new TextEncoder().encode(JSON.stringify({ ask: what, ...fields }))
      const place = reserve(request.length)
      new Uint8Array(memory.buffer, place, request.length).set(request)
      const length = ask()
      const { ok, refused } = JSON.parse(new TextDecoder().decode(new Uint8Array(memory.buffer, answer(), length)))
      if (refused !== undefined) throw new Error(refused)
      return ok
    },
  }
  return engine as Engine
}
