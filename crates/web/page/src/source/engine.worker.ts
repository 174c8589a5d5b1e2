// The engine in its own thread: it gets its bytes first, then requests, one after another, and answers each.

/** What the engine exports (crates/engine). */
type Exports = {
  memory: WebAssembly.Memory
  reserve(length: number): number
  ask(): number
  answer(): number
  last_words(): number
}

/** The bytes of the engine, or a request with its number. */
export type ToEngine = { readonly bytes: ArrayBuffer } | { readonly id: number; readonly request: string }

/** The engine's answer, or what was wrong: it has trapped and can't be asked again. */
export type FromEngine = { readonly id: number; readonly answer: string } | { readonly broken: string }

let engine: Promise<Exports>

addEventListener('message', ({ data }: MessageEvent<ToEngine>) => {
  if ('bytes' in data) engine = start(data.bytes)
  else void serve(data.id, data.request)
})

async function start(bytes: ArrayBuffer): Promise<Exports> {
  const { instance } = await WebAssembly.instantiate(bytes)
  return instance.exports as Exports
}

async function serve(id: number, request: string): Promise<void> {
  let exports: Exports | undefined
  try {
    exports = await engine
    tell({ id, answer: ask(exports, request) })
  } catch (failure) {
    tell({ broken: (exports && lastWords(exports)) || String(failure) })
  }
}

function ask(exports: Exports, request: string): string {
  const bytes = new TextEncoder().encode(request)
  const place = exports.reserve(bytes.length)
  new Uint8Array(exports.memory.buffer, place, bytes.length).set(bytes)
  const length = exports.ask()
  return read(exports, length)
}

/** What the panic said. After a trap the memory can still be read. */
function lastWords(exports: Exports): string {
  return read(exports, exports.last_words())
}

function read(exports: Exports, length: number): string {
  return new TextDecoder().decode(new Uint8Array(exports.memory.buffer, exports.answer(), length))
}

function tell(answer: FromEngine): void {
  postMessage(answer)
}
